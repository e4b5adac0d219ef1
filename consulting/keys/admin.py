"""What staff do with order keys: send again, replace, revoke, issue anew, give to another mailbox.

Nobody sees a key here. Each action has a page of its own that says what will happen, a permission, and an
entry in the histories of the order and of the key's accesses.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from checkout.forms.contact import EmailForm
from consulting.access import order_is_open
from consulting.models import OrderKey
from shop.admin.read_only import ReadOnlyAdmin
from shop.admin.search import TolerantSearch, email_address
from shop.web.asks_again import asks_again

from . import four_eyes, lifecycle

if TYPE_CHECKING:
    from django.utils.functional import _StrOrPromise as Text


@dataclass(frozen=True)
class KeyAction:
    """A staff action on an order key: allowed key state, required permission, texts, and what does it."""

    label: Text
    explanation: Text
    done: Text
    permission: str
    state: str
    perform: Callable[[OrderKey, str], object] | None = None
    asks_email: bool = False


ACTIVE, REVOKED = OrderKey.State.ACTIVE, OrderKey.State.REVOKED
KEY_ACTIONS = {
    "resend": KeyAction(
        gettext_lazy("Send again"),
        gettext_lazy("The customer receives the same order key again, at the e-mail address of the order."),
        gettext_lazy("The order key is on its way to the customer."),
        "consulting.resend_orderkey",
        ACTIVE,
        lambda order_key, actor: lifecycle.resend(order_key, actor=actor),
    ),
    "replace": KeyAction(
        gettext_lazy("Replace"),
        gettext_lazy(
            "The order key opens nothing any more, at once, in any browser. The customer receives a new one"
            " by e-mail. The reports stay as they are."
        ),
        gettext_lazy("The order key is replaced; the new one is on its way to the customer."),
        "consulting.replace_orderkey",
        ACTIVE,
        lambda order_key, actor: lifecycle.replace(order_key, actor=actor),
    ),
    "revoke": KeyAction(
        gettext_lazy("Revoke"),
        gettext_lazy(
            "The order key opens nothing any more, at once, in any browser. The customer receives no other"
            " one, and no e-mail, until you issue a new key."
        ),
        gettext_lazy("The order key is revoked."),
        "consulting.replace_orderkey",
        ACTIVE,
        lambda order_key, actor: lifecycle.revoke(order_key, actor=actor),
    ),
    "reissue": KeyAction(
        gettext_lazy("Issue a new order key"),
        gettext_lazy(
            "The reports open again, with a new order key that the customer receives by e-mail. The revoked"
            " one stays revoked."
        ),
        gettext_lazy("A new order key is on its way to the customer."),
        "consulting.replace_orderkey",
        REVOKED,
        lambda order_key, actor: lifecycle.reissue(order_key.order_id, actor=actor),
    ),
    "readdress": KeyAction(
        gettext_lazy("Change the e-mail address"),
        gettext_lazy(
            "For a customer who cannot read the mailbox of the order any more. Please make sure first that it"
            " is the customer who asks: whoever reads the new mailbox can open the reports. The order key is"
            " replaced, and the old mailbox is told that the address was changed."
        ),
        gettext_lazy("The address is changed; a new order key is on its way to it."),
        "consulting.readdress_orderkey",
        ACTIVE,
        asks_email=True,
    ),
}


@admin.register(OrderKey)
class OrderKeyAdmin(TolerantSearch, ReadOnlyAdmin[OrderKey]):
    list_display = ["order", "masked", "state", "issued_at", "first_used_at", "use_count"]
    list_filter = ["state", "issued_at"]
    readings = (email_address,)
    search_fields = ["order__number", "last_group", "order__email"]
    fields = ["order", "masked", "state", "issued_at", "first_used_at", "use_count"]
    readonly_fields = fields  # type: ignore[assignment]
    change_form_template = "admin/consulting/orderkey.html"
    list_select_related = ["order"]

    @admin.display(description=gettext_lazy("order key"))
    def masked(self, order_key: OrderKey) -> str:
        """The last group is enough to tell keys apart; 75 bits stay unknown."""
        return f"••••-••••-••••-••••-{order_key.last_group}"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        context = {**(extra_context or {}), "actions": self._offered_actions(request, object_id)}
        return super().change_view(request, object_id, form_url, context)

    def _offered_actions(self, request: HttpRequest, object_id: str) -> list[tuple[str, Text]]:
        """Address and label of what this user may do with this key."""
        order_key = self.get_object(request, object_id)
        if order_key is None:
            return []
        return [
            (reverse("admin:consulting_orderkey_deed", args=[order_key.pk, name]), action.label)
            for name, action in KEY_ACTIONS.items()
            if request.user.has_perm(action.permission) and _is_offered(action, order_key)
        ]

    def get_urls(self) -> list[URLPattern]:
        action = path(
            "<int:pk>/do/<slug:name>/",
            self.admin_site.admin_view(self.action_view),
            name="consulting_orderkey_deed",
        )
        return [action, *super().get_urls()]

    @asks_again
    def action_view(self, request: HttpRequest, pk: int, name: str) -> HttpResponse:
        """Says what will happen, and does it at the press of the button."""
        if name not in KEY_ACTIONS:
            raise Http404
        action = KEY_ACTIONS[name]
        order_key = get_object_or_404(OrderKey.objects.select_related("order"), pk=pk)
        if not (self.has_view_permission(request, order_key) and request.user.has_perm(action.permission)):
            raise PermissionDenied
        form = EmailForm(request.POST or None) if action.asks_email else None
        if form:
            form.fields["email"].help_text = ""
        if request.method != "POST" or (form and not form.is_valid()):
            return self._action_page(request, order_key, action, form)
        actor = request.user.get_username()
        try:
            if form and settings.MAILBOX_FOUR_EYES:
                return self._asked(request, order_key, form.cleaned_data["email"])
            if form:
                lifecycle.readdress(order_key, form.cleaned_data["email"], actor=actor)
            elif action.perform:
                action.perform(order_key, actor)
        except lifecycle.KeyChanged:
            messages.warning(
                request, _("Nothing was done: the order key has been replaced or revoked meanwhile.")
            )
        except lifecycle.NothingToOpen:
            messages.warning(
                request, _("Nothing was done: the order is not paid for, so no key could open its reports.")
            )
        else:
            messages.success(request, str(action.done))
        return HttpResponseRedirect(
            f"{reverse('admin:consulting_orderkey_changelist')}?q={order_key.order.number}"
        )

    def _asked(self, request: HttpRequest, order_key: OrderKey, email: str) -> HttpResponse:
        """Nothing is changed: a colleague is asked."""
        actor, key = request.user.get_username(), uuid.uuid4().hex  # one page is sent once: shop.web.once
        wish = four_eyes.ask(order_key, email, actor=actor, key=key)
        text = _("Nothing was changed yet: another mailbox needs a second person, who was told.")
        messages.info(request, text)
        return HttpResponseRedirect(reverse("admin:shop_approvalrequest_change", args=[wish.pk]))

    def _action_page(
        self, request: HttpRequest, order_key: OrderKey, action: KeyAction, form: EmailForm | None
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Order key of order %(number)s") % {"number": order_key.order.number},
            "order_key": order_key,
            "masked": self.masked(order_key),
            "action": action,
            "form": form,
            "needs_second": action.asks_email and settings.MAILBOX_FOUR_EYES,
            "opts": self.opts,
        }
        return render(request, "admin/consulting/deed.html", context)


def _is_offered(action: KeyAction, order_key: OrderKey) -> bool:
    if order_key.state != action.state:
        return False
    if action.state == REVOKED:  # an older one is of no interest
        newest = order_key.order.keys.first()
        return newest is not None and newest.pk == order_key.pk
    return order_is_open(order_key.order)
