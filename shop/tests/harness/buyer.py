"""A buyer without a browser: plain HTTP, the forms as the pages show them, cookies, and patience.

Quick, and several of them can act in the same instant. What needs scripts or eyes is walked in ``walk.py``.
"""

import base64
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from html.parser import HTMLParser
from threading import Barrier
from urllib.parse import urljoin, urlsplit

import requests
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.serialization import load_der_public_key

from shop.tests.harness.stacks.stack import Stack, wait_for

from .walk import date_for, number_for

TEA = "wuyi-rougui-oolong"
CARD = "6250930000000002"
NUMBER = re.compile(r"\b[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\b")
ADDRESS = {
    "recipient": "Mei Chan",
    "phone": "+852 9123 4567",
    "area": "Kowloon",
    "city": "Yau Tsim Mong",
    "line1": "1 Nathan Road",
}
ANSWERS = {"email": "someone@example.com", "tel": "9123 4567"}


@dataclass
class Form:
    """A form of a page: where it goes, and its fields with what is in them."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    unanswered: dict[str, str] = field(default_factory=dict)  # required and empty: name -> kind
    choices: dict[str, list[str]] = field(default_factory=dict)  # radios and checkboxes, none chosen
    texts: list[str] = field(default_factory=list)  # fields with room for several lines
    buttons: list[tuple[str, str]] = field(default_factory=list)  # those that say something: name, value


class _Forms(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.card: dict[str, str] = {}
        self._select = self._text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(attributes.get("action", "")))
        if "data-spki" in attributes:
            self.card = {"spki": attributes["data-spki"], "id": attributes["data-encrypt-cert-id"]}
        if not self.forms:
            return
        form, name = self.forms[-1], attributes.get("name", "")
        if tag == "select":
            self._select = name
        elif (
            tag == "option" and self._select and ("selected" in attributes or self._select not in form.fields)
        ):
            form.fields[self._select] = attributes.get("value", "")
        elif tag == "button" and name:
            form.buttons.append((name, attributes.get("value", "")))
        elif tag in {"input", "textarea"} and name:
            self._field(form, name, attributes)
        if tag == "textarea" and name:
            self._text = name
            form.texts.append(name)

    def handle_data(self, data: str) -> None:
        if self._text:
            self.forms[-1].fields[self._text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        if tag == "textarea" and self._text:
            fields = self.forms[-1].fields
            fields[self._text] = fields[self._text].removeprefix("\n")  # which a browser leaves out
            self._text = ""

    def _field(self, form: Form, name: str, attributes: dict[str, str]) -> None:
        kind = attributes.get("type", "text")
        if kind in {"radio", "checkbox"}:
            if "checked" in attributes:
                form.fields[name] = attributes.get("value", "on")
            form.choices.setdefault(name, []).append(attributes.get("value", "on"))
        elif kind != "submit":
            form.fields[name] = attributes.get("value", "")
            if "required" in attributes and not attributes.get("value"):
                is_number = attributes.get("inputmode") == "numeric"
                form.unanswered[name] = "number" if is_number else kind


def forms_on(page: requests.Response) -> list[Form]:
    return forms_in(page.text)


def forms_in(html: str) -> list[Form]:
    return _Forms(html).forms


class Buyer:
    """One browser profile. The methods do what a person does and check that the page is the expected one."""

    def __init__(self, stack: Stack, *, email: str, language: str = "en") -> None:
        self.stack, self.email, self.language = stack, email, language
        self.session = self._new_session()
        self.token = self.number = ""
        self.revision = "1"

    def close(self) -> None:
        self.session.close()

    def _new_session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        session.headers["Accept-Language"] = self.language
        session.headers["Connection"] = "close"  # a kept one may be closed by the server just when it is used
        return session

    # --- the way to the payment page ---

    def get(self, path: str, **options: object) -> requests.Response:
        return self.session.get(urljoin(self.stack.url, path), timeout=60, **options)  # type: ignore[arg-type]

    def post(self, path: str, data: dict[str, str], **options: object) -> requests.Response:
        token = self.session.cookies.get("csrf", "")
        return self.session.post(
            urljoin(self.stack.url, path),
            data={"csrfmiddlewaretoken": token, **data},
            headers={"Referer": self.stack.url},
            timeout=60,
            **options,  # type: ignore[arg-type]
        )

    def add_to_cart(self, slug: str, quantity: int = 1) -> None:
        page = self.get(f"/{self.language}/product/{slug}/")
        assert page.status_code == 200, f"{slug}: {page.status_code}"
        form = next(form for form in forms_on(page) if form.action.endswith("/cart/add/"))
        if "variant" not in form.fields:
            form.fields["variant"] = form.choices["variant"][0]
        added = self.post(form.action, {**form.fields, "quantity": str(quantity)})
        assert added.status_code == 200, added.status_code

    def checkout_form(self) -> dict[str, str]:
        """The checkout page's form, filled in."""
        page = self.get(f"/{self.language}/checkout/")
        form = next(form for form in forms_on(page) if "quote" in form.fields)
        typed = {name: form.fields.get(name) or text for name, text in ADDRESS.items() if name in form.fields}
        for name, kind in form.unanswered.items():
            make = {"date": date_for, "number": number_for}.get(kind)
            typed.setdefault(name, make(name) if make else ANSWERS.get(kind, "Chan"))
        for name, options in form.choices.items():
            if name.endswith((".leap", "unknown")):  # they would contradict the rest
                continue
            typed.setdefault(name, form.fields.get(name) or options[0])
        return {**form.fields, **typed, "email": self.email}

    def post_checkout(self, form: dict[str, str]) -> requests.Response:
        """Press "Continue to payment"."""
        answer = self.post(f"/{self.language}/checkout/", form)
        if match := re.search(r"/pay/([^/]+)/$", urlsplit(answer.url).path):
            self.token = match.group(1)
            self.look_at(answer)
        return answer

    def check_out(self, slug: str = TEA, quantity: int = 1) -> "Buyer":
        """From an empty cart to the payment page."""
        self.add_to_cart(slug, quantity)
        answer = self.post_checkout(self.checkout_form())
        assert self.token, f"{answer.url}: {_words(answer)}"
        return self

    def look_at(self, payment_page: requests.Response) -> None:
        """Remember what the payment page shows and will be asked for."""
        match = NUMBER.search(_words(payment_page))
        self.number = match.group() if match else self.number
        for form in forms_on(payment_page):
            self.revision = form.fields.get("revision", self.revision)

    # --- paying ---

    @property
    def pay_path(self) -> str:
        return f"/{self.language}/pay/{self.token}/"

    @property
    def order_path(self) -> str:
        return f"/{self.language}/order/{self.token}/"

    def press_pay(self, method: str = "paypal", **card: str) -> requests.Response:
        """One click on Pay; the answer itself, wherever it sends."""
        data = {"method": method, "revision": self.revision, **card}
        return self.post(self.pay_path, data, allow_redirects=False)

    def press_pay_at_once(self, times: int, method: str = "paypal", **card: str) -> list[requests.Response]:
        """The same click from so many tabs of the same browser, released together."""
        barrier = Barrier(times)

        def one(_: int) -> requests.Response:
            with self._new_session() as tab:
                tab.cookies.update(self.session.cookies)
                data = {"method": method, "revision": self.revision, **card}
                data["csrfmiddlewaretoken"] = tab.cookies.get("csrf", "")
                barrier.wait()
                return tab.post(
                    urljoin(self.stack.url, self.pay_path),
                    data=data,
                    headers={"Referer": self.stack.url},
                    allow_redirects=False,
                    timeout=60,
                )

        with ThreadPoolExecutor(times) as pool:
            return list(pool.map(one, range(times)))

    def encrypted_card(self, number: str = CARD, *, expiry: str = "3312", cvc: str = "123") -> dict[str, str]:
        """The hidden fields of the payment page, as its script fills them."""
        shown = _Forms(self.get(self.pay_path).text).card
        assert shown, "the payment page shows no card fields"
        key = load_der_public_key(base64.b64decode(shown["spki"]))

        def block(text: str) -> str:
            return base64.b64encode(key.encrypt(text.encode(), PKCS1v15())).decode()  # type: ignore[union-attr]

        return {
            "acc_no": block(number),
            "encrypted_info": block(f"cvn2={cvc}&expired={expiry}"),
            "encrypt_cert_id": shown["id"],
            "last4": number[-4:],
        }

    def approve_at_paypal(self, url: str, funding: str = "balance") -> str:
        """Log in at PayPal's page and agree. Returns the address that leads back to the shop."""
        login = {"email": "mei@example.com", "password": "demo"}
        entered = self.session.post(url, data=login, allow_redirects=False, timeout=60)
        assert entered.status_code == 303, entered.text
        page = urljoin(url, entered.headers["Location"])
        agreed = self.session.post(page, data={"funding": funding}, allow_redirects=False, timeout=60)
        assert agreed.status_code == 303, agreed.text
        return agreed.headers["Location"]

    def pay_at_unionpay(self, handoff: requests.Response) -> requests.Response:
        """From the shop's handoff page to UnionPay's own, and pay there. Returns the page that leads back."""
        form = next(form for form in forms_on(handoff) if "orderId" in form.fields)
        cashier = self.session.post(form.action, data=form.fields, timeout=60)
        card = {"number": CARD, "expiry": "12/33", "cvc": "123"}
        paid = self.session.post(cashier.url, data=card, timeout=60)
        assert any("respCode" in form.fields for form in forms_on(paid)), _words(paid)
        return paid

    def come_back_from_unionpay(self, paid: requests.Response) -> requests.Response:
        form = next(form for form in forms_on(paid) if "respCode" in form.fields)
        return self.session.post(form.action, data=form.fields, timeout=60)

    def wait_until_paid(self, timeout: float = 30.0) -> None:
        """Look at the order's page now and then, as the progress page does by itself."""
        wait_for(lambda: self.sees("Order Confirmation"), f"{self.number} to be confirmed", timeout)

    def sees(self, words: str) -> bool:
        """Whether the order's page holds these words; the payment page where it is still to be paid."""
        return words in _words(self.get(self.order_path))


def _words(page: requests.Response) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))
