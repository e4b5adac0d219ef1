"""What is agreed to when answers are about another person. The text is kept with the answer, as it was shown.

A changed text needs a new version.
"""

from django.utils.translation import gettext_lazy as _

from checkout.forms.form_data import current_language

VERSION = "2026-11-28"
THIRD_PERSON = _(
    "These details are my own, or the person concerned (for a child: a parent) has agreed to my giving them "
    "for this report."
)


def given() -> dict[str, str]:
    """The consent as it is ticked now; the moment is added when the answer is stored."""
    return {"version": VERSION, "language": current_language(), "text": str(THIRD_PERSON)}
