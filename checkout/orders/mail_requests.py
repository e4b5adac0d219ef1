"""Forms by which anybody may have a mail sent to an order's address: all get the same answer.

Those who ask are counted by their network only. How many mails a mailbox gets is counted by the worker, when
one really goes out: what strangers type about somebody's address takes nothing from its owner.
"""

from typing import Protocol

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.debug import sensitive_variables

from shop.l10n.languages import current_language
from shop.typed_values.email_addresses import identity
from shop.web import error_pages
from shop.web.rate_limit import RateLimit


class Publish(Protocol):
    """Save what is asked for; the worker sees whether there is anything to mail."""

    def __call__(self, email: str, *, number: str, language: str) -> object: ...


@sensitive_variables()
def accept(
    request: HttpRequest,
    form: Form,
    publish: Publish,
    *,
    per_network: RateLimit,
    next_page: str,
) -> HttpResponse | None:
    """The response to a posted form with e-mail address and order number; None to show the form."""
    if request.method != "POST" or not form.is_valid():
        return None
    if not per_network.take(request):
        return error_pages.too_many(request, per_network)
    email, number = form.cleaned_data["email"], form.cleaned_data["number"]
    publish(email, number=number, language=current_language())
    return redirect(next_page)


def subject(email: str, number: str) -> str:
    """What the mails about this address and order are counted by."""
    return f"{identity(email)} {number}"
