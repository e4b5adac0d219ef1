"""Mark of views that ask for the second factor again: money, order keys, mailboxes, accounts of staff.

The mark is read by ``shop.admin.sign_in.guard``; an app that marks its view knows nothing else of signing in.
"""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def asks_again(view: View) -> View:
    """Mark a view of the staff's pages that a signed-in browser alone is not enough for."""
    view.asks_again = True  # type: ignore[attr-defined]
    return view


def asks_again_to_act(view: View) -> View:
    """The same for a list that may be looked at: what it is sent, as its actions are, asks again."""
    view.asks_again = "POST"  # type: ignore[attr-defined]
    return view
