"""Looking for secrets where they must not be: database, queue, logs, sessions, media.

Reads everything under the stack's own folder and a dump of its database, plain and decoded as deep as a
queue, a session or a mail hides text: base64 also over several lines, quoted-printable, hexadecimal,
compressed, escaped as JSON, HTML or in an address.
"""

import base64
import html
import quopri
import re
import sqlite3
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import closing, suppress
from urllib.parse import unquote_to_bytes

import redis

HEX = re.compile(rb"(?:[0-9a-fA-F]{2}){8,}")  # how a dump shows bytes
# Lines of base64 as in a mail belong together.
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{16,}(?:\r?\n[A-Za-z0-9+/_-]{4,})*={0,2}")
JSON_ESCAPE = re.compile(rb"\\u[0-9a-fA-F]{4}")
COMPRESSED = re.compile(rb"\x1f\x8b\x08|\x78[\x01\x5e\x9c\xda]")  # where gzip and zlib may begin
DEPTH = 3  # a task's arguments are JSON in base64 in JSON; a session is compressed and then base64


def find_leaks(stack, needles: list[str], *, but: list[str] = ()) -> list[str]:
    """Names of places that hold one of the needles. ``but``: folders of the stack that may."""
    leaks = []
    forms_of = {needle: [needle.encode(), needle.encode("utf-16-le")] for needle in needles}
    for name, content in places(stack):
        if any(name.startswith(folder) for folder in but):
            continue
        left = dict(forms_of)
        for view in decoded(content):
            for needle in [needle for needle, forms in left.items() if any(form in view for form in forms)]:
                del left[needle]
        leaks += [f"{name}: {needle}" for needle in needles if needle not in left]
    return leaks


def writings(key: str) -> list[str]:
    """Ways to write an order key, which is given in groups."""
    groups = key.split("-")
    joined = [glue.join(groups) for glue in ("", "-", " ", "</span>-<span>", "%20", "+")]
    return [*joined, *(text.lower() for text in joined[:3])]


def places(stack) -> Iterator[tuple[str, bytes]]:
    for path in sorted(stack.var.rglob("*")):
        if path.is_file() and "static" not in path.parts:
            yield str(path.relative_to(stack.var)), path.read_bytes()
    if stack.database_url.startswith("postgres"):
        dump = ["pg_dump", "--inserts", stack.database_url]
        yield "database dump", subprocess.run(dump, check=True, capture_output=True).stdout
    else:  # its file was read above, with what is left of deleted rows
        with closing(sqlite3.connect(stack.database_url.removeprefix("sqlite:///"))) as database:
            yield "database dump", "\n".join(database.iterdump()).encode()
    if stack.redis_url:
        yield from redis_values(stack.redis_url)


def redis_values(url: str) -> Iterator[tuple[str, bytes]]:
    """Every value of the broker, of whatever type."""
    with redis.Redis.from_url(url) as server:
        for key in server.scan_iter():
            read = {
                b"none": lambda key: [],  # a worker has just taken it
                b"string": lambda key: [server.get(key) or b""],
                b"list": lambda key: server.lrange(key, 0, -1),
                b"set": server.smembers,
                b"zset": lambda key: server.zrange(key, 0, -1),
                b"hash": lambda key: server.hgetall(key).items(),
            }[server.type(key)]
            yield (
                f"redis {key.decode()}",
                b"".join(value if isinstance(value, bytes) else b"".join(value) for value in read(key)),
            )


def decoded(content: bytes, depth: int = DEPTH) -> Iterator[bytes]:
    """The content as it is, and everything in it that decodes to something else."""
    yield content
    if not depth:
        return
    for inner in _unwrapped(content, is_whole=depth == DEPTH):
        yield from decoded(inner, depth - 1)


def _unwrapped(content: bytes, *, is_whole: bool) -> Iterator[bytes]:
    if b"=\n" in content or b"=\r\n" in content or b"=E" in content:
        yield quopri.decodestring(content)
    if JSON_ESCAPE.search(content):
        yield JSON_ESCAPE.sub(_unescaped, content)
    if b"%" in content and (plain := unquote_to_bytes(content)) != content:
        yield plain
    if b"&#" in content or b"&amp;" in content:
        yield html.unescape(content.decode(errors="replace")).encode(errors="replace")
    for match in HEX.finditer(content):
        yield bytes.fromhex(match.group().decode())
    for match in BASE64.finditer(content):
        yield from _from_base64(re.sub(rb"\s", b"", match.group()))
    for match in COMPRESSED.finditer(content):
        if is_whole or match.start() < 20:  # a file may hold several; what was decoded begins with it
            with suppress(zlib.error):
                yield zlib.decompressobj(47).decompress(content[match.start() :])


def _from_base64(text: bytes) -> Iterator[bytes]:
    plain = text.rstrip(b"=")
    decoders = [base64.b64decode, base64.urlsafe_b64decode][: 2 if re.search(rb"[_-]", text) else 1]
    for decode in decoders:
        with suppress(ValueError):
            yield decode(plain + b"=" * (-len(plain) % 4))


def _unescaped(match: re.Match[bytes]) -> bytes:
    return chr(int(match.group()[2:], 16)).encode(errors="replace")
