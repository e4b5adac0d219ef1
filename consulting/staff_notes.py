"""What is written about reports and keys into the history of an order, as ``shop.l10n.staff_notes``."""

from django.utils.translation import gettext_noop as _

from shop.l10n import staff_notes

staff_notes.register(
    _("moved by %(who)s"),
    _("answer of the client"),
    _("answer not needed any more"),
    _("report of case %(case)s published, version %(version)s"),
    _("report of case %(case)s withdrawn"),
    _("%(line)s: paid back before any report, its answers were deleted"),
    _("order key replaced"),
    _("order key replaced by the client"),
    _("order key replaced, as its address was corrected"),
    _("order key revoked"),
    _("order key sent again"),
    _("order key sent again, as its client asked"),
    _("order key issued, which was missing"),
)
