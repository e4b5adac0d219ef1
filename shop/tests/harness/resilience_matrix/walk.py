"""People in a shop that something is missing from: what each of them came for, and whether they got it.

Each column of the matrix is a method that returns what was seen: ``works``, ``degraded`` or ``refused
politely``. Anything else, a 500 above all, fails there.
"""

import re
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import requests

from checkout.tests import files
from payments.tests.harness.rehearsal import arm
from shop.tests.harness.buyer import Buyer, Form, forms_on
from shop.tests.harness.stacks.crash_stack import STOCK
from shop.tests.harness.stacks.stack import wait_for
from shop.tests.harness.walk import key_in, say

from .stack import FragileShop
from .table import AFTERWARDS, DEGRADED, REFUSED, ROWS, WORKS

SLOWEST = 20.0  # seconds for one page, on a busy machine
PATIENCE = 60.0
JASMINE = "jasmine-silver-needle"  # there is enough of it for all rows
SERVICE, PLANNED = "auspicious-date-proposal", "home-layout-report"
TYPED = "canary-typed-4471"
BACK_SOON = {"en": "We will be right back", "zh-Hant": "我們很快回來"}
WAITING = ("We are waiting for the answer of the payment service", "please do not pay again")  # then; later
NO_ROOM = "We cannot keep this file just now. Please try again in a few minutes."


@dataclass
class Known:
    """What the shop already knows before anything breaks: a paid order, and who may open its report."""

    buyer: Buyer
    key: str
    staff: str
    password: str


def known(shop: FragileShop) -> Known:
    buyer = Buyer(shop.stack, email="known@example.com").check_out(SERVICE)
    pay_by_paypal(buyer)
    buyer.wait_until_paid()
    mail = shop.stack.wait_for_mail(buyer.email, "Order confirmation", PATIENCE)
    return Known(buyer, key_in(mail["text"]), "merchant", shop.stack.logins["merchant"])


def pay_by_paypal(buyer: Buyer) -> requests.Response:
    """The page after the way back, or the one that came instead of PayPal's."""
    answer = buyer.press_pay()
    if "checkoutnow" not in answer.headers.get("Location", ""):
        return buyer.get(answer.headers["Location"]) if answer.is_redirect else answer
    return buyer.get(buyer.approve_at_paypal(answer.headers["Location"]))


@dataclass
class Walk:
    """Of a row: its people, and what they saw."""

    shop: FragileShop
    row: str
    known: Known
    seen: dict[str, str | Exception] = field(default_factory=dict)
    slowest: float = 0.0  # seconds that a page took

    def __post_init__(self) -> None:
        self.visitor = self._person("visitor", "zh-hant")
        self.payer = self._person("payer")
        self.returner = self._person("returner")
        self.other = self._person("other")

    @property
    def people(self) -> list[Buyer]:
        return [self.visitor, self.payer, self.returner, self.other]

    def _person(self, name: str, language: str = "en") -> Buyer:
        person = Buyer(self.shop.stack, email=f"{self.row}-{name}@example.com", language=language)
        person.session.hooks["response"].append(self._note)
        return person

    def _note(self, answer: requests.Response, **_: object) -> None:
        if answer.url.startswith(self.shop.stack.url):
            self.slowest = max(self.slowest, answer.elapsed.total_seconds())

    def prepare(self) -> None:
        """Everybody stands where the fault will meet them."""
        self.visitor.add_to_cart(JASMINE)
        self.typed = self.visitor.checkout_form()
        self.adding = form_with(self.visitor.get(f"/zh-hant/product/{JASMINE}/"), "variant")
        self.payer.check_out()
        self.card = self.payer.encrypted_card()
        self.other.check_out(SERVICE)
        self.returner.check_out()
        # A notification would take the money before the buyer is back.
        url, number = self.shop.stack.sandbox_url, self.returner.number
        arm(url, gateway="paypal", on="webhook", fault="lost", times=0, reference=number)
        self.back = self.returner.approve_at_paypal(self.returner.press_pay().headers["Location"])

    def go(self, columns: Iterable[str]) -> None:
        """With the fault there every column, whatever becomes of the one before; then without it."""
        self.prepare()
        with self.shop.without(self.row):
            for column in columns:
                self.seen[column] = self._tried(getattr(self, f"_{column}"))
        self.seen[AFTERWARDS] = self._tried(self.finish)

    def _tried(self, act: Callable[[], str]) -> str | Exception:
        try:
            return act()
        except Exception as problem:  # the test of this cell raises it
            return problem

    def close(self) -> None:
        for person in self.people:
            person.close()

    # --- the columns ---

    def _browse(self) -> str:
        stranger = self._person("stranger")
        pages = [stranger.get(path) for path in ("/en/", f"/zh-hant/product/{JASMINE}/")]
        return together([seen_on(page, "<main") for page in pages])

    def _cart(self) -> str:
        answer = self.visitor.post(self.adding.action, {**self.adding.fields, "quantity": "1"})
        if answer.status_code == 503:
            return politely(answer)
        cart = self.visitor.get("/zh-hant/cart/")
        assert any(form.fields.get("quantity") == "2" for form in forms_on(cart)), words(cart)
        return WORKS

    def _checkout(self) -> str:
        page = self.visitor.get("/zh-hant/checkout/")
        if page.status_code == 503:
            return together([politely(page), politely(self.visitor.post_checkout(self.typed))])
        if self.row == "disk-shop":
            return self._checkout_with_a_file()
        answer = self.visitor.post_checkout(self.visitor.checkout_form())
        if answer.status_code == 503:
            return politely(answer)
        assert self.visitor.token, words(answer)
        return WORKS

    def _checkout_with_a_file(self) -> str:
        self.visitor.add_to_cart(PLANNED)
        typed = self.visitor.checkout_form()
        name = next(name for name in typed if name.endswith("-1-floor-plan"))
        del typed[name]
        typed |= {field: TYPED for field in typed if field.endswith("-1-district")}
        plan = {name: ("plan.pdf", files.pdf(), "application/pdf")}
        page = self.visitor.post("/zh-hant/checkout/", {**typed, "action": "upload"}, files=plan)
        assert page.status_code == 200
        assert say("zh-hant", NO_ROOM) in page.text
        assert {TYPED, self.visitor.email} <= set(form_with(page, "quote").fields.values())
        answer = self.visitor.post_checkout(self.visitor.checkout_form() | typed)
        assert self.visitor.token, words(answer)
        return DEGRADED

    def _pay(self) -> str:
        """By both methods; whoever could order just now pays with the card."""
        by_card = self._pay_by_card(self.visitor if self.visitor.token else self.payer)
        return together([by_card, self._pay_by_paypal(self.payer)])

    def _pay_by_paypal(self, buyer: Buyer) -> str:
        page = pay_by_paypal(buyer)
        if page.status_code == 503:
            self._assert_no_gateway_knows(buyer)
            return politely(page)
        if is_confirmed(buyer):
            return WORKS
        page = wait_for(
            lambda: with_text(buyer.get(buyer.pay_path), "could not be reached"), "the reason", PATIENCE
        )
        assert "No money was taken" in words(page)
        return REFUSED

    def _pay_by_card(self, buyer: Buyer) -> str:
        answer = buyer.press_pay("unionpay", **self.card)
        if answer.status_code == 503:
            self._assert_no_gateway_knows(buyer)
            return politely(answer)
        assert answer.is_redirect, words(answer)
        deadline = time.monotonic() + (3 if self.row.startswith("unionpay") else PATIENCE)
        while not is_confirmed(buyer):
            if time.monotonic() > deadline:
                assert waits(buyer.get(f"/en/pay/{buyer.token}/progress/"))
                return DEGRADED
            time.sleep(0.3)
        return WORKS

    def _assert_no_gateway_knows(self, buyer: Buyer) -> None:
        prefix = buyer.number.replace("-", "")
        about = [entry for entry in self.shop.stack.log() if prefix in str(entry.get("references", ""))]
        assert about == []

    def _return(self) -> str:
        page = self.returner.get(self.back)
        if page.status_code == 503:
            return politely(page)
        if is_confirmed(self.returner):
            return WORKS
        assert waits(page), words(page)
        return DEGRADED

    def _status(self) -> str:
        buyer = self.known.buyer
        return seen_on(buyer.get(buyer.order_path), buyer.number, "Order Confirmation")

    def _unlock(self) -> str:
        """By somebody whose browser knows the order."""
        buyer = self.known.buyer
        form = buyer.get("/en/report/")
        answer = buyer.post("/en/report/", {"order_key": self.known.key, "email": buyer.email})
        if 503 in {form.status_code, answer.status_code}:
            return politely(answer)
        assert answer.url.endswith("/en/report/order/"), words(answer)
        return seen_on(answer, buyer.number)

    def _admin(self) -> str:
        staff = self._person("staff")
        page = staff.get("/en/admin/login/")
        if page.status_code == 503:
            return politely(page)
        person = {"username": self.known.staff, "password": self.known.password}
        answer = staff.post("/en/admin/login/", {**person, "next": "/en/admin/"})
        if answer.status_code == 503:
            return politely(answer)
        return seen_on(
            staff.get(f"/en/admin/checkout/order/?q={self.known.buyer.number}"), self.known.buyer.email
        )

    def _others(self) -> str:
        """Somebody pays by what is there and closes the tab: nobody looks, and the order is paid."""
        if self.row.startswith("unionpay"):
            pay_by_paypal(self.other)
        else:
            answer = self.other.press_pay("unionpay", **self.card)
            if answer.status_code == 503:
                return politely(answer)
        is_late = ROWS[self.row].value("others") == DEGRADED
        deadline = time.monotonic() + (3 if is_late else PATIENCE)
        while self.shop.orders(self.other.email) != [(self.other.number, "paid")]:
            if time.monotonic() > deadline:
                return DEGRADED
            time.sleep(0.3)
        return WORKS

    # --- when it is back ---

    def finish(self) -> str:
        """Who could not go on goes on; who came back from PayPal does nothing more. Then all is in order."""
        if not self.visitor.token:
            self.visitor.post_checkout(self.visitor.checkout_form())
        paying = self.people
        if self.row.startswith("unionpay"):
            # Asked to charge a card, or not: it may no longer be asked, so the order ends.
            paying = [self.payer, self.returner, self.other]
            self.shop.wait_for_orders(self.visitor.email, "expired", within=2 * 3600)
        for buyer in paying:
            if buyer is not self.returner:
                self._insist_on_paying(buyer)
        self.shop.wait_for_orders(self.returner.email, "paid", within=240)
        for buyer in self.people:
            assert len(self.shop.orders(buyer.email)) == 1
            self.shop.wait_until_quiet(buyer.email)
            self.shop.assert_money(buyer.email)
            letters = {  # a worker that was killed may have sent one without noting it: it comes twice
                mail["message_id"]
                for mail in self.shop.stack.mails(buyer.email)
                if is_confirmation(mail["subject"])
            }
            assert len(letters) == (1 if buyer in paying else 0), self.shop.mails(buyer.email)
        assert self.shop.rows(STOCK) == []
        assert self.shop.stuck() == {}
        return WORKS

    def _insist_on_paying(self, buyer: Buyer) -> None:
        def paid() -> bool:
            if is_confirmed(buyer):
                return True
            page = buyer.get(buyer.pay_path)
            if any("revision" in form.fields for form in forms_on(page)):
                pay_by_paypal(buyer)
            else:
                self.shop.later(10)
                time.sleep(1)
            return is_confirmed(buyer)

        wait_for(paid, f"{buyer.email} to have paid", PATIENCE)


def form_with(page: requests.Response, name: str) -> Form:
    return next(form for form in forms_on(page) if name in form.fields or name in form.choices)


def is_confirmed(buyer: Buyer) -> bool:
    """As the page that waits for a payment sees it; it asks the gateway where it is time to."""
    return "Order Confirmation" in words(buyer.get(f"/en/pay/{buyer.token}/progress/"))


def is_confirmation(subject: str) -> bool:
    return "Order confirmation" in subject or "訂單確認" in subject


def with_text(page: requests.Response, text: str) -> requests.Response | None:
    return page if text in words(page) else None


def waits(page: requests.Response) -> bool:
    """Nothing is known yet, and the page says so."""
    return any(text in words(page) for text in WAITING)


def words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def seen_on(page: requests.Response, *texts: str) -> str:
    if page.status_code == 503:
        return politely(page)
    assert page.status_code == 200, page.status_code
    for text in texts:
        assert text in page.text, words(page)
    return WORKS


def politely(answer: requests.Response) -> str:
    """The page that says so, in the language of its address."""
    language = "zh-Hant" if "/zh-hant/" in answer.url else "en"
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10"), words(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert f'<html lang="{language}"' in answer.text
    assert BACK_SOON[language] in answer.text
    for secret in ("Traceback", "psycopg2", "OperationalError", "INSERT"):
        assert secret not in answer.text
    return REFUSED


def together(values: list[str]) -> str:
    """What part of them works is less than works."""
    return values[0] if len(set(values)) == 1 else DEGRADED
