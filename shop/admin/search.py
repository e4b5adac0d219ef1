"""Staff search: what was typed, and besides whatever else it may mean."""

import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.db.models import Model, Q, QuerySet
from django.http import HttpRequest

from shop.typed_values import email_addresses, name_variants, phone_numbers
from shop.typed_values.characters import fold, fold_code, is_dash

Reading = Callable[[str], Iterable[str]]
MAX_WORDS = 20  # that are looked for
LEAST_DIGITS = 5  # of a telephone number: fewer would find half of all
# Each spelling of each word is looked for in each column: more than a name has would outlast the database's
# patience with a page.
_MOST_WORDS, _LONGEST_WORD = 6, 40
_NUMBER = re.compile(r"[+(]?[0-9][0-9 ().-]{4,}[0-9]")  # among words: 9123 0025 (WhatsApp)
_in_every_list: list[Reading] = []

if TYPE_CHECKING:
    AnyAdmin = admin.ModelAdmin[Any]
else:  # not generic when it runs
    AnyAdmin = admin.ModelAdmin


def in_every_list(reading: Reading) -> Reading:
    """Register a reading for all lists: of a code that an app above knows and any list may hold."""
    _in_every_list.append(reading)
    return reading


class TolerantSearch(AnyAdmin):
    """Mixin: finds a value however it is typed. A reading adds to what was typed and never replaces it."""

    readings: tuple[Reading, ...] = ()

    def get_search_results(
        self, request: HttpRequest, queryset: QuerySet[Model], search_term: str
    ) -> tuple[QuerySet[Model], bool]:
        search_term = _shortened(search_term)
        found, may_repeat = super().get_search_results(request, queryset, search_term)
        for other in self._other_terms(search_term):
            more, repeats = super().get_search_results(request, queryset, other)
            found, may_repeat = found | more, may_repeat or repeats
        return found | queryset.filter(self._as_names(fold(search_term))), may_repeat

    def _as_names(self, typed: str) -> Q:
        """Return the rows that have all words, however written.

        None where no word has another spelling, or where it is too much for a name.
        """
        words = name_variants.words(typed)
        if len(words) > _MOST_WORDS or any(len(word) > _LONGEST_WORD for word in words):
            return Q(pk__in=())
        patterns = [name_variants.pattern(word) for word in words]
        if not any(patterns):
            return Q(pk__in=())
        matches = Q()
        for word, pattern in zip(words, patterns, strict=True):
            lookup, value = ("iregex", pattern) if pattern else ("icontains", word)
            columns = [name for name in self.search_fields if name[0].isalpha()]
            matches &= Q(*((f"{name}__{lookup}", value) for name in columns), _connector=Q.OR)
        # In a query of its own: rows that are joined do not come twice.
        return Q(pk__in=self.model._base_manager.filter(matches).values("pk"))

    def _other_terms(self, typed: str) -> list[str]:
        readings = (folded, *_in_every_list, *self.readings)
        terms = dict.fromkeys(term for reading in readings for term in reading(typed) if term)
        return [term for term in terms if term != typed]


def _shortened(typed: str) -> str:
    """Whatever was pasted: each word costs the database a look at every row."""
    words = typed.split()
    return typed if len(words) <= MAX_WORDS else " ".join(words[:MAX_WORDS])


def folded(typed: str) -> Iterable[str]:
    """In ordinary width, without unseen marks; as a code, any dash a hyphen."""
    yield fold(typed)
    if fold_code(typed) != fold(typed).upper():
        yield fold_code(typed)


def email_address(typed: str) -> Iterable[str]:
    """As it is stored, also of ``Mei Chan <mei@example.com>``."""
    if "@" in fold(typed):
        yield email_addresses.normalise(typed)


def phone_number(typed: str) -> Iterable[str]:
    """As it is stored, and its digits in one: part of a number is enough."""
    digits = "".join(sign for sign in fold(typed) if sign.isdigit())
    if len(digits) < LEAST_DIGITS:
        return
    if all(sign.isdigit() or sign in " +().#" or is_dash(sign) for sign in fold(typed)):
        yield digits
    written = max(_NUMBER.findall(fold(typed)), key=len, default="")
    for text in dict.fromkeys((typed, written)):
        for region in phone_numbers.NEIGHBOURS:
            reading = phone_numbers.read(text, region)
            if reading.is_certain:
                yield reading.number.e164
