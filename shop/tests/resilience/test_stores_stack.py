"""The whole shop while its stores are stopped, emptied, held and crashed: no answer but 503, nothing lost,
and everything catches up by itself.
"""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress

import psycopg2
import pytest
import redis
import requests

from shop.devstack import processes
from shop.tests.harness.buyer import Buyer
from shop.tests.harness.effort import times
from shop.tests.harness.stacks.stack import BASE, wait_for

pytestmark = pytest.mark.prove

PATIENCE = 60.0  # seconds for a person who tries again, and for what catches up
PLENTY = "jasmine-silver-needle"  # enough for all buyers here, beside those of the matrix on the same shop
QUICK = 6.0  # seconds that a page may take while the broker is silent; the machine is busy


@pytest.fixture(scope="module")
def shaken(fragile_shop):
    """A stack whose stores will fail."""
    return fragile_shop.stack


@pytest.fixture
def database(fragile_shop):
    """Runs again for the next test, whatever became of this one."""
    yield fragile_shop.database
    if fragile_shop.database.process.poll() is not None:
        fragile_shop.database.start()


@pytest.fixture
def broker(fragile_shop):
    yield fragile_shop.broker
    if fragile_shop.broker.process.poll() is not None:
        fragile_shop.broker.start()


class Patient(Buyer):
    """Tries again when the shop is busy, and remembers every answer."""

    def __init__(self, stack, name):
        super().__init__(stack, email=f"{name}@example.com")
        self.answers = Counter()
        self.slowest = 0.0
        self.session.hooks["response"].append(self._note)

    def _note(self, answer, **_):
        if answer.url.startswith(self.stack.url):
            self.answers[answer.status_code] += 1
            self.slowest = max(self.slowest, answer.elapsed.total_seconds())

    def insist(self, act):
        """Until the shop is not busy any more."""

        def tried():
            answer = act()
            return answer if answer.status_code != 503 else time.sleep(0.3)

        return wait_for(tried, f"{self.email}: an answer other than 503", PATIENCE)

    def buy(self):
        """With a cart, to the order's page that confirms it."""
        self.insist(lambda: self.get("/en/checkout/"))
        form = self.checkout_form_now()
        answer = self.insist(lambda: self.post_checkout(form))
        assert self.token, f"no order: {answer.status_code} {answer.headers.get('Location')}"
        return self.pay()

    def checkout_form_now(self):
        while True:
            with suppress(StopIteration):  # that page was a 503
                return self.checkout_form()

    def pay(self):
        def at_paypal():
            answer = self.insist(self.press_pay)
            gone = answer.headers.get("Location", "")
            return gone if "checkoutnow" in gone else time.sleep(0.3)

        page = wait_for(at_paypal, f"{self.email}: PayPal's page", PATIENCE)
        back = self.approve_at_paypal(page)
        self.insist(lambda: self.get(back))
        wait_for(lambda: self.sees("Order Confirmation"), f"{self.email}: the confirmation", 180)
        return self.number


@pytest.fixture
def buyer(shaken):
    made = []

    def make(name):
        made.append(Patient(shaken, name))
        made[-1].add_to_cart(PLENTY)
        return made[-1]

    yield make
    for each in made:
        each.close()


def wait_for_mail(shaken, buyer, timeout=PATIENCE):
    return shaken.wait_for_mail(buyer.email, "Order confirmation", timeout)


def state_of(shaken):
    """It is remembered for a second."""
    return requests.get(f"{shaken.url}/readyz", timeout=20).json()


def is_ready(shaken):
    return state_of(shaken)["shop"] == "ready"


@contextmanager
def paused(process):
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


@pytest.mark.failure("F20", "F22")
def test_without_a_broker_one_pays_as_always_and_mails_follow_when_it_is_back(shaken, broker, buyer):
    mei = buyer("mei")
    broker.kill()
    mei.buy()
    assert set(mei.answers) <= {200, 302, 303}
    assert mei.slowest < QUICK
    wait_for(lambda: state_of(shaken)["broker"] == "unreachable", "the health check to turn red", 15)
    assert not shaken.mails(mei.email)
    broker.start()
    assert wait_for_mail(shaken, mei)["subject"].endswith(mei.number)
    wait_for(lambda: is_ready(shaken), "the shop to be ready")


@pytest.mark.failure("F20")
def test_a_broker_that_says_nothing_holds_up_nobody(shaken, broker, buyer):
    mei = buyer("silence")
    with paused(broker.process):
        mei.buy()
        assert set(mei.answers) <= {200, 302, 303}
        assert mei.slowest < QUICK
    wait_for_mail(shaken, mei)


@pytest.mark.failure("F21", "F22")
def test_an_emptied_broker_loses_no_cart_no_order_and_no_mail(shaken, broker, buyer):
    waiting, mei = buyer("cart"), buyer("flush")
    with redis.Redis.from_url(shaken.redis_url) as client, paused_worker(shaken):
        mei.buy()
        wait_for(lambda: client.llen("outbox"), "a wake-up in the queue")
        client.flushall()
        assert client.llen("outbox") == 0
    assert "Jasmine Silver Needle" in waiting.get("/en/cart/").text
    waiting.buy()
    for one in (mei, waiting):
        assert set(one.answers) <= {200, 302, 303}
        wait_for_mail(shaken, one)


@contextmanager
def paused_worker(shaken):
    pid = worker_of(shaken)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def worker_of(shaken):
    listed = subprocess.run(
        ["pgrep", "--parent", str(shaken.process.pid), "--full", "shop --quiet worker"],
        capture_output=True,
        text=True,
        check=True,
    )
    return int(listed.stdout.split()[0])


@pytest.mark.failure("F23")
def test_a_database_that_crashes_under_buyers_costs_nothing_but_a_moment(shaken, database, buyer):
    crowd = [buyer(f"crash-{number}") for number in range(times(3, 8))]
    with ThreadPoolExecutor(len(crowd)) as pool:
        buying = [pool.submit(one.buy) for one in crowd]
        for _ in range(times(2, 5)):  # here: a server's parent must be this thread
            time.sleep(1.5)
            database.crash()
            database.start()
        numbers = {future.result() for future in buying}
    assert len(numbers) == len(crowd)
    seen = sum((one.answers for one in crowd), Counter())
    assert set(seen) <= {200, 302, 303, 503}, seen
    for one in crowd:
        wait_for_mail(shaken, one, timeout=180)
    shaken.manage("money_health", "--ask")  # every capture has its paid order, the stock's books add up
    assert orders_of(shaken, [one.email for one in crowd]) == [("paid", 1, 1)] * len(crowd)


def orders_of(shaken, emails):
    """(status, lines, ledger entries) of each order."""
    with closing(psycopg2.connect(shaken.database_url)) as connection, connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT o.status,
                   (SELECT count(*) FROM checkout_orderline l WHERE l.order_id = o.id),
                   (SELECT count(*) FROM payments_ledgerentry e JOIN payments_payment p ON p.id = e.payment_id
                    WHERE p.order_id = o.id)
            FROM checkout_order o WHERE o.email = ANY(%s)
            """,
            [emails],
        )
        return cursor.fetchall()


@pytest.mark.failure("F23", "F26")
def test_while_the_database_is_away_the_shop_says_so_and_then_works_on(shaken, database, buyer):
    mei = buyer("away")
    database.crash()
    answer = mei.get("/en/cart/")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert "We will be right back" in answer.text
    wait_for(lambda: state_of(shaken)["database"] == "unreachable", "the health check to turn red", 15)
    assert requests.get(f"{shaken.url}/healthz", timeout=20).status_code == 200
    time.sleep(times(3, 10))  # the worker and beat go on, whatever their tasks find
    database.start()
    wait_for(lambda: is_ready(shaken), "the shop to be ready", 15)
    mei.buy()
    wait_for_mail(shaken, mei)


SEND = """
from celery import current_app
for _ in range({times}):
    for name in ("shop.tasks.deliver_outbox", "payments.tasks.sweep", "payments.tasks.expire_orders"):
        current_app.send_task(name)
"""


@pytest.mark.failure("F14")
def test_many_workers_with_the_same_tasks_do_everything_once(shaken, buyer):
    """A second worker, and every task many times, as after a redelivery."""
    arguments = [sys.executable, "-m", "celery", "-A", "shop", "--quiet", "worker", "--queues", "shop,outbox"]
    arguments += ["--pool", "threads", "--concurrency", "4", "--hostname", "second@%h"]
    second = processes.start(
        arguments, cwd=BASE, env=shaken.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    crowd = [buyer(f"twice-{number}") for number in range(times(2, 10))]
    try:
        sending = threading.Thread(
            target=shaken.manage, args=("shell", "-c", SEND.format(times=times(50, 400)))
        )
        sending.start()
        with ThreadPoolExecutor(len(crowd)) as pool:
            list(pool.map(Patient.buy, crowd))
        for one in crowd:
            wait_for_mail(shaken, one)
        sending.join()
        assert second.poll() is None
        with redis.Redis.from_url(shaken.redis_url) as client:
            wait_for(lambda: not client.llen("outbox") + client.llen("shop"), "the queues to be empty", 120.0)
    finally:
        processes.stop([second], patience=10)
    for one in crowd:
        subjects = Counter(mail["subject"] for mail in shaken.mails(one.email))
        assert set(subjects.values()) == {1}, subjects
    assert orders_of(shaken, [one.email for one in crowd]) == [("paid", 1, 1)] * len(crowd)
    shaken.manage("money_health", "--ask")
