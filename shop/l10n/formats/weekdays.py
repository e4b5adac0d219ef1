"""In Chinese dates the weekday is one character: 2026年11月23日(一). Our catalogue wins over Django's."""

from django.utils.translation import gettext_noop

SHORT = [
    gettext_noop("Mon"),
    gettext_noop("Tue"),
    gettext_noop("Wed"),
    gettext_noop("Thu"),
    gettext_noop("Fri"),
    gettext_noop("Sat"),
    gettext_noop("Sun"),
]
