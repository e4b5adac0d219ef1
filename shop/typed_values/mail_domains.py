"""Domains of e-mail addresses as they are misspelt: most of what is misspelt belongs to a few providers.

A misspelt domain often has a mail server too (gmial.com does): what is sent there reaches somebody else.
"""

import re

PROVIDERS = (
    "gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "icloud.com", "foxmail.com",
    "yahoo.com", "yahoo.com.hk", "yahoo.com.tw", "yahoo.co.uk", "yahoo.co.jp",
    "netvigator.com", "protonmail.com",
)  # fmt: skip
SHORT = (
    "qq.com",
    "163.com",
    "126.com",
    "sina.com",
    "live.com",
    "msn.com",
    "me.com",
    "mac.com",
    "aol.com",
    "live.hk",
)
# One letter away from a provider, and real.
OTHERS = {"mail.com", "email.com", "ymail.com", "yahoo.com.tr", "yahoo.com.hr"}
_ENDING = re.compile(r"\.(?:con|cmo|ocm|comm|coom|vom|xom|cpm|c0m)$")  # none of these is a domain
_MIXED_ENDING = re.compile(r"(.*\.[a-z]{2,})[^\x00-\x7f]+")  # example.com微信


def likely(domain: str) -> str:
    """Return the domain that was probably meant, in small letters; empty if this one is as good as any."""
    if domain in PROVIDERS or domain in SHORT or domain in OTHERS:
        return ""
    mended = _ENDING.sub(".com", domain)
    if mixed := _MIXED_ENDING.fullmatch(mended):
        mended = mixed[1]
    for provider in PROVIDERS:
        if provider.replace(".", "") == mended or _is_one_edit_away(mended, provider):
            return provider
    for provider in SHORT:
        if provider.replace(".", "") == mended:
            return provider
    return mended if mended != domain else ""


def _is_one_edit_away(text: str, other: str) -> bool:
    """One character more, less or another, or two that have changed places."""
    if text == other:
        return True
    if abs(len(text) - len(other)) > 1:
        return False
    start = next((at for at, pair in enumerate(zip(text, other, strict=False)) if pair[0] != pair[1]), None)
    if start is None:
        return True
    rest, others = text[start:], other[start:]
    swapped = rest[:2][::-1] + rest[2:]
    return others in (rest[1:], swapped) or rest[1:] == others[1:] or rest == others[1:]
