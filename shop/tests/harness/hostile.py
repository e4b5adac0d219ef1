"""Values that nobody types by accident, and the forms of a page they can be put into."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import quote_from_bytes

# As bytes, because not all of them are text. None: the field is missing. A tuple: the field comes twice.
VALUES: dict[str, bytes | tuple[bytes, bytes] | None] = {
    "missing": None,
    "empty": b"",
    "twice": (b"1", b"2"),
    "a space": b" ",
    "10 kB": b"x" * 10_000,
    "1 MB": b"x" * 1_000_000,
    "NUL": b"a\x00b",
    "NUL alone": b"\x00",
    "a header": b"x\r\nBcc: x@example.com",
    "a line end": b"a\nb",
    "control characters": b"\x01\x02\x1b[31m\x7f",
    "a lone surrogate": b"\xed\xa0\x80",
    "bytes that are no UTF-8": b"\xff\xfe\x80",
    "overlong UTF-8": b"\xc0\x80\xc1\xbf",
    "a cut character": "雲".encode()[:2],
    "right to left": "\u202eevil\u202c".encode(),
    "zero width": "a\u200b\u200d\ufeffb".encode(),
    "a storm of accents": ("a" + "\u0301\u0323\u0489" * 60).encode(),
    "a family": "👨‍👩‍👧‍👦".encode(),
    "full-width digits": "１２３".encode(),
    "Arabic digits": "٣".encode(),
    "a rare Han character": "𠮷".encode(),
    "a private character": "\ue000\U0010fffd".encode(),
    "a non-character": "\ufffe\uffff".encode(),
    "a script": b"'\"><script>alert(1)</script>",
    "an image": b"<img src=x onerror=alert(1)>",
    "a template": b"{{7*7}}{% debug %}",
    "a placeholder": b"%(total)s %s %n {0} ${7*7}",
    "encoded line ends": b"%0d%0aSet-Cookie:a=b",
    "a path": b"../../etc/passwd",
    "a Windows path": b"..\\..\\win.ini",
    "a script address": b"javascript:alert(1)",
    "another host": b"//evil.example/",
    "another host, backwards": b"\\\\evil.example\\",
    "a foreign address": b"https://evil.example/?a=b",
    "a file address": b"file:///etc/passwd",
    "a formula": b"=cmd|' /C calc'!A0",
    "a plus formula": b"+1+1",
    "an at formula": b"@SUM(1)",
    "a tab": b"\t=1",
    "SQL": b"' OR 1=1--",
    "more SQL": b"1); DROP TABLE checkout_order;--",
    "a query of another database": b'{"$ne": null}',
    "an entity": b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>',
    "a shell": b"`id`; $(id) | id",
    "minus one": b"-1",
    "minus zero": b"-0",
    "zero": b"0",
    "a half": b"1.5",
    "with a comma": b"1,5",
    "a very long number": b"9" * 400,
    "beyond 64 bits": b"9223372036854775808",
    "beyond a float": b"1e309",
    "an exponent": b"1e3",
    "not a number": b"NaN",
    "infinity": b"Infinity",
    "a hexadecimal": b"0x10",
    "with an underscore": b"1_000",
    "a wrong date": b"0000-00-00",
    "the last date": b"9999-12-31",
    "true": b"true",
    "on": b"on",
    "a list": b'["a"]',
    "deep JSON": b"[" * 10_000,
    "an address with two lines": b'"a b"@example.com\r\nCc: y@example.com',
    "an IDN address": "顧客@例子.香港".encode(),
    "a long address": b"a" * 310 + b"@example.com",
    "another country's phone": b"+886 912-345-678",
}


def encoded(fields: list[tuple[str, bytes]]) -> bytes:
    """As a browser's form sends them, whatever the bytes are."""
    return b"&".join(
        f"{quote_from_bytes(name.encode())}={quote_from_bytes(value)}".encode() for name, value in fields
    )


def spoiled(fields: list[tuple[str, bytes]], name: str, value: object) -> list[tuple[str, bytes]]:
    """The fields with one of them replaced by a value of ``VALUES``."""
    others = [(other, value) for other, value in fields if other != name]
    if value is None:
        return others
    values = value if isinstance(value, tuple) else (value,)
    return [*others, *((name, one) for one in values)]


@dataclass
class Form:
    action: str
    method: str
    fields: list[tuple[str, bytes]] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self.fields if name != "csrfmiddlewaretoken"))


class _Reader(HTMLParser):
    """Collects the forms of a page with what a browser would send of them, one of each radio group."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._by_id: dict[str, Form] = {}
        self._open: Form | None = None
        self._select: tuple[Form, str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._open = Form(attributes.get("action", ""), attributes.get("method", "get").lower())
            self.forms.append(self._open)
            self._by_id[attributes.get("id", "")] = self._open
            return
        form = self._by_id.get(attributes.get("form", "")) or self._open
        name = attributes.get("name", "")
        if form is None:
            return
        if tag == "option" and self._select and "selected" in attributes:
            owner, select = self._select
            owner.fields[:] = [pair for pair in owner.fields if pair[0] != select]
            owner.fields.append((select, attributes.get("value", "").encode()))
        if not name:
            return
        if tag in {"input", "textarea", "button"}:
            is_choice = attributes.get("type") in {"radio", "checkbox"}
            if is_choice and name in form.names and "checked" not in attributes:
                return
            form.fields.append((name, attributes.get("value", "").encode()))
        elif tag == "select":
            self._select = (form, name)
            form.fields.append((name, b""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._open = None
        if tag == "select":
            self._select = None


def forms_of(page: str) -> Iterator[Form]:
    reader = _Reader()
    reader.feed(page)
    yield from reader.forms
