"""What is agreed to when answers are about another person. The text is kept with the answer, as it was shown.

A changed text needs a new version.
"""

from django.utils.translation import gettext_lazy as _

from shop.l10n.languages import current_language

VERSION = "2026-11-28"
THIRD_PERSON = _(
    "These details are my own, or the person concerned (for a child: a parent) has agreed to my giving them "
    "for this report."
)


def current_consent() -> dict[str, str]:
    """What is stored with the answer when the box is ticked now; the moment is added on storing."""
    return {"version": VERSION, "language": current_language(), "text": str(THIRD_PERSON)}
