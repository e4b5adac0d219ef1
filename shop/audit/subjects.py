"""What an address names: the object, and the order that it belongs to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.http import HttpRequest
from django.urls import ResolverMatch

ID_PARTS = {"object_id", "id"}  # in Django's admin, behind the model's name


@dataclass(frozen=True)
class Subject:
    """An object as an entry names it. ``label`` is the model's: ``checkout.order``."""

    label: str = ""
    id: str = ""
    order_number: str = ""


_NOTHING = Subject()
_paths: dict[str, str] = {}  # label -> from the model to its order's number
_parts: dict[str, str] = {}  # part of an address -> label
_spaces: dict[str, str] = {}  # beginning of a page's name -> label of its ``pk``
_finders: list[Callable[[HttpRequest, ResolverMatch], Subject | None]] = []


def declare(label: str, number: str = "", *, part: str = "", pages: str = "") -> None:
    """Say where an object's order is, and how addresses name the object.

    ``number``: the look-up of the order's number; empty for what belongs to no order. ``part``: the part of
    addresses that is its id. ``pages``: how the names of pages begin whose ``pk`` it is.
    """
    _paths[label] = number
    if part:
        _parts[part] = label
    if pages:
        _spaces[pages] = label


def declare_finder(find: Callable[[HttpRequest, ResolverMatch], Subject | None]) -> None:
    """For pages that name their object in another way than by its id."""
    _finders.append(find)


def of_request(request: HttpRequest, match: ResolverMatch) -> Subject:
    """The object that the page is about; an empty one for lists and for pages about nothing."""
    for find in _finders:
        if found := find(request, match):
            return found
    label, identity = _named(match.view_name, match.kwargs)
    return of_object(label, identity) if label else _NOTHING


def of_object(label: str, identity: object) -> Subject:
    """With the order's number, if the object belongs to one."""
    identity = str(identity)[:40]
    path, number = _paths.get(label, ""), None
    if path and identity.isdecimal():
        objects = apps.get_model(label)._base_manager.filter(pk=identity)
        number = objects.values_list(path, flat=True).first()
    return Subject(label, identity, number or "")


def named_beside(match: ResolverMatch) -> list[str]:
    """What numbers an address names beside its object: the file of a case, the version of a report."""
    objects = {"pk", *ID_PARTS, *_parts}
    return [
        f"{part} {number}"
        for part, number in match.kwargs.items()
        if part not in objects and isinstance(number, int)
    ]


def name_of(label: str) -> str:
    """The model's name in the reader's language; empty if there is none (any more)."""
    try:
        return str(apps.get_model(label)._meta.verbose_name) if label else ""
    except LookupError:
        return label


def name_of_page(page: str) -> str:
    """A list by what it lists, any other page by its technical name."""
    return name_of(_label_of(page.partition(":")[2])) or page


def _named(page: str, parts: Mapping[str, Any]) -> tuple[str, str]:
    name = page.partition(":")[2]
    for part, identity in parts.items():
        if part in ID_PARTS:
            return _label_of(name), str(identity)
        if part in _parts:
            return _parts[part], str(identity)
        if part == "pk":
            label = next((label for start, label in _spaces.items() if page.startswith(start)), "")
            return label, str(identity)
    return "", ""


def _label_of(name: str) -> str:
    """``checkout.order`` of ``checkout_order_change``."""
    app, _, rest = name.partition("_")
    label = f"{app}.{rest.partition('_')[0]}"
    try:
        return str(apps.get_model(label)._meta.label_lower)
    except (LookupError, ValueError):  # a page of another kind
        return ""


def is_of_an_order(label: str) -> bool:
    """Whether such objects belong to orders."""
    return bool(_paths.get(label))
