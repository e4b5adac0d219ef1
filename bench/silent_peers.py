"""How long somebody else waits while the mail server, PayPal or both gateways hang: seconds, side by side.

``python bench/silent_peers.py ../before .``: see ``side_by_side``. "Somebody else" pays with a UnionPay
card, closes the tab at once, and is measured until the order is paid and until its confirmation lies in the
mailbox.
"""

import json
import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import side_by_side

GIVEN_UP = 120.0  # seconds
SERVICE = "auspicious-date-proposal"  # nothing of it is ever sold out
SETTINGS = """
import os, sys
from shop.settings import *
UNPAID_PER_NETWORK = PAYMENTS_PER_NETWORK = 1000  # all buyers of this script come from one
if not {"sandbox", "runstack"} & set(sys.argv):  # the way to the mailbox leads through a proxy
    EMAIL_PORT = int(os.environ["BENCH_SMTP_PORT"])
"""
CALLS = {"paypal": ["token", "create", "show", "capture", "verify"], "unionpay": ["purchase", "query"]}
EMPTY = "UPDATE payments_payment SET next_check_at = now() WHERE status IN ('created', 'awaiting')"


def cases() -> Iterator[dict[str, str]]:
    for case in (usual, silent_mail_server, forged_notices, unfinished_attempts, both_gateways_hang):
        if side_by_side.is_wanted(case):
            with shop() as (stack, smtp):
                found = case(stack, smtp)
            yield found


@contextmanager
def shop() -> Iterator[tuple[Any, Any]]:
    from payments.tests.harness.rehearsal import disarm
    from shop.tests.harness.proxy import Proxy

    with Proxy(to=0) as smtp, side_by_side.shop(SETTINGS, BENCH_SMTP_PORT=str(smtp.port)) as stack:
        smtp.target = ("127.0.0.1", int(stack.environment["SANDBOX_SMTP_PORT"]))
        yield stack, smtp
        smtp.release()
        disarm(stack.sandbox_url)


class Somebody:
    """Who is about to pay with a card."""

    count = 0

    def __init__(self, stack: Any) -> None:
        from shop.tests.harness.buyer import Buyer

        Somebody.count += 1
        self.stack = stack
        self.buyer = Buyer(stack, email=f"bench-{Somebody.count}@example.com")
        self.buyer.check_out(SERVICE)
        self.card = self.buyer.encrypted_card()
        self.began = 0.0

    def pay(self) -> "Somebody":
        self.began = time.monotonic()
        self.buyer.press_pay("unionpay", **self.card)
        return self

    def paid(self) -> float:
        from shop.tests.harness.stacks.stack import rows

        status = "SELECT 1 FROM checkout_order WHERE number = %s AND status = 'paid'"
        return self._until(lambda: bool(rows(self.stack, status, self.buyer.number)), self.began)

    def mailed(self, since: float = 0.0) -> float:
        return self._until(lambda: bool(self.stack.mails(self.buyer.email)), since or self.began)

    @staticmethod
    def _until(happened: Callable[[], bool], since: float) -> float:
        deadline = time.monotonic() + GIVEN_UP
        while not happened():
            if time.monotonic() > deadline:
                return float("inf")
            time.sleep(0.1)
        return time.monotonic() - since


def shown(seconds: list[float]) -> str:
    return " ".join(f">{GIVEN_UP:.0f}" if each == float("inf") else f"{each:.1f}" for each in seconds)


def others(what: str, people: list[Somebody], pause: float = 4.0) -> dict[str, str]:
    """One after the other, at different moments of beat's rounds."""
    paid, mailed = [], []
    for person in people:
        paid.append(person.pay().paid())
        mailed.append(person.mailed() if paid[-1] != float("inf") else float("inf"))
        time.sleep(pause)
    return {f"{what}: somebody else has paid": shown(paid), f"{what}: and has the mail": shown(mailed)}


def usual(stack: Any, smtp: Any) -> dict[str, str]:
    return others("nothing hangs", [Somebody(stack) for _ in range(3)], pause=1.0)


def silent_mail_server(stack: Any, smtp: Any) -> dict[str, str]:
    crowd, people = [Somebody(stack) for _ in range(12)], [Somebody(stack) for _ in range(2)]
    smtp.hold()
    for person in crowd:
        person.pay()
    time.sleep(15)
    paid = []
    for person in people:
        paid.append(person.pay().paid())
        time.sleep(4)
    speaks = time.monotonic()
    smtp.release()
    mailed = [person.mailed(speaks) for person in [*people, *crowd]]
    return {
        "silent mail server, 12 orders: somebody else has paid": shown(paid),
        "and once it speaks all 14 have their mails, the last after": shown([max(mailed)]),
    }


def hang(stack: Any, *gateways: str) -> None:
    from payments.tests.harness.rehearsal import arm

    for gateway in gateways:
        for call in CALLS[gateway]:
            arm(stack.sandbox_url, gateway=gateway, on=call, fault="hang", times=0, seconds=120)


def forged_notices(stack: Any, smtp: Any) -> dict[str, str]:
    import requests

    people = [Somebody(stack) for _ in range(2)]
    hang(stack, "paypal")

    def forge(number: int) -> None:
        body = json.dumps(
            {"id": f"WH-BENCH-{number}", "event_type": "PAYMENT.CAPTURE.COMPLETED", "resource": {"id": "X1"}}
        )
        headers = {
            "Content-Type": "application/json",
            "Paypal-Auth-Algo": "SHA256withRSA",
            "Paypal-Cert-Url": "https://api.paypal.com/v1/notifications/certs/CERT-1",
            "Paypal-Transmission-Id": f"00000000-0000-0000-0000-{number:012}",
            "Paypal-Transmission-Sig": "c2lnbmF0dXJl",
            "Paypal-Transmission-Time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        requests.post(f"{stack.url}/pay/notify/paypal/", data=body, headers=headers, timeout=60)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(forge, range(40)))
    time.sleep(1)
    return others("40 forged notices while PayPal hangs", people)


def unfinished_attempts(stack: Any, smtp: Any) -> dict[str, str]:
    import psycopg2

    from shop.tests.harness.buyer import Buyer

    for number in range(24):
        Buyer(stack, email=f"unfinished-{number}@example.com").check_out(SERVICE).press_pay()
    people = [Somebody(stack) for _ in range(4)]
    hang(stack, "paypal")
    with psycopg2.connect(stack.database_url) as connection:
        connection.cursor().execute(EMPTY)
    connection.close()
    time.sleep(45)  # four of beat's rounds have begun to ask
    return others("24 unfinished attempts while PayPal hangs", people)


def both_gateways_hang(stack: Any, smtp: Any) -> dict[str, str]:
    import requests

    people = [Somebody(stack) for _ in range(20)]
    hang(stack, "paypal", "unionpay")

    def press(number: int) -> float:
        began = time.monotonic()
        if number % 2:
            people[number].pay()
        else:
            people[number].buyer.press_pay()
        return time.monotonic() - began

    def look(_: int) -> float:
        began = time.monotonic()
        requests.get(f"{stack.url}/en/", timeout=60)
        return time.monotonic() - began

    with ThreadPoolExecutor(21) as pool:
        pressing = pool.map(press, range(20))
        time.sleep(0.3)
        looks = []
        for number in range(12):
            looks.append(look(number))
            time.sleep(0.4)
        pressed = sorted(pressing)
    return {
        "20 press Pay, both gateways hang: the slowest home page": shown([max(looks)]),
        "and Pay itself, median and slowest": shown([statistics.median(pressed), pressed[-1]]),
    }


if __name__ == "__main__":
    side_by_side.compare(__file__, "seconds")
elif __name__ == "measure":
    side_by_side.measure(cases)
