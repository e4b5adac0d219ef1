"""What may not stand in a log, cut out of any text: the rules, for messages, tracebacks and exceptions."""

import re
import sqlite3
from collections.abc import Callable, Iterator

from django.core.exceptions import ValidationError
from django.db import Error as DatabaseError

CUT = "(cut)"

# A database quotes the row after the first line, in whichever language it speaks. Only English labels are
# known by name: they are looked for in texts that are no exceptions any more.
_DETAIL = re.compile(r"(?<![A-Z])(DETAIL|CONTEXT|QUERY|STATEMENT|LINE \d+): .*", re.DOTALL)
_REFUSED_VALUE = re.compile(
    r"((?:\b(?:invalid|malformed|unrecognized|out of range|but got|with base \d+|to float)\b[^\"'\n]{0,60}"
    r"|\b(?:value|near|token:) ))[\"'].*"
)
# Quoted words of a first line that are names of ours; any other may be what somebody typed.
_NAME = r"(?:column|relation|constraint|table|type|index|schema|function|operator|encoding|field)"
_QUOTED_NAME = re.compile(rf"\b{_NAME} ([\"'])[A-Za-z0-9_.]+\1", re.IGNORECASE)

_TOKEN_LENGTH = 32  # of secrets.token_urlsafe(24)


def _token_or_word(match: re.Match[str]) -> str:
    """A token has capitals, small letters and digits; a word in capitals or a digest has not all of them."""
    text = match.group()
    capitals = sum(sign.isupper() for sign in text)
    has_others = any(sign.isdigit() or sign in "-_" for sign in text) or capitals > _TOKEN_LENGTH / 4
    return "***" if capitals and any(sign.islower() for sign in text) and has_others else text


def _telephone(match: re.Match[str]) -> str:
    digits = sum(sign.isdigit() for sign in match.group())
    return "+***" if digits >= 8 else match.group()


# Tokens in addresses open an order's page or a list of orders, order keys open reports, 13-19 digits may be a
# card number.
_RULES: list[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]]] = [
    (_DETAIL, rf"\1: {CUT}"),
    (_REFUSED_VALUE, rf"\1{CUT}"),
    (re.compile(r"(/(?:order|pay)/)[A-Za-z0-9_-]{16,}"), r"\1***"),
    # Mailed links; the form below misses those that were cut short when they were copied.
    (re.compile(r"(/(?:orders/(?:link|privacy)|sign-in/link)/)[^\s/]{16,}"), r"\1***"),
    # Whatever Django's signer has made, as it is or quoted: links of mails, cookies, fields. Its end is a
    # digest of 43 signs behind a colon; begun only where a word begins, or long texts would take for ever.
    (re.compile(r"(?<![\w.:=%+~-])[\w.:=%+~-]*(?::|%(?:25)*3A)[\w-]{40,50}(?![\w-])", re.IGNORECASE), "***"),
    (re.compile(r"(://)[^\s/@]+@"), r"\1***@"),  # a name and a password in an address
    (re.compile(r"(?<![\w-])[0-9A-Z]{4}(?:[ ‐-―-][0-9A-Z]{4}){4}(?![\w-])", re.IGNORECASE), "****-****"),
    # Not our references of payments, which have digits and the first six letters only.
    (re.compile(r"(?<![\w-])(?![0-9A-F]{20})[0-9A-HJKMNP-TV-Z]{20}(?![\w-])", re.IGNORECASE), "****-****"),
    (re.compile(rf"(?<![\w-])[A-Za-z0-9_-]{{{_TOKEN_LENGTH}}}(?![\w-])"), _token_or_word),
    (re.compile(r"\b\d(?:[ -]?\d){12,18}\b"), "****"),
    (re.compile(r"(?:\+|\b00|%2B)\d[\d ().-]{5,}\d"), _telephone),
    # As typed in Hong Kong, on the mainland, in Taiwan; not a day such as 20261130.
    (re.compile(r"(?<![\w.:/-])(?!20[2-9]\d[01]\d[0-3]\d\b)[2-9]\d{3}[ -]?\d{4}(?![\w.:-])"), "****"),
    (re.compile(r"(?<![\w.:/-])(?:1[3-9]\d{9}|09\d{8})(?![\w.:-])"), "****"),
]  # fmt: skip

# What follows the name in an e-mail address, and what cannot stand in the name.
_AT_DOMAIN = re.compile(r"(?:@|%40)(?:[\w-]+\.)+[^\W\d_][\w-]+")
_NO_NAME = frozenset("@<>\"'(),;:=[]")

LONGEST = 32 * 1024  # signs of a text that is looked at; a visitor decides how long some are

# Line breaks and whatever moves, colours or turns round what stands beside it.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def masked(text: str) -> str:
    """The text without details of databases, addresses, telephones, tokens, order keys, long digit runs.

    Of a very long text the beginning and the end. Takes time in proportion to the length, whatever it holds:
    other threads of the process stand still meanwhile.
    """
    text = _shortened(text)
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return _without_addresses(text)


def _shortened(text: str) -> str:
    """Whole words only: half a secret would not be known as one."""
    if len(text) <= LONGEST:
        return text
    begin, end = text[: LONGEST // 2], text[-LONGEST // 2 :]
    return f"{begin.rpartition(' ')[0]} {CUT} {end.partition(' ')[2]}"


def _without_addresses(text: str) -> str:
    """A pattern that begins with the name would begin at each of its signs, and run to the end from each."""
    parts: list[str] = []
    done = 0
    for domain in _AT_DOMAIN.finditer(text):
        begin = domain.start()
        while begin > done and not (text[begin - 1] in _NO_NAME or text[begin - 1].isspace()):
            begin -= 1
        if begin < domain.start():
            parts += text[done:begin], "***@***"
            done = domain.end()
    return "".join((*parts, text[done:]))


def one_line(text: str) -> str:
    r"""The text with line breaks and control characters written out: ``\n``, ``\x1b``."""
    return _UNSEEN.sub(lambda match: match.group().encode("unicode_escape").decode(), text)


def told(error: BaseException) -> str:
    """What may be told of an exception's text: of a database's its first line, without values."""
    text = str(error)
    if isinstance(error, (DatabaseError, sqlite3.Error)) or hasattr(error, "pgcode"):
        return _without_values(text.partition("\n")[0])
    if isinstance(error, (ValueError, ValidationError)):  # they quote what they did not like
        return _without_values(text)
    return text


def _without_values(line: str) -> str:
    """Cut from the first quoted word on that is no name of ours: quotes within a value are not to be told."""
    names = list(_QUOTED_NAME.finditer(line))
    for match in re.finditer("[\"'“‘]", line):
        if not any(name.start() <= match.start() < name.end() for name in names):
            return f"{line[: match.start()]}{CUT}"
    return line


def chain(error: BaseException | None) -> Iterator[BaseException]:
    """The exception and all that a traceback would print with it."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        each = waiting.pop()
        if each is None or id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        waiting += [each.__cause__, each.__context__, *getattr(each, "exceptions", ())]
