"""Who works in the shop: the groups with their permissions, and the demo's people.

Permissions are named as strings: the kernel imports no app.
"""

import secrets
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import Group, Permission, User
from django.db.models import Q

_CATALOG = ("category", "product", "variant", "serviceterms", "intakequestion", "absence")

# Personal answers and reports are for consultants alone: neither merchant nor fulfilment may open them.
GROUPS: dict[str, list[str]] = {
    "merchant": [
        *(
            f"catalog.{action}_{model}"
            for model in _CATALOG
            for action in ("view", "add", "change", "delete")
        ),
        "catalog.view_stockreceipt",
        *(f"checkout.{action}_promotion" for action in ("view", "add", "change", "delete")),
        "checkout.view_order",
        "checkout.change_order",
        "checkout.ship_order",
        "checkout.hold_order",
        "checkout.answer_cancellation",
        "checkout.doubt_mailbox",
        "checkout.view_orderline",
        "checkout.view_orderevent",
        "checkout.view_shipment",
        "checkout.add_shipment",
        "checkout.change_shipment",
        "checkout.view_stockmovement",
        "payments.view_payment",
        "payments.change_payment",
        "payments.view_ledgerentry",
        "payments.view_refund",
        "payments.add_refund",
        "payments.view_gatewayevent",
        "consulting.view_case",
        "consulting.change_case",  # without change_report its answers stay closed
        "consulting.assign_case",
        "consulting.view_orderkey",
        "consulting.resend_orderkey",
        "consulting.replace_orderkey",
        "consulting.view_accesslog",
        "shop.view_outboxmessage",
    ],
    # Whoever may give an order to another mailbox can have its reports opened there: a person of trust.
    "key care": [
        "checkout.view_order",
        "checkout.doubt_mailbox",
        "consulting.view_orderkey",
        "consulting.resend_orderkey",
        "consulting.replace_orderkey",
        "consulting.readdress_orderkey",
        "consulting.view_accesslog",
    ],
    "fulfilment": [
        "checkout.view_order",
        "checkout.ship_order",
        "checkout.view_orderline",
        "checkout.view_orderevent",
        "checkout.view_shipment",
    ],
    "consultant": [
        "consulting.view_case",
        "consulting.change_case",
        "consulting.view_report",
        "consulting.add_report",
        "consulting.change_report",
    ],
}

# (user name, group, first name, last name): the name a client reads under a report serves both languages.
_PEOPLE = [
    ("merchant", "merchant", "雲硯閣", "Cloud Inkstone"),
    ("fulfilment", "fulfilment", "包裝部", "Packing"),
    ("consultant", "consultant", "林懷硯", "Lam Wai-yin"),
]
_LOGINS = settings.VAR_DIR / "demo-logins.txt"


def make_groups() -> None:
    """Give every group exactly the permissions named here. May be repeated."""
    for name, permissions in GROUPS.items():
        group, _ = Group.objects.get_or_create(name=name)
        group.permissions.set(Permission.objects.filter(_named(permissions)))


def _named(permissions: list[str]) -> Q:
    wanted = Q(pk__in=[])
    for permission in permissions:
        app, _, codename = permission.partition(".")
        wanted |= Q(content_type__app_label=app, codename=codename)
    return wanted


def make_demo_staff() -> bool:
    """The demo's people, their passwords made here and kept in ``VAR_DIR``. True when those are new."""
    logins = demo_logins()
    is_new = not logins
    if is_new:
        logins = {name: "-".join(_syllables()) for name, *_ in _PEOPLE}
        _LOGINS.touch(mode=0o600)
        _LOGINS.write_text("".join(f"{name} {password}\n" for name, password in logins.items()))
    for name, group, first_name, last_name in _PEOPLE:
        names = {"first_name": first_name, "last_name": last_name, "is_staff": True}
        user, is_missing = User.objects.get_or_create(
            username=name, defaults={**names, "email": f"{name}@shop.example"}
        )
        if is_missing or is_new:
            user.set_password(logins[name])
            user.save(update_fields=["password"])
        user.groups.add(Group.objects.get(name=group))
    return is_new


def _syllables() -> Iterator[str]:
    """Easy to read aloud and to type; 49 bits, behind the lock-out of django-axes."""
    for _ in range(4):
        yield "".join(
            secrets.choice(letters) for letters in ("bdfghkmnprstvz", "aeiou", "bdfghkmnprstvz", "aeiou")
        )


def demo_logins() -> dict[str, str]:
    """User names and passwords of the demo's people; empty before they were made."""
    if not _LOGINS.exists():
        return {}
    return dict(line.split() for line in _LOGINS.read_text().splitlines())
