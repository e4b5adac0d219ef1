"""What runs on the page where cards are typed: an inventory of its scripts, and a look at the page itself.

PCI DSS 4.0.1 asks of a page with card fields that each script is known, needed and unchanged (6.4.3), and
that a change of scripts or of the headers that guard it is noticed within a week (11.6.1).
"""

import base64
import hashlib
import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

INVENTORY = Path(__file__).with_name("payment_page_inventory.json")
TIMEOUT = 10  # seconds
EVENT_ATTRIBUTE = "on"  # onclick, onload, …
FORBIDDEN_SOURCES = {"'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:", "data:"}


class _Scripts(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.inline = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        self.inline += sum(name.startswith(EVENT_ATTRIBUTE) for name in names)
        if tag in {"iframe", "object", "embed", "base"}:
            self.inline += 1
        if tag == "script":
            source = names.get("src")
            self.sources += [source] if source else []
            self.inline += not source


def inventory() -> dict[str, dict[str, str]]:
    """Return path of each script below ``static`` -> its ``sha384`` and the ``reason`` why it is needed."""
    known: dict[str, dict[str, str]] = json.loads(INVENTORY.read_text())
    return known


def digest(script: bytes) -> str:
    """Return the digest as browsers' ``integrity`` has it."""
    return "sha384-" + base64.b64encode(hashlib.sha384(script).digest()).decode()


def problems(url: str) -> list[str]:
    """Fetch a payment page with its scripts and return what is not as the inventory has it, in English.

    Raises requests.RequestException where the page cannot be fetched.
    """
    page = requests.get(url, timeout=TIMEOUT)
    found = [] if page.ok else [f"{url} answers {page.status_code}"]
    found += _problems_of_policy(page.headers.get("Content-Security-Policy", ""))
    parser = _Scripts()
    parser.feed(page.text)
    if parser.inline:
        found.append(f"{parser.inline} inline scripts or frames")
    digests = {known["sha384"]: path for path, known in inventory().items()}
    missing = dict(digests)
    for source in parser.sources:
        address = urljoin(page.url, source)
        if urlsplit(address).netloc != urlsplit(url).netloc:
            found.append(f"a script of another host: {urlsplit(address).netloc}")
            continue
        is_known = missing.pop(digest(requests.get(address, timeout=TIMEOUT).content), None)
        if not is_known:
            found.append(f"unknown or changed script: {urlsplit(address).path}")
    return found + [f"a script is missing: {path}" for path in missing.values()]


def _problems_of_policy(header: str) -> list[str]:
    policy = {
        name: sources for name, *sources in (part.split() for part in header.split(";") if part.strip())
    }
    scripts = policy.get("script-src", policy.get("default-src", ["*"]))
    found = [f"script-src allows {source}" for source in sorted(FORBIDDEN_SOURCES & set(scripts))]
    found += [f"{name} is not set" for name in ("form-action", "frame-ancestors") if name not in policy]
    if policy.get("default-src") != ["'none'"]:
        found.append("default-src is not 'none'")
    return found
