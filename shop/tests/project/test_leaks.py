"""The leak scan is itself proven: a planted secret is found however it is wrapped."""

import base64
import gzip
import html
import itertools
import json
import os
import quopri
import zlib
from types import SimpleNamespace
from urllib.parse import quote_from_bytes

import redis

from shop.tests.harness.leaks import find_leaks, writings

SECRET = "Canary-Report-7719 祕密"


LONG = ("x" * 40 + SECRET + "y" * 60).encode()  # so long that base64 and quoted-printable break its lines
WRAPS = {
    "plain": bytes,
    "base64": base64.b64encode,
    "base64 in lines, as in a mail": base64.encodebytes,
    "base64 of base64, as in a queue": lambda plain: base64.b64encode(b'["%s"]' % base64.b64encode(plain)),
    "url-safe": base64.urlsafe_b64encode,
    "compressed session": lambda plain: base64.urlsafe_b64encode(zlib.compress(plain)).rstrip(b"="),
    "quoted-printable": quopri.encodestring,
    "bytes in a dump": lambda plain: b"\\\\x" + plain.hex().encode(),
    "capital hex": lambda plain: plain.hex().upper().encode(),
    "a gzip file": gzip.compress,
    "zlib among other bytes": lambda plain: b"\x00\x01" + zlib.compress(plain) + b"\x00",
    "JSON": lambda plain: json.dumps(plain.decode()).encode(),
    "JSON in base64": lambda plain: base64.b64encode(json.dumps(plain.decode()).encode()),
    "HTML": lambda plain: html.escape(plain.decode()).encode("ascii", "xmlcharrefreplace"),
    "an address": lambda plain: b"?a=" + quote_from_bytes(plain).encode(),
    "UTF-16": lambda plain: plain.decode().encode("utf-16-le"),
}


def test_a_planted_secret_is_found_however_it_is_wrapped(tmp_path):
    stack = SimpleNamespace(var=tmp_path, database_url="sqlite:///:memory:", redis_url="")
    (tmp_path / "queue").mkdir()
    overlooked = []
    for (how, wrap), text in itertools.product(WRAPS.items(), [SECRET.encode(), LONG]):
        (tmp_path / "queue" / "message").write_bytes(b'{"body": "' + wrap(text) + b'"}')
        if find_leaks(stack, [SECRET]) != [f"queue/message: {SECRET}"]:
            overlooked.append(f"{how}: {len(text)} bytes")
        assert find_leaks(stack, ["something else"]) == []
    assert overlooked == []


def test_a_secret_planted_in_redis_is_found(tmp_path):
    url = f"{os.environ['TEST_REDIS_URL'].rstrip('/')}/15"
    stack = SimpleNamespace(var=tmp_path, database_url="sqlite:///:memory:", redis_url=url)
    with redis.Redis.from_url(url) as server:
        try:
            server.rpush("planted-list", base64.b64encode(SECRET.encode()))
            server.hset("planted-hash", "field", SECRET)
            server.sadd("planted-set", SECRET)
            server.zadd("planted-zset", {SECRET: 1})
            server.set("planted-string", SECRET)
            assert len(find_leaks(stack, [SECRET])) == 5
        finally:
            server.delete(*[f"planted-{kind}" for kind in ("list", "hash", "set", "zset", "string")])


def test_an_order_key_is_found_however_it_is_written(tmp_path):
    key = "WWZ2-9T3W-4T4X-MJGQ-4A2X"
    stack = SimpleNamespace(var=tmp_path, database_url="sqlite:///:memory:", redis_url="")
    for text in ("wwz2 9t3w 4t4x mjgq 4a2x", "WWZ29T3W4T4XMJGQ4A2X", "key=wwz2-9t3w-4t4x-mjgq-4a2x&"):
        (tmp_path / "log").write_text(text)
        assert find_leaks(stack, writings(key)), text
