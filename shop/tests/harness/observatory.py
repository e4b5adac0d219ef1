"""The score that Mozilla's HTTP Observatory gives to the headers of an answer.

Its rules are those of "Tests and scoring methodology" in MDN's Observatory documentation (2024): begin with
100, take something off for each fault, add for what is better than asked. Scripts and cookies are judged as
far as a shop without foreign scripts has them.
"""

import re
from http.cookies import SimpleCookie

HALF_A_YEAR = 15_768_000
PRIVATE_REFERRERS = {"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"}


def policy_of(header: str) -> dict[str, list[str]]:
    """Content-Security-Policy as directive -> sources."""
    parts = [part.split() for part in header.split(";") if part.strip()]
    return {name.lower(): sources for name, *sources in parts}


def score(headers: dict[str, str], cookies: SimpleCookie, page: str = "") -> tuple[int, list[str]]:
    """Return the score, and what was given or taken for what."""
    named = {name.lower(): value for name, value in headers.items()}
    verdicts = [
        _content_security_policy(named.get("content-security-policy", "")),
        _cookies(cookies),
        _cross_origin(named.get("access-control-allow-origin", "")),
        _transport_security(named.get("strict-transport-security", "")),
        _referrer(named.get("referrer-policy", "")),
        _framing(named),
        (0, "") if named.get("x-content-type-options") == "nosniff" else (-5, "no nosniff"),
        (10, "corp") if named.get("cross-origin-resource-policy") == "same-origin" else (0, "corp open"),
        _scripts(page),
    ]
    taken = sum(points for points, _ in verdicts if points < 0)
    given = sum(points for points, _ in verdicts if points > 0)
    # What is added counts only for those who have lost little.
    total = 100 + taken + (given if 100 + taken >= 90 else 0)
    return total, [f"{points:+} {why}" for points, why in verdicts if points]


def _content_security_policy(header: str) -> tuple[int, str]:
    if not header:
        return -25, "no policy"
    policy = policy_of(header)
    default = policy.get("default-src", ["*"])
    scripts = policy.get("script-src", default)
    styles = policy.get("style-src", default)
    objects = policy.get("object-src", default)
    wide = {"*", "https:", "http:", "data:"}
    if {"'unsafe-inline'", *wide} & set(scripts) or wide & set(objects):
        return -20, "scripts or objects from anywhere"
    if "'unsafe-eval'" in scripts:
        return -10, "unsafe-eval"
    if {"'unsafe-inline'", *wide} & set(styles):
        return 0, "styles from anywhere"
    return (10, "default-src 'none'") if default == ["'none'"] else (5, "no unsafe")


def _cookies(given: SimpleCookie) -> tuple[int, str]:
    cookies = {name: cookie for name, cookie in given.items() if cookie.value}  # the others are taken back
    if not cookies:
        return 0, ""
    for name, cookie in cookies.items():
        if not cookie["secure"]:
            return (-40 if "session" in name else -20), f"{name} without Secure"
        if "session" in name and not cookie["httponly"]:
            return -30, f"{name} without HttpOnly"
    return (5, "cookies") if all(cookie["samesite"] for cookie in cookies.values()) else (0, "no SameSite")


def _cross_origin(allowed: str) -> tuple[int, str]:
    return (-50, "readable by every origin") if allowed == "*" else (0, "")


def _transport_security(header: str) -> tuple[int, str]:
    age = re.search(r"max-age=(\d+)", header)
    if not age:
        return -20, "no HSTS"
    return (0, "") if int(age[1]) >= HALF_A_YEAR else (-10, "short HSTS")


def _referrer(header: str) -> tuple[int, str]:
    return (5, "referrer") if header in PRIVATE_REFERRERS else (0, "") if not header else (-5, "referrer")


def _framing(named: dict[str, str]) -> tuple[int, str]:
    if "frame-ancestors" in policy_of(named.get("content-security-policy", "")):
        return 5, "frame-ancestors"
    return (0, "") if named.get("x-frame-options") in {"DENY", "SAMEORIGIN"} else (-20, "may be framed")


def _scripts(page: str) -> tuple[int, str]:
    sources = re.findall(r"<script[^>]*\ssrc=[\"']([^\"']+)", page)
    return (-50, "foreign script") if any("//" in source for source in sources) else (0, "")
