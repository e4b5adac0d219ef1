"""The leak scan is itself proven: a planted secret is found however it is wrapped."""

import base64
import os
import quopri
import zlib
from types import SimpleNamespace

import pytest
import redis

from .leaks import find_leaks

SECRET = "Canary-Report-7719 祕密"


@pytest.mark.parametrize(
    "wrap",
    [
        bytes,
        base64.b64encode,
        base64.urlsafe_b64encode,
        lambda plain: base64.urlsafe_b64encode(zlib.compress(plain)).rstrip(b"="),
        quopri.encodestring,
        lambda plain: b"\\\\x" + plain.hex().encode(),
    ],
    ids=["plain", "base64", "url-safe", "compressed session", "quoted-printable", "bytes in a dump"],
)
def test_a_planted_secret_is_found(tmp_path, wrap):
    (tmp_path / "queue").mkdir()
    (tmp_path / "queue" / "message").write_bytes(b'{"body": "' + wrap(SECRET.encode()) + b'"}')
    stack = SimpleNamespace(var=tmp_path, database_url="sqlite:///x", redis_url="")
    assert find_leaks(stack, [SECRET]) == [f"queue/message: {SECRET}"]
    assert find_leaks(stack, ["something else"]) == []


def test_a_secret_planted_in_redis_is_found(tmp_path):
    url = f"{os.environ['TEST_REDIS_URL'].rstrip('/')}/15"
    stack = SimpleNamespace(var=tmp_path, database_url="sqlite:///x", redis_url=url)
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
