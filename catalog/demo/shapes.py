"""What the data modules are written in. Texts are pairs: (Chinese, English)."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

Text = tuple[str, str]

# One Chinese character, as a regular expression that Python and browsers both read.
HAN = "[々〇\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003347f]"


@dataclass(frozen=True)
class Choice:
    """One variant of goods that come in several. ``suffix`` makes its SKU; no price: the product's."""

    suffix: str
    name: Text
    stock: int
    price: str = ""
    grams: int = 0


@dataclass(frozen=True)
class Question:
    key: str
    label: Text
    kind: str = "text"
    help: Text = ("", "")
    choices: tuple[tuple[str, str, str], ...] = ()  # value, Chinese, English
    required: bool = False
    personal: bool = False
    keep_days: int = 180
    max_length: int = 200
    pattern: str = ""
    may_follow: bool = False
    third_person: bool = False
    purpose: Text = ("", "")
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Goods:
    code: str
    slug: str
    name: Text
    text: Text
    picture: Text
    price: str
    grams: int
    stock: int
    was: str = ""
    variants: tuple[Choice, ...] = ()
    questions: tuple[Question, ...] = ()
    excluded: tuple[str, ...] = ()
    most: int | None = None
    available_from: date | None = None
    featured: bool = False
    orderable: bool = True
    ships: bool = True


@dataclass(frozen=True)
class Away:
    """Days on which the only consultant who writes the service is absent. ``until`` is the last one."""

    since: date
    until: date
    reason: Text = ("", "")


@dataclass(frozen=True)
class Service:
    code: str
    slug: str
    name: Text
    text: Text
    picture: Text
    price: str
    working_days: int
    unit: Text
    max_subjects: int
    capacity_per_week: int
    included: Text
    outline: Text
    questions: tuple[Question, ...] = field(default=())
    away: tuple[Away, ...] = ()


@dataclass(frozen=True)
class Shelf:
    """A category and what lies on it."""

    slug: str
    name: Text
    intro: Text
    items: tuple[Goods | Service, ...]
