"""What is written into the history of an order, as ``shop.l10n.staff_notes``."""

from django.utils.translation import gettext_noop as _

from shop.l10n import staff_notes

staff_notes.register(
    _("placed"),
    _("revision %(number)s"),
    _("replaced by a newer order of the same cart"),
    _("the time to pay has run out"),
    _("cancelled by its buyer"),
    _("its buyer asks to cancel"),
    _("cancellation accepted, on hold"),
    _("cancellation declined"),
    _("delivery details corrected by staff"),
    _("delivery details corrected by the buyer"),
    _("e-mail address changed by staff"),
    _("e-mail address corrected by the buyer"),
    _("%(sku)s: details complete, report due %(day)s (was %(before)s)"),
    _("%(sku)s: %(note)s, report due %(day)s (was %(before)s)"),
    _("%(sku)s: %(pieces)s will not be delivered"),
    _("%(sku)s: %(pieces)s will be delivered after all"),
    _("parcel %(parcel)s shipped"),
    _("parcel %(parcel)s corrected"),
    _("promised to leave by %(day)s"),
    _("promised to leave by %(day)s (was %(before)s)"),
    _("put on hold"),
    _("put on hold: %(why)s"),
    _("no longer on hold"),
    _("no longer on hold: %(why)s"),
    _("opened in another browser, by its e-mail address"),
    _("never paid: its answers were deleted"),
    _("its promo code has been used by another order of its e-mail address, too"),
    _("mailbox in doubt"),
    _("mailbox trusted again"),
    _("its client asks to erase what is personal"),
    _("what is personal was erased"),
)
