"""Mark of views that whoever has given a password alone, or nothing yet, may open."""

from collections.abc import Callable
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., Any])


def before_second_factor(view: View) -> View:
    """Mark a view: ``guard`` lets it pass before the second factor."""
    view.before_second_factor = True  # type: ignore[attr-defined]
    return view
