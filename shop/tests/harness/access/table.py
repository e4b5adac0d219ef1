"""Who gets where: what each page answers to each kind of visitor who asks for what is Mei's.

A page has its answers to GET and to POST, as ``roles: outcome; roles: outcome; else: outcome``. ``writes``
says that something of the shop's was changed; a 302 names the page it leads to. The roles are those of
``access_world``, with these words for several.
"""

GROUPS = {
    "visitors": ["nobody", "buyer", "unlocked", "other"],
    "mei": ["buyer", "unlocked"],
    "consultants": ["assigned", "colleague", "told"],
    "staff": ["assigned", "colleague", "told", "merchant", "fulfilment", "superuser"],
    "shopkeepers": ["merchant", "fulfilment", "superuser"],
}

PAGES = {
    "root": ("302 catalog:home", "405"),
    "robots": ("200", "405"),
    "security_contact": ("200", "405"),
    "healthz": ("200", "405"),
    "readyz": ("200", "405"),
    "gateways:notify": ("405", "400"),
    "gateways:unionpay_return": ("302 catalog:home", "302 catalog:home"),
    "catalog:home": ("200", "405"),
    "catalog:category": ("200", "405"),
    "catalog:product": ("200", "405"),
    "cart:detail": ("200", "405"),
    "cart:add": ("405", "302 cart:detail"),
    "cart:update": ("405", "302 cart:detail"),
    "cart:remove": ("405", "302 cart:detail"),
    "checkout:begin": ("302 cart:detail", "403"),  # nothing in the cart; what was typed is given back
    "checkout:promo": ("405", "302 cart:detail"),
    "checkout:estimate": ("302 cart:detail", "405"),
    "checkout:orders": ("200", "405"),  # those of the browser that asks
    "checkout:forget": ("405", "302 cart:detail"),
    "checkout:forget_orders": ("405", "302 checkout:orders"),
    "checkout:find": ("200", "302 checkout:link_sent writes"),
    "checkout:link_sent": ("200", "405"),
    "checkout:open_link": (
        "200",
        "302 checkout:orders",
    ),  # whoever has the mail; it names the browser's orders
    "checkout:order": ("200", "mei: 302 checkout:order; else: 200"),  # strangers see it redacted
    "checkout:correct": (  # nobody but the browser that placed the order
        "buyer: 200; else: 302 checkout:order",
        "buyer: 302 checkout:order writes; else: 403",  # it is given back
    ),
    "checkout:details": (  # of the browser that placed the order; elsewhere the order key opens them
        "buyer: 200; else: 302 consulting:unlock",
        "buyer: 302 checkout:details writes; else: 403",
    ),
    "checkout:privacy": (
        "mei: 200; else: 302 checkout:order",
        "mei: 302 checkout:privacy writes; else: 302 checkout:order",
    ),
    "checkout:privacy_link": ("mei: 200; else: 403", "mei: 200 writes; else: 403"),  # with the mail, too
    "checkout:file": ("buyer: 200; else: 404", "405"),
    "checkout:request_cancellation": (
        "mei: 200; else: 302 checkout:order",
        "mei: 302 checkout:order writes; else: 403",
    ),
    "payments:pay": ("200", "200"),  # whoever has the link may pay; strangers see nothing personal
    "payments:send_code": ("405", "404"),
    "payments:pay_with_code": ("405", "404"),
    "payments:progress": ("302 payments:pay", "405"),
    "payments:return": ("302 checkout:order", "405"),
    "payments:cancel": ("302 payments:pay", "405"),
    "payments:cancel_order": (
        "mei: 200; else: 302 checkout:order",
        "mei: 302 checkout:order writes; else: 302 checkout:order",
    ),
    "consulting:unlock": ("200", "mei: 302 consulting:index writes; else: 200"),
    "consulting:index": ("unlocked other: 200; else: 302 consulting:unlock", "405"),
    "consulting:report": ("unlocked: 200 writes; other: 404; else: 302 consulting:unlock", "405"),
    "consulting:access_log": ("unlocked other: 200; else: 302 consulting:unlock", "405"),
    "consulting:details": (  # nothing is missing from these orders: see checkout:details
        "unlocked other: 302 consulting:index; else: 302 consulting:unlock",
        "unlocked other: 302 consulting:index; else: 403",
    ),
    "consulting:download": (
        "unlocked: 200 writes; other: 302 consulting:index; else: 302 consulting:unlock",
        "405",
    ),
    "consulting:messages": (
        "unlocked: 200 writes; other: 404; else: 302 consulting:unlock",  # they are seen now
        "unlocked: 302 consulting:messages writes; other: 404; else: 403",  # what was typed is not lost
    ),
    "consulting:report_version": ("unlocked: 200 writes; other: 404; else: 302 consulting:unlock", "405"),
    "consulting:changes": ("unlocked: 200 writes; other: 404; else: 302 consulting:unlock", "405"),
    "consulting:file_of_report": ("unlocked: 200 writes; other: 404; else: 302 consulting:unlock", "405"),
    "consulting:send_key": ("405", "mei: 302 checkout:order writes; else: 302 consulting:lost_key"),
    "consulting:lost_key": ("200", "302 consulting:key_sent writes"),
    "consulting:key_sent": ("200", "405"),
    "consulting:new_key": (
        "unlocked other: 200; else: 302 consulting:unlock",
        "unlocked other: 302 consulting:unlock writes; else: 302 consulting:unlock",
    ),
    "consulting:lock": ("405", "302 consulting:unlock"),
    "consulting:cases": (
        "visitors: 302 admin:login; fulfilment: 403; else: 200",
        "visitors: 302 admin:login; fulfilment: 403; else: 405",
    ),
    "consulting:open_with_key": (
        "visitors: 302 admin:login; merchant fulfilment: 403; else: 405",
        "visitors: 302 admin:login; merchant fulfilment: 403; else: 302 consulting:cases writes",
    ),
    "consulting:case": (
        "visitors: 302 admin:login; assigned told: 200 writes; fulfilment: 403; else: 200",
        "assigned: 302 consulting:case writes; else: 403",
    ),
    "consulting:take": (
        "visitors: 302 admin:login; merchant fulfilment: 403; else: 405",
        "visitors: 302 admin:login; merchant fulfilment: 403; else: 302 consulting:case",  # it is taken
    ),
    "consulting:publish": (
        "visitors: 302 admin:login; assigned: 302 consulting:case; else: 403",
        "visitors: 302 admin:login; assigned: 302 consulting:case; else: 403",
    ),
    "consulting:version": (
        "visitors: 302 admin:login; assigned told: 200; else: 403",
        "visitors: 302 admin:login; fulfilment: 403; else: 405",
    ),
    "consulting:withdraw": (
        "visitors: 302 admin:login; assigned merchant superuser: 200; else: 403",
        "assigned merchant superuser: 302 consulting:case writes; else: 403",
    ),
    "consulting:case_messages": (
        "visitors: 302 admin:login; assigned: 200 writes; told: 200; else: 403",
        "assigned: 302 consulting:case_messages writes; else: 403",
    ),
    "consulting:go_on": (
        "visitors: 302 admin:login; fulfilment: 403; else: 405",
        "visitors: 302 admin:login; assigned: 302 consulting:case_messages; else: 403",
    ),
    "consulting:report_file": (
        "visitors: 302 admin:login; assigned told: 200; else: 403",
        "visitors: 302 admin:login; fulfilment: 403; else: 405",
    ),
    "consulting:file": (
        "visitors: 302 admin:login; assigned told: 200 writes; else: 403",
        "visitors: 302 admin:login; fulfilment: 403; else: 405",
    ),
    "shop:help": ("200", "405"),
    "shop:contact": ("200", "405"),
    "shop:terms": ("200", "405"),
    "shop:privacy": ("200", "405"),
    "sign_in:account": ("visitors: 302 admin:login; else: 200", "visitors: 302 admin:login; else: 405"),
    "sign_in:code": ("visitors: 302 admin:login; else: 302 admin:index",) * 2,  # nobody has an app here
    "sign_in:set_up": (
        "visitors: 302 admin:login; else: 200 writes",  # the key that the page shows
        "visitors: 302 admin:login; else: 200 writes",
    ),
    "sign_in:recovery_codes": (
        "visitors: 302 admin:login; else: 405",
        "visitors: 302 admin:login; else: 302 sign_in:account",
    ),
    "sign_in:remove": (
        "visitors: 302 admin:login; else: 405",
        "visitors: 302 admin:login; else: 302 sign_in:account",
    ),
    "sign_in:reset": (
        "visitors: 302 admin:login; superuser: 200; else: 403",
        "visitors: 302 admin:login; superuser: 302 admin:auth_user_change; else: 403",
    ),
    "sign_in:send_link": ("405", "302 sign_in:link_sent"),
    "sign_in:link_sent": ("200", "405"),
    "sign_in:use_link": ("200", "302 admin:login"),  # whoever has the mail
    "admin:view_on_site": ("404", "404"),  # would tell the link of any row by its number
    "admin:autocomplete": ("404", "404"),  # would search any list, unknown to the audit trail
    "admin:login": ("visitors: 200; else: 302 admin:index", "200"),
    "admin:logout": ("visitors: 302 admin:index; else: 405", "visitors: 302 admin:index; else: 200"),
}

# The admin's other pages. Visitors are asked to sign in; of the staff these are let in, the others get 403.
# model: who looks at it, adds, changes, deletes
MODELS = {
    "auth_group": ("superuser", "superuser", "superuser", "superuser"),
    "auth_user": ("superuser", "superuser", "superuser", "superuser"),
    "catalog_absence": ("merchant superuser",) * 4,
    "catalog_category": ("merchant superuser",) * 4,
    "catalog_product": ("merchant superuser",) * 4,
    "catalog_stockreceipt": ("merchant superuser", "", "", ""),
    "checkout_order": ("shopkeepers", "", "merchant superuser", ""),
    "checkout_promotion": ("merchant superuser",) * 4,
    "checkout_stockmovement": ("merchant superuser", "", "", ""),
    "consulting_accesslog": ("merchant superuser", "", "", ""),
    "consulting_case": ("consultants merchant superuser", "", "merchant superuser", ""),
    "consulting_orderkey": ("merchant superuser", "", "", ""),
    "payments_gatewayevent": ("merchant superuser", "", "", ""),
    "payments_ledgerentry": ("merchant superuser", "", "", ""),
    "payments_payment": ("merchant superuser", "", "", ""),
    "payments_refund": ("merchant superuser", "", "", ""),
    "shop_approvalrequest": ("merchant superuser", "", "", ""),
    "shop_auditentry": ("superuser", "", "", ""),
    "shop_outboxmessage": ("merchant superuser", "", "", ""),
}
ADMIN = {
    "app_list": "consultants merchant superuser",
    "auth_user_password_change": "superuser",
    "checkout_order_cancellation": "merchant superuser",
    "checkout_order_correct": "merchant superuser",
    "checkout_order_hold": "merchant superuser",
    "checkout_order_mailbox": "merchant superuser",
    "checkout_order_parcel": "shopkeepers",
    "checkout_order_promise": "merchant superuser",
    "checkout_order_ship": "shopkeepers",
    "consulting_orderkey_deed": "merchant superuser",
    "index": "staff",
    "jsi18n": "staff",
    "password_change": "staff",
    "password_change_done": "staff",
    "payments_money_ask": "merchant superuser",
    "payments_money_health": "merchant superuser",
    "payments_money_repair": "merchant superuser",
    "payments_payment_decide": "merchant superuser",
    "payments_refund_explain": "merchant superuser",
    "payments_refund_order": "merchant superuser",
    "payments_refund_retry": "merchant superuser",
    "payments_return_payment": "merchant superuser",
    "shop_approvalrequest_decide": "merchant superuser",
}

# Views that take a POST without the token of our forms, and why.
WITHOUT_TOKEN = {
    "gateways:notify": "gateways call it; it is verified, and only makes us ask",
    "gateways:unionpay_return": "UnionPay's page posts the way back; it only makes us ask",
}


def roles(words: str) -> list[str]:
    return [role for word in words.split() for role in GROUPS.get(word, [word])]


def declared(name: str, method: str, role: str) -> str | None:
    """The outcome, in the admin only ``let in``, ``302 admin:login`` or ``403``; None for an unknown page."""
    if name in PAGES:
        return _chosen(PAGES[name][method == "post"], role)
    who = _let_in(name.removeprefix("admin:"), method) if name.startswith("admin:") else None
    if who is None:
        return None
    if role in GROUPS["visitors"]:
        return "302 admin:login"
    return "let in" if role in roles(who) else "403"


def _chosen(cell: str, role: str) -> str:
    if ":" not in cell.replace("302 ", "").partition(";")[0] or cell.startswith("302 "):
        return cell
    for part in cell.split("; "):
        words, _, outcome = part.partition(": ")
        if words == "else" or role in roles(words):
            return outcome
    raise AssertionError(f"no outcome for {role} in {cell!r}")


def _let_in(page: str, method: str) -> str | None:
    if page in ADMIN:
        return ADMIN[page]
    model, _, action = page.rpartition("_")
    if model not in MODELS:
        return None
    looks, adds, changes, deletes = MODELS[model]
    who = {"changelist": looks, "history": looks, "add": adds, "change": looks, "delete": deletes}
    return changes if (action, method) == ("change", "post") else who.get(action)
