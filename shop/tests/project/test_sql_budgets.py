"""How often a guest's visit asks the database, from the product page to the placed order.

Counted is what asks or changes something. What begins and ends a transaction is not: the test client's
savepoints stand where the server sends BEGIN and COMMIT.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from cart.cart import Cart
from catalog.models import Variant
from checkout import services
from checkout.models import Draft, Order
from checkout.quote import make_quote
from checkout.tests.scenes import TYPED, make_cart, make_goods, make_service, quote_of, submission

pytestmark = pytest.mark.django_db

CONTACT = {"contact_name": "Mei", "phone": "9123 4567", "channel": "phone", "best_time": "any"}
CONTACT |= {"time_zone": "Asia/Hong_Kong", "report_language": "en"}


@contextmanager
def counted() -> Iterator[list[str]]:
    """The statements of the block, filled in at its end."""
    found: list[str] = []
    with CaptureQueriesContext(connection) as asked:
        yield found
    statements = [query["sql"] for query in asked.captured_queries]
    found += [sql for sql in statements if not sql.startswith(("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT"))]


class Visit:
    """A guest's browser that counts its requests and the statements they cost."""

    def __init__(self, client):
        self._client = client
        self.requests = 0
        self.statements: list[str] = []

    def get(self, url):
        return self._send(200, self._client.get, url)

    def post(self, url, fields):
        return self._send(302, self._client.post, url, fields)

    def _send(self, expected, method, *arguments):
        self.requests += 1
        with counted() as asked:
            response = method(*arguments)
        assert response.status_code == expected, response.content.decode()
        self.statements += asked
        self.last = asked
        return response


def fill(client, variants):
    for variant in variants:
        client.post("/en/cart/add/", {"variant": variant.pk, "quantity": 1})


def answers_for(service):
    fields = {f"v{service.pk}-{name}": value for name, value in CONTACT.items()}
    return fields | {f"v{service.pk}-1-name": "Mei"}


def buy(client, bought: Variant, **more):
    """From the product's page to the placed order."""
    visit = Visit(client)
    page = visit.get(bought.product.get_absolute_url())
    added = visit.post("/en/cart/add/", {"variant": bought.pk, "quantity": 1})
    visit.get(added.url)
    visit.get("/en/cart/")
    page = visit.get("/en/checkout/")
    visit.post("/en/checkout/", {**TYPED, **more, "quote": quote_of(page)})
    assert Order.objects.count() == 1
    return visit


def test_a_guest_buys_within_eight_requests_and_thirty_six_statements(client, record_property):
    """Two of them ask whether the cart's draft is a new one, and count it."""
    visit = buy(client, make_goods())
    figure = f"a guest's visit: {visit.requests} requests, {len(visit.statements)} statements"
    record_property("figure", f"{figure}, {len(visit.last)} of them in the last click")
    assert visit.requests <= 8
    assert len(visit.statements) <= 36, "\n".join(visit.statements)
    assert len(visit.last) <= 19, "\n".join(visit.last)


def test_ten_lines_cost_hardly_more_than_one(client):
    """Beyond one line there is the lock on a cart that exists already, and the session read for it."""
    fill(client, [make_goods(f"TEA-{number}") for number in range(9)])
    visit = buy(client, make_goods())
    assert Order.objects.get().lines.count() == 10
    assert len(visit.statements) <= 38, "\n".join(visit.statements)
    assert len(visit.last) <= 19, "\n".join(visit.last)


def test_a_service_costs_the_look_at_the_absences_and_its_sealed_answers(client):
    service = make_service()
    visit = buy(client, service, **answers_for(service))
    assert Order.objects.get().lines.get().intakes.count() == 2
    assert len(visit.statements) <= 41, "\n".join(visit.statements)


def placing(cart: Cart) -> list[str]:
    draft = Draft.objects.create(token=cart.token)
    typed, quote = submission(cart), make_quote(cart, "HK")
    with counted() as asked, transaction.atomic():
        services.place_order(draft.pk, typed, quote)
    return asked


@pytest.mark.parametrize("lines", [1, 10])
def test_placing_an_order_takes_at_most_twelve_statements(lines):
    goods = [(make_goods(f"TEA-{number}"), 1) for number in range(lines)]
    asked = placing(make_cart(*goods, (make_service(), 1)))
    assert Order.objects.get().lines.count() == lines + 1
    assert len(asked) <= 12, "\n".join(asked)
