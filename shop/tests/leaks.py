"""Looking for secrets where they must not be: database, queue, logs, sessions, media.

Reads everything under the stack's own folder and a dump of its database, plain and decoded (base64,
quoted-printable, zlib), since a queue or a session hides text that way.
"""

import base64
import quopri
import re
import subprocess
import zlib
from collections.abc import Iterator
from contextlib import suppress

import redis

HEX = re.compile(rb"(?:[0-9a-f]{2}){8,}")  # how a dump shows bytes
BASE64 = re.compile(rb"[A-Za-z0-9+/_-]{24,}={0,2}")


def find_leaks(stack, needles: list[str], *, but: list[str] = ()) -> list[str]:
    """Names of places that hold one of the needles. ``but``: folders of the stack that may."""
    found = []
    for name, content in places(stack):
        if any(name.startswith(folder) for folder in but):
            continue
        views = list(decoded(content))
        found += [f"{name}: {needle}" for needle in needles if any(needle.encode() in view for view in views)]
    return found


def places(stack) -> Iterator[tuple[str, bytes]]:
    for path in sorted(stack.var.rglob("*")):
        if path.is_file() and "static" not in path.parts:
            yield str(path.relative_to(stack.var)), path.read_bytes()
    if stack.database_url.startswith("postgres"):
        dump = ["pg_dump", "--inserts", stack.database_url]
        yield "database dump", subprocess.run(dump, check=True, capture_output=True).stdout
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


def decoded(content: bytes) -> Iterator[bytes]:
    """The content as it is, and everything in it that decodes to something else."""
    yield content
    yield quopri.decodestring(content)
    for match in HEX.finditer(content):
        yield bytes.fromhex(match.group().decode())
    for match in BASE64.finditer(content):
        text = match.group()
        for decode in (base64.b64decode, base64.urlsafe_b64decode):
            with suppress(ValueError):
                inner = decode(text + b"=" * (-len(text) % 4))
                yield inner
                with suppress(zlib.error):
                    yield zlib.decompress(inner)
