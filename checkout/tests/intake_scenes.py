"""The checkout of services, filled in and sent as a browser does, and questions to ask."""

from catalog.models import IntakeQuestion
from checkout.models import Order

from .scenes import quote_of

URL = "/en/checkout/"
CONTACT = {
    "contact_name": "Mei",
    "phone": "91234567",
    "channel": "whatsapp",
    "best_time": "evening",
    "time_zone": "Asia/Hong_Kong",
    "report_language": "en",
}


def contact_for(variant, **changes):
    return {f"v{variant.pk}-{name}": value for name, value in (CONTACT | changes).items()}


def typed_for(*variants):
    values = {"email": "mei@example.com"}
    for variant in variants:
        values |= contact_for(variant)
    return values


def page_of(client):
    return client.get(URL).content.decode()


def checkout(client, *variants, **changes):
    quote = quote_of(client.get(URL))
    return client.post(URL, {**typed_for(*variants), "quote": quote, **changes})


def order_of(response) -> Order:
    assert response.status_code == 302, response.content.decode()
    return Order.objects.get(token=response.url.rstrip("/").rsplit("/", 1)[1])


def question(variant, key, kind=IntakeQuestion.Kind.TEXT, **columns):
    return IntakeQuestion.objects.create(
        product=variant.product,
        key=key,
        kind=kind,
        label_zh_hant=f"{key} 問",
        label_en=f"{key}?",
        position=variant.product.questions.count(),
        **columns,
    )
