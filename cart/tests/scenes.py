"""What a visitor does to a cart, and what the pages say."""

from django.contrib.messages import get_messages

from cart.cart import Cart
from catalog.models import Variant


def post(client, action, variant, **fields):
    variant = variant.pk if isinstance(variant, Variant) else variant
    return client.post(f"/en/cart/{action}/", {"variant": variant, **fields})


def said(response):
    return [str(message) for message in get_messages(response.wsgi_request)]


def cart_of(client):
    return {line.variant.pk: line.quantity for line in Cart(client.session).lines}


def html(client, path="/en/cart/"):
    return client.get(path).content.decode()
