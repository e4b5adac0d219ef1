"""The parts of the world the shop tells apart when it ships."""

from django.utils.translation import gettext_lazy as _

ZONES = {
    "hk": _("Hong Kong"),
    "mo": _("Macau"),
    "tw": _("Taiwan"),
    "cn": _("Mainland China"),
    "overseas": _("Overseas"),
}
