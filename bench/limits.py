"""How much of what a limit allows gets through when 48 ask in the same instant: side by side.

``python bench/limits.py ../before .``: see ``side_by_side``. Each limit is met over HTTP, by browsers of
their own that have loaded the form before; all come from one network, or where a row says so from many. What
is not refused (429, or 503 where too many passwords are compared just now) has got through. Mails are counted
in the mailbox.
"""

import re
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import side_by_side

AT_ONCE = 48
SETTINGS = """
from shop.settings import *
TRUSTED_PROXIES = ["127.0.0.1"]  # so that each client may name its own address
"""
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
REFUSED = {429, 503}
SERVICE, FIND, LOST = "auspicious-date-proposal", "/en/orders/find/", "/en/report/lost-key/"
LINK_MAIL, KEY_MAIL = "The link to your orders", "Your order key again"
GUESS = "certainly not this one"
DELIVERED = 20.0  # seconds until all mails that wait have left
Ask = Callable[["Browser", int], int]


class Browser:
    def __init__(self, stack: Any, address: str) -> None:
        import requests

        self.url = stack.url
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({"X-Forwarded-For": address, "Referer": self.url})
        self.session.headers["Connection"] = "close"  # a kept one may be closed just when it is used
        self.token = ""

    def load(self, path: str) -> str:
        page = self.session.get(self.url + path, timeout=120).text
        found = TOKEN.search(page)
        self.token = found[1] if found else self.token
        return page

    def post(self, path: str, **typed: str) -> int:
        data = {"csrfmiddlewaretoken": self.token, **typed}
        answer = self.session.post(self.url + path, data=data, timeout=120, allow_redirects=False)
        if answer.status_code not in {200, 302, *REFUSED}:
            raise RuntimeError(f"{path}: {answer.status_code}")
        return answer.status_code


def at_once(
    stack: Any, address: str, path: str, ask: Ask, *, first: Callable[[Browser], object] = bool
) -> int:
    """How many of ``AT_ONCE`` browsers that have loaded the page get through. The address may say ``{n}``."""
    barrier = threading.Barrier(AT_ONCE)

    def one(n: int) -> int:
        browser = Browser(stack, address.format(n=n))
        first(browser)
        browser.load(path)
        barrier.wait(300)
        return ask(browser, n)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(status not in REFUSED for status in pool.map(one, range(AT_ONCE)))


def cases() -> Iterator[dict[str, str]]:
    with side_by_side.shop(SETTINGS) as stack:
        buyer = bought(stack, "bench@example.com")
        for case in (guesses, codes, copies, mails, silenced, passwords):
            if side_by_side.is_wanted(case):
                yield {row: str(figure) for row, figure in case(stack, buyer).items()}


def bought(stack: Any, email: str) -> Any:
    """Somebody who has paid for a service, and has the order key in the mailbox."""
    from shop.tests.harness.buyer import Buyer

    buyer = Buyer(stack, email=email).check_out(SERVICE)
    buyer.press_pay("unionpay", **buyer.encrypted_card())
    stack.wait_for_mail(email, buyer.number)
    return buyer


def guesses(stack: Any, buyer: Any) -> dict[str, int]:
    from consulting.key_format import grouped, make

    forms: dict[str, tuple[str, Callable[[], dict[str, str]]]] = {
        "e-mail address of an order (10)": (buyer.order_path, dict),
        "find my orders (10)": (FIND, lambda: {"number": ""}),
        "order key lost (10)": (LOST, lambda: {"number": buyer.number}),
        "order keys guessed (10)": ("/en/report/", lambda: {"order_key": grouped(make())}),
    }
    found = {}
    for place, (row, (path, more)) in enumerate(forms.items()):

        def ask(browser: Browser, n: int, path: str = path, more: Any = more) -> int:
            return browser.post(path, email=f"guess{n}@example.com", **more())

        found[row] = at_once(stack, f"10.{place}.0.1", path, ask)
    return found


def codes(stack: Any, buyer: Any) -> dict[str, int]:
    from shop.tests.harness.buyer import forms_in

    def fill_cart(browser: Browser) -> None:
        page = browser.load(f"/en/product/{SERVICE}/")
        form = next(form for form in forms_in(page) if form.action.endswith("/cart/add/"))
        variant = form.fields.get("variant") or form.choices["variant"][0]
        browser.post(form.action, **{**form.fields, "variant": variant, "quantity": "1"})

    def ask(browser: Browser, n: int) -> int:
        return browser.post("/en/cart/promo/", code=f"GUESS{n}")

    return {"promo codes (10)": at_once(stack, "10.5.0.1", "/en/cart/", ask, first=fill_cart)}


def copies(stack: Any, buyer: Any) -> dict[str, int]:
    from shop.tests.harness.stacks.stack import rows

    def be_known(browser: Browser) -> None:
        browser.session.cookies.update(buyer.session.cookies)

    def ask(browser: Browser, _: int) -> int:
        return browser.post(buyer.order_path + "privacy/", kind="export")

    at_once(stack, "10.6.{n}.1", buyer.order_path + "privacy/", ask, first=be_known)
    asked = rows(stack, "SELECT count(*) FROM checkout_privacyrequest")
    return {"copies of one order, 48 networks (3)": asked[0][0]}


def mails(stack: Any, buyer: Any) -> dict[str, int]:
    def got(address: str, path: str, subject: str, number: str = "") -> int:
        at_once(stack, address, path, lambda browser, _: browser.post(path, email=buyer.email, number=number))
        time.sleep(DELIVERED)
        return sum(subject in mail["subject"] for mail in stack.mails(buyer.email))

    return {
        "mails with links to one address, 48 networks (3)": got("10.7.{n}.1", FIND, LINK_MAIL),
        "mails with one order key, 48 networks (3)": got("10.8.{n}.1", LOST, KEY_MAIL, buyer.number),
    }


def silenced(stack: Any, buyer: Any) -> dict[str, int]:
    """Three times strangers name the owner's address with another order's number; then the owner asks."""
    from checkout.order_numbers import new_number

    owner = bought(stack, "owner@example.com")
    for n, number in enumerate([*(new_number() for _ in range(3)), owner.number]):
        browser = Browser(stack, f"10.9.{n}.1")
        browser.load(LOST)
        browser.post(LOST, number=number, email=owner.email)
    time.sleep(DELIVERED)
    found = sum(KEY_MAIL in mail["subject"] for mail in stack.mails(owner.email))
    return {"order key mailed to its owner after 3 wrong pairs (1)": found}


def passwords(stack: Any, buyer: Any) -> dict[str, int]:
    path = "/en/admin/login/"

    def guess(browser: Browser, name: str, load: str = "") -> int:
        if load:
            browser.load(load)
        return browser.post(path, username=name, password=GUESS)

    def in_turn(name: str, addresses: list[str]) -> int:
        return sum(guess(Browser(stack, each), name, load=path) not in REFUSED for each in addresses)

    return {
        "passwords of one account (5)": at_once(
            stack, "10.11.0.1", path, lambda browser, _: guess(browser, "consultant")
        ),
        "passwords of 48 accounts (20)": at_once(
            stack, "10.12.0.1", path, lambda browser, n: guess(browser, f"name-{n}")
        ),
        "120 passwords of one account in turn, 30 networks (20)": in_turn(
            "fulfilment", [f"10.13.{n // 4}.1" for n in range(120)]
        ),
        "80 passwords of one account in turn, one IPv6 /64 (5)": in_turn(
            "merchant", [f"2001:db8:1:1::{n:x}" for n in range(1, 81)]
        ),
    }


if __name__ == "__main__":
    side_by_side.compare(__file__, "got through, of 48 posts at once where nothing else is said (limit)")
elif __name__ == "measure":
    side_by_side.measure(cases)
