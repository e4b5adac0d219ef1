"""Everybody who may come to the shop, and an order with everything in it, for the table of who gets where.

The order is Mei's: tea and a consultation, paid, its report published. A second one of hers is not paid yet.
"""

import copy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.db import connection, transaction
from django.test import Client
from django.urls import Resolver404, URLPattern, URLResolver, get_resolver, resolve, reverse

from catalog.models import Absence, StockReceipt
from checkout.intake import uploads
from checkout.models import (
    CancellationRequest,
    Intake,
    Order,
    OrderSearch,
    PrivacyRequest,
    Promotion,
    Shipment,
    StockMovement,
    Upload,
)
from checkout.orders import lookup
from checkout.privacy import requests as privacy_requests
from checkout.tests.orders.test_corrections import TYPED
from checkout.tests.scenes import for_later, make_cart, make_service, place, placed_in
from consulting.models import AccessLog, Case, OrderKey
from consulting.reports import attachments
from consulting.reports import services as reports
from consulting.tests import documents, scenes
from payments.models import GatewayEvent, LedgerEntry, Payment, Refund
from shop import clock
from shop.admin import staff_groups
from shop.admin.sign_in import links
from shop.audit import approvals
from shop.audit.subjects import Subject
from shop.background import outbox
from shop.models import AuditEntry, OutboxMessage

ROLES = [
    "nobody",
    "buyer",  # Mei, who has placed the order in this browser
    "unlocked",  # Mei in another browser, which has named her e-mail address and has her reports open
    "other",  # another buyer, with an order and open reports of their own
    "assigned",  # the consultant of the case
    "colleague",  # another consultant
    "told",  # a consultant whom Mei has read the order key to
    "merchant",
    "fulfilment",
    "superuser",
]
BUYERS = {"buyer", "unlocked"}
READERS = {"assigned", "told"}
SHOPKEEPERS = {"merchant", "fulfilment", "superuser"}
FILE = "canary-file-3310"
NOTE, REPORT_FILE = "canary-note-6614", "canary-report-file-6615.pdf"
QUIET = ("django_session", "shop_try", "shop_audit", "django_admin_log")  # written whoever comes


@dataclass
class World:
    order: Order
    unpaid: Order
    late: Order  # paid, some details still missing
    case: Case
    key: str
    browsers: dict[str, Client]
    parts: dict[str, Any] = field(default_factory=dict)  # of addresses: see ``path_of``

    @property
    def secrets(self) -> dict[str, tuple[list[str], set[str]]]:
        """What must not be seen -> the words that would show it, and who may read them."""
        person = ["Mei Chan", "1 Nathan Road", "91234567", scenes.EMAIL]
        return {
            "the buyer": (person, BUYERS | SHOPKEEPERS),
            "the answers": ([scenes.ANSWER.partition(" ")[0], scenes.CONTACT, FILE], BUYERS | READERS),
            "the report": ([scenes.TITLE, scenes.TEXT, NOTE, REPORT_FILE], {"unlocked"} | READERS),
            "the order key": ([self.key.replace("-", "")], {"buyer"}),
        }


def make() -> World:
    staff_groups.make_groups()
    order = scenes.paid_order(subjects=1, goods=1)
    case = Case.objects.of(order).get()
    people = {name: _person(name) for name in ("merchant", "fulfilment")}
    people |= {name: _person("consultant", name) for name in ("assigned", "colleague", "told")}
    people["superuser"] = User.objects.create_superuser("superuser")
    scenes.published(case, people["assigned"])
    corrected(case, people["assigned"])
    browsers = {name: Client(raise_request_exception=False) for name in ROLES}
    for name, person in people.items():
        browsers[name].force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    key = scenes.key_of(order)
    advice = make_service("SV-LATE")
    late = place(make_cart((advice, 1)), email=scenes.EMAIL, intakes=for_later(advice))
    unpaid = scenes.unpaid_order(subjects=1, goods=1)
    world = World(order, unpaid, scenes.pay(late), case, key, browsers)
    browsers["told"].post("/en/consultant/open/", {"order_key": key})
    other = scenes.paid_order(subjects=1)
    Order.objects.filter(pk=other.pk).update(email="other@example.com")
    other.refresh_from_db()
    hers = [order, unpaid, late]
    placed_in(browsers["buyer"], *hers)
    for name, owned in (("unlocked", hers), ("other", [other])):
        for one in owned:
            browsers[name].post(one.get_absolute_url(), {"email": one.email})
    for name, one in (("unlocked", order), ("other", other)):
        browsers[name].post("/en/report/", {"order_key": scenes.key_of(one), "email": one.email})
    _furnish(world)
    return world


def corrected(case: Case, author: User) -> None:
    """A second version with a file."""
    typed = {"title": scenes.TITLE, "body": f"{scenes.TEXT} corrected", "note": NOTE}
    reports.save_draft(case, author=author, **typed)
    file = documents.sent(documents.pdf(), REPORT_FILE)
    reports.publish(attachments.attach(case, author=author, file=file), actor="assigned")


def _person(group: str, name: str = "") -> User:
    person = User.objects.create_user(name or group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    return person


def _token(url: str) -> str:
    return url.rstrip("/").rpartition("/")[2]


def _furnish(world: World) -> None:
    """One of everything that an address can name."""
    now, order = clock.now(), world.order
    upload = Upload.objects.create(
        field="f", name="canary-file-3310.pdf", kind="pdf", size=4, stored_as="canary", uploaded_at=now
    )
    upload.intakes.add(Intake.objects.get(line__order=order, subject=1))
    uploads.write_sealed("canary", FILE.encode())
    payment = Payment.objects.create(
        order=order,
        method="paypal",
        reference="REFERENCE1",
        amount=order.total,
        currency=order.currency,
        status=Payment.Status.CAPTURED,
        started_at=now,
    )
    LedgerEntry.objects.create(
        payment=payment, gateway="paypal", reference="CAPTURE1", amount=order.total, currency="HKD", at=now
    )
    refund = Refund.objects.create(payment=payment, amount=1, key="refund-key", started_at=now)
    event = GatewayEvent.objects.create(gateway="paypal", event_id="E1", body=b"{}", received_at=now)
    search = OrderSearch.objects.create(email=scenes.EMAIL, language="en", asked_at=now)
    request = CancellationRequest.objects.create(order=world.unpaid, reason="", asked_at=now)
    with transaction.atomic():
        outbox.publish("mail.key_alarm", key="1", hour="1")
    copy_asked = privacy_requests.create_request(order, PrivacyRequest.Kind.EXPORT)
    promotion = Promotion.objects.create(code="CANARY", kind="percent", percent=5, name_zh_hant="x")
    goods = order.lines.get(kind="goods").variant
    subject = Subject("checkout.order", str(order.pk), order.number)
    how = {"way": "payment", "payment": payment.pk, "key": "", "reason": "", "amount": "1", "currency": "HKD"}
    wish = approvals.ask("refund", subject, how, key="canary", actor="merchant")
    world.parts = {
        "token": order.token,
        "slug": goods.product.slug,
        "category": goods.product.category.slug,
        "pk": world.case.pk,
        "version": 2,
        "number": 1,
        "name": "resend",
        "file": upload.pk,
        "gateway": "paypal",
        "app_label": "consulting",
        "content_type_id": ContentType.objects.get_for_model(Order).pk,
        "privacy_link": _token(
            privacy_requests.LINK.url(copy_asked.pk, to=copy_asked.order.email, language="en")
        ),
        "link": _token(lookup.LINK.url(search.pk, to=search.email, language="en")),
        "order_id": order.pk,
        "shipment_id": Shipment.objects.create(
            order=world.late, carrier="sf", tracking_number="SF1234", shipped_at=now, shipped_by="merchant"
        ).pk,
        "payment_id": payment.pk,
        "refund_id": refund.pk,
        "request_id": request.pk,
        "approval_id": wish.pk,
        "objects": {
            "catalog_product": goods.product_id,
            "catalog_category": goods.product.category_id,
            "catalog_stockreceipt": StockReceipt.objects.first().pk,
            "catalog_absence": Absence.objects.create(starts_on=now.date(), ends_on=now.date()).pk,
            "checkout_order": order.pk,
            "checkout_stockmovement": StockMovement.objects.first().pk,
            "payments_payment": payment.pk,
            "payments_ledgerentry": LedgerEntry.objects.get().pk,
            "payments_refund": refund.pk,
            "payments_gatewayevent": event.pk,
            "consulting_orderkey": OrderKey.objects.get(order=order).pk,
            "consulting_case": world.case.pk,
            "consulting_accesslog": AccessLog.objects.first().pk,
            "shop_approvalrequest": wish.pk,
            "shop_auditentry": AuditEntry.objects.first().pk,
            "shop_outboxmessage": OutboxMessage.objects.first().pk,
            "checkout_promotion": promotion.pk,
            "auth_user": User.objects.get(username="assigned").pk,
            "auth_group": Group.objects.first().pk,
        },
    }


# --- addresses ---

UNPAID = {"payments:pay", "payments:progress", "payments:cancel", "payments:return", "payments:cancel_order"}
UNPAID |= {"payments:send_code", "payments:pay_with_code"}


def doors(resolver: URLResolver | None = None, space: str = "") -> Iterator[tuple[str, URLPattern]]:
    """(name, pattern) of every address that has a name."""
    for one in (resolver or get_resolver()).url_patterns:
        if isinstance(one, URLResolver):
            inner = f"{space}{one.namespace}:" if one.namespace else space
            yield from doors(one, inner)
        elif one.name:
            yield f"{space}{one.name}", one


def path_of(world: World, name: str, pattern: URLPattern) -> str:
    """The address that names what belongs to Mei."""
    values = {part: part_of(world, name, part) for part in pattern.pattern.regex.groupindex}
    return reverse(name, kwargs=values)


def part_of(world: World, name: str, part: str) -> object:
    if name == "sign_in:use_link":
        return _token(links.make(User.objects.get(username="merchant"), "en"))
    if name == "sign_in:reset":
        return world.parts["objects"]["auth_user"]
    if part == "token" and name not in {"checkout:open_link", "checkout:privacy_link"}:
        if name == "checkout:details":
            return world.late.token
        return world.unpaid.token if name in UNPAID else world.order.token
    if name.startswith("admin:") and part == "object_id":
        model = "checkout_order" if name == "admin:view_on_site" else name.split(":")[1].rpartition("_")[0]
        return world.parts["objects"].get(model, 1)
    if (name, part) == ("admin:checkout_order_parcel", "order_id"):
        return world.late.pk
    if (name, part) == ("admin:checkout_order_cancellation", "order_id"):
        return world.unpaid.pk  # whose request it is
    if name == "admin:auth_user_password_change":
        return world.parts["objects"]["auth_user"]
    if (name, part) == ("admin:consulting_orderkey_deed", "pk"):
        return world.parts["objects"]["consulting_orderkey"]
    special = {
        "checkout:open_link": "link",
        "checkout:privacy_link": "privacy_link",
        "checkout:file": "file",
        "catalog:category": "category",
    }
    return world.parts[special.get(name, part)]


# --- what comes of it ---


def body_of(world: World, name: str, role: str) -> dict[str, object]:
    """A POST that would do something if it were allowed."""
    key = {"order_key": world.key, "email": scenes.EMAIL if role in BUYERS else "guess@example.com"}
    return {
        "checkout:order": {"email": key["email"]},
        "checkout:correct": {**TYPED, "recipient": "Changed Name"},
        "checkout:request_cancellation": {"reason": "changed my mind"},
        "checkout:find": {"email": "guess@example.com"},
        "checkout:privacy": {"kind": "export"},
        "consulting:unlock": key,
        "consulting:lost_key": {"number": world.order.number, "email": "guess@example.com"},
        "consulting:messages": {"text": "Changed"},
        "consulting:case_messages": {"text": "Changed"},
        "consulting:withdraw": {"reason": "Changed"},
        "sign_in:send_link": {"username": "merchant"},
        "consulting:open_with_key": {"order_key": world.key},
        "consulting:case": {
            "title": "Changed",
            "body": "Changed",
            "note": "Changed",
            "language": "en",
            "seen": name == "consulting:case" and Case.objects.get(pk=world.case.pk).reports.first().stamp,
        },
        "admin:consulting_case_change": {"consultant": "", "due_on": "2030-01-01"},
        "admin:checkout_order_hold": {"is_on_hold": "1"},
    }.get(name, {"post": "yes"})


@dataclass
class Answer:
    """``200``, ``403``, ``302 admin:login``; with `` writes`` where the request changed something."""

    outcome: str
    seen: list[str]  # secrets on the page


def ask(world: World, role: str, name: str, path: str, method: str) -> Answer:
    """One request, after which everything is as it was before."""
    browser = copy.copy(world.browsers[role])
    browser.cookies = copy.deepcopy(browser.cookies)
    body = body_of(world, name, role) if method == "post" else {}
    changes = Changes()
    with transaction.atomic(), connection.execute_wrapper(changes):
        response = getattr(browser, method)(path, body)
        transaction.set_rollback(True)
    outcome = str(response.status_code)
    if 300 <= response.status_code < 400:
        outcome += f" {_name_of(response['Location'])}"
    outcome += " writes" if changes.found else ""
    content = b"".join(response) if response.streaming else response.content
    text = content.decode(errors="replace")
    text += re.sub(r"<[^>]*>|[\s-]", "", text)  # a key in groups, each with its own markup
    for typed in body.values():
        text = text.replace(str(typed), "").replace(re.sub(r"[\s-]", "", str(typed)), "")
    seen = [what for what, (words, _) in world.secrets.items() if any(word in text for word in words)]
    return Answer(outcome, seen)


class Changes:
    """Notices statements that change something of the shop's."""

    found = False

    def __call__(self, execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if sql.startswith(("INSERT", "UPDATE", "DELETE")) and not any(table in sql[:60] for table in QUIET):
            self.found = True
        return execute(sql, params, many, context)


def _name_of(location: str) -> str:
    parts = urlsplit(location)
    if parts.netloc:
        return parts.netloc
    try:
        return resolve(parts.path).view_name or parts.path
    except Resolver404:
        return parts.path
