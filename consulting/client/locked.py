"""What a page of the client answers where the reports are locked, or were locked again."""

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from shop.web import unsent


def ask_to_unlock(request: HttpRequest) -> HttpResponse:
    """Lead to the form for the order key. What was typed meanwhile comes back on the page."""
    return unsent.give_back(
        request,
        then=reverse("consulting:unlock"),
        why=_("Your reports were locked meanwhile, so we do not know whether it is still you."),
        door=_("Open the reports again in a new window"),
    )
