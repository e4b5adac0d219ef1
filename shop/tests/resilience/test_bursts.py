"""Five clicks on Pay in the same instant, again and again, over HTTP against the running shop."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import pytest

from shop.tests.harness.buyer import Buyer
from shop.tests.harness.effort import times
from shop.tests.harness.stacks.stack import Stack, rows

BURSTS = times(15, 100)
CLICKS = 5
AT_ONCE = 3  # bursts
SERVICE = "auspicious-date-proposal"  # nothing of it is ever sold out


def burst(stack: Stack, number: int) -> tuple[str, set[str]]:
    """One buyer, five clicks, one approval. Returns the order's number and where the clicks led."""
    buyer = Buyer(stack, email=f"burst-{number}@example.com")
    try:
        buyer.check_out(SERVICE)
        answers = buyer.press_pay_at_once(CLICKS)
        assert {answer.status_code for answer in answers} <= {302, 303}, [a.status_code for a in answers]
        led = {answer.headers["Location"] for answer in answers}
        paypal = [url for url in led if "checkoutnow" in url]
        page = paypal[0] if paypal else buyer.press_pay().headers["Location"]
        buyer.get(buyer.approve_at_paypal(page))
        buyer.wait_until_paid()
        return buyer.number, {page, *led}
    finally:
        buyer.close()


@pytest.mark.failure("F50")
@pytest.mark.parametrize("stack", ["services"], indirect=True)
def test_five_clicks_at_once_are_one_order_one_attempt_and_one_capture(stack: Stack, record_property):
    begun = time.monotonic()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        done = list(pool.map(lambda number: burst(stack, number), range(BURSTS)))
    seconds = time.monotonic() - begun
    record_property("figure", f"{BURSTS} bursts of {CLICKS} clicks: {seconds / BURSTS:.2f} s each")

    for number, led in done:
        pages = {url for url in led if "checkoutnow" in url}
        assert len(pages) == 1, f"{number}: {pages}"
        waiting = {urlsplit(url).path for url in led - pages}
        assert all(path.endswith("/progress/") for path in waiting), waiting
    prefixes = {number.replace("-", ""): number for number, _ in done}
    counted: Counter[tuple[str, str]] = Counter()
    for entry in stack.log():
        for reference in entry.get("references", []):
            is_done = entry.get("status") in {200, 201} and not entry.get("repeat")
            if reference[:8] in prefixes and is_done:
                counted[reference[:8], entry["kind"]] += 1
    for prefix in prefixes:
        assert (counted[prefix, "create order"], counted[prefix, "capture"]) == (1, 1), prefixes[prefix]
    assert rows(stack, ORDERS) == [(BURSTS, BURSTS, BURSTS)]
    assert rows(stack, ATTEMPTS) == [(BURSTS, BURSTS, BURSTS)]


ORDERS = """
    SELECT count(*), count(DISTINCT email), count(*) FILTER (WHERE status = 'paid')
    FROM checkout_order WHERE email LIKE 'burst-%'
"""
ATTEMPTS = """
    SELECT count(*), count(DISTINCT order_id), count(*) FILTER (WHERE p.status = 'captured' AND pays_order)
    FROM payments_payment p JOIN checkout_order o ON o.id = order_id WHERE email LIKE 'burst-%'
"""
