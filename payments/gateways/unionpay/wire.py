"""How UnionPay 5.1.0 writes messages down.

Requests, notifications and front returns are ordinary form bodies. Synchronous answers are ``k=v&k=v``
*without* URL encoding, where ``{…}`` and ``[…]`` hide the ``&`` and ``=`` inside them: a form decoder would
turn the ``+`` of a base64 signature into a space. What is signed is the same in both: every field but the
signature, empty or not.
"""

import hashlib
import re
from urllib.parse import parse_qsl, urlencode

Fields = dict[str, str]

MAX_BYTES = 64 * 1024
MAX_FIELDS = 100
_CLOSING = {"{": "}", "[": "]"}


class NotAMessage(Exception):
    """The bytes are no UnionPay message: plain text, an empty body, a field twice, not UTF-8."""


def parse_answer(body: bytes) -> Fields:
    """Read a synchronous answer. Plain sentences, which come with status 200 too, raise NotAMessage."""
    return _unique([_pair(part) for part in _parts(_decoded(body))])


def parse_form(body: bytes) -> Fields:
    """Read a form body. Empty values stay, a field given twice is refused: which one was signed?"""
    try:
        pairs = parse_qsl(
            _decoded(body),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError as error:
        raise NotAMessage("not a form") from error
    return _unique(pairs)


def string_to_sign(fields: Fields) -> str:
    """All fields but the signature, sorted by the bytes of their names, values as they are."""
    names = sorted((name for name in fields if name != "signature"), key=str.encode)
    return "&".join(f"{name}={fields[name]}" for name in names)


def signed_text(fields: Fields) -> bytes:
    """What RSA signs (and hashes again): the hexadecimal SHA-256 of the string to sign, as text."""
    return hashlib.sha256(string_to_sign(fields).encode()).hexdigest().encode()


def form_encoded(fields: Fields) -> bytes:
    return urlencode(fields).encode()


def unencoded(fields: Fields) -> bytes:
    """Write the notation of synchronous answers."""
    return "&".join(f"{name}={value}" for name, value in fields.items()).encode()


def detail_code(message: str) -> str:
    """The seven digits in a ``respMsg``, the only part of it that is fit for a log."""
    code = re.search(r"\[([0-9]{7})\]", message)
    return code[1] if code else ""


def _decoded(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        raise NotAMessage("too long")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise NotAMessage("not UTF-8") from error


def _parts(text: str) -> list[str]:
    """Split at ``&``, except inside brackets. A bracket that is never closed hides nothing."""
    parts, start, position = [], 0, 0
    in_value = False
    while position < len(text):
        character = text[position]
        if character == "&":
            parts.append(text[start:position])
            start, in_value = position + 1, False
        elif character == "=":
            in_value = True
        elif in_value and character in _CLOSING:
            position = max(position, text.find(_CLOSING[character], position))
        position += 1
    return [*parts, text[start:]]


def _pair(part: str) -> tuple[str, str]:
    name, equals, value = part.partition("=")
    if not equals or not re.fullmatch(r"[A-Za-z][A-Za-z0-9]{0,39}", name):
        raise NotAMessage("not key=value")
    return name, value


def _unique(pairs: list[tuple[str, str]]) -> Fields:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise NotAMessage("a field twice")
    if len(fields) > MAX_FIELDS:
        raise NotAMessage("too many fields")
    return fields
