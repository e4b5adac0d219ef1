"""Forms by which anybody may have a mail sent to an order's address: all get the same answer."""

from typing import Protocol

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.debug import sensitive_variables

from shop.l10n.languages import current_language
from shop.typed_values.email_addresses import identity
from shop.web.rate_limit import RateLimit

MAX_PER_NETWORK, NETWORK_MINUTES = 10, 15


class Publish(Protocol):
    """Save what is asked for; the worker sees whether there is anything to mail."""

    def __call__(self, email: str, *, number: str, language: str) -> object: ...


@sensitive_variables()
def accept(
    request: HttpRequest,
    form: Form,
    publish: Publish,
    *,
    per_address: RateLimit,
    next_page: str,
) -> HttpResponse | None:
    """The response to a posted form with e-mail address and order number; None to show the form.

    Nobody is sent more mails than ``per_address`` allows, whoever asks for them; the answer does not tell.
    """
    if request.method != "POST":
        return None
    per_network = RateLimit(per_address.scope, MAX_PER_NETWORK, NETWORK_MINUTES)
    if per_network.is_exceeded(request):
        return render(request, "429.html", status=429)
    if not form.is_valid():
        return None
    per_network.hit(request)
    email, number = form.cleaned_data["email"], form.cleaned_data["number"]
    if per_address.take(identity(email)):
        publish(email, number=number, language=current_language())
    return redirect(next_page)
