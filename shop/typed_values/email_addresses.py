"""E-mail addresses: one form for storing, one for comparing, one to be read.

The domain is kept as mail servers want it (IDNA 2008 with the mapping of UTS #46: RFC 5891, ``xn--…``) and
shown as people write it. The part before the @ keeps its capitals, but makes no other mailbox by them.
"""

import re

import idna

from .characters import fold
from .mail_domains import likely

MAX_LENGTH = 1000  # of what is read: no address is so long, and none has to be taken apart to see it
_MAILTO = re.compile(r"mailto:", re.IGNORECASE)
_BRACKETED = re.compile(r"[^<>]*<([^<>]*)>\s*")  # Chan Tai Man <name@example.com>
_QUOTED = re.compile(r"""(["'])(?P<address>.*)\1""")
_AROUND = " \t\r\n<>(){}“”‘’「」『』《》〈〉【】,;.:、"
_PART = r"[^\s<>()\[\]{}“”‘’「」『』《》〈〉【】,;:、|@]+"
_WHOLE = re.compile(rf"(?<!@){_PART}@{_PART}\.{_PART}(?!@)")  # an address within other words
_ASCII_LOCAL = re.compile(r"[\x21-\x7e]+")
# Signs on the keys beside the @ and the dot, and how the two are said.
_SPOKEN = ((re.compile(r"\s+at\s+", re.IGNORECASE), "@"), (re.compile(r"\s+dot\s+", re.IGNORECASE), "."))
_FOR_AT = re.compile(r"(?<=\w)[\"](?=\w)")
_FOR_DOT = re.compile(r"(?<=\w)[,;](?=\w)")


def normalise(text: str) -> str:
    """Return the address as it is stored; what is no address at all comes back as readable as it can be.

    Forgives what is pasted along: unseen marks, full width (＠ ．), the Chinese full stop as a dot,
    ``mailto:`` with its parameters, brackets, quotation marks, a comma behind it.
    """
    folded = fold(text).replace("。", ".").strip()
    if len(folded) > MAX_LENGTH:
        return folded
    if bracketed := _BRACKETED.fullmatch(folded):
        folded = bracketed.group(1)
    if _MAILTO.match(folded):
        folded = _MAILTO.sub("", folded, count=1).partition("?")[0]
    folded = folded.strip(_AROUND)
    if quoted := _QUOTED.fullmatch(folded):
        folded = quoted["address"]
    found = {(local, _ascii(domain)) for local, domain in _addresses_in(folded)}
    if len(found) == 1:  # with its label, or a word behind it
        return "@".join(found.pop())
    local, at, domain = folded.rpartition("@")
    return f"{local.strip()}@{_ascii(domain.strip())}" if at else folded


def holds_several(text: str) -> bool:
    return len(text) <= MAX_LENGTH and len(set(_addresses_in(text.lower()))) > 1


def found_in(text: str) -> str:
    """Return the first address within a text; empty if there is none."""
    whole = _WHOLE.search(fold(text[:MAX_LENGTH]))
    return whole.group() if whole else ""


def suggestion(address: str) -> str:
    """Return the address that was probably meant; empty if this one is as good as any."""
    if len(address) > MAX_LENGTH:
        return ""
    meant = address
    if "@" not in meant:
        for pattern, sign in _SPOKEN:
            meant = pattern.sub(sign, meant)
        meant = meant if "@" in meant else _FOR_AT.sub("@", meant, count=1)
    local, at, domain = meant.rpartition("@")
    domain = "".join(_FOR_DOT.sub(".", shown(f"@{domain}")[1:]).split()).lower()
    domain = likely(domain) or domain
    meant = f"{local.strip()}@{_ascii(domain)}"
    is_one = at and _ASCII_LOCAL.fullmatch(local.strip()) and "@" not in local and "." in domain.strip(".")
    return meant if is_one and identity(meant) != identity(address) else ""


def _addresses_in(text: str) -> list[tuple[str, str]]:
    return [(local, domain) for local, _, domain in (whole.rpartition("@") for whole in _WHOLE.findall(text))]


def _ascii(domain: str) -> str:
    """The domain in ASCII and small letters; as it is where it cannot be one."""
    try:
        return idna.encode(domain, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return domain


def identity(address: str) -> str:
    """Return what is equal for two spellings of one mailbox. Only ever compared, never shown or mailed to.

    Capitals are folded in ASCII only: else a look-alike (ı for I) would be somebody else's mailbox.
    """
    return normalise(address).encode().lower().decode()


def shown(address: str) -> str:
    """Return the address as people write it: the domain in its own script."""
    local, at, domain = address.rpartition("@")
    if "xn--" not in domain:
        return address
    try:
        return f"{local}{at}{idna.decode(domain)}"
    except (idna.IDNAError, UnicodeError):
        return address
