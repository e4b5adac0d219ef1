"""The parts of the world the shop tells apart when it ships, and ways that not everything can be sent."""

from django.utils.translation import gettext_lazy as _

ZONES = {
    "hk": _("Hong Kong"),
    "mo": _("Macau"),
    "tw": _("Taiwan"),
    "cn": _("Mainland China"),
    "overseas": _("Overseas"),
}
# What a product may be kept from.
EXCLUDABLE = ZONES | {"hk-locker": _("SF lockers in Hong Kong")}
