"""Large bodies that come slowly take each other's places at the documented proxy, and nobody else's."""

from contextlib import ExitStack

import pytest

from shop.tests.resilience.test_documented_proxy import connect, sends_much

PLACES = 12
MB = 1024 * 1024
HEAD = "{} /en/checkout/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def asked(proxy, source, method, rest):
    """The connection, and the first line of what it was told."""
    connection = connect(proxy.port, encrypted=True, source=source)
    connection.sendall((HEAD.format(method) + rest).encode())
    return connection, connection.recv(4096).split(b"\r\n")[0].decode()


def told(proxy, method, rest="\r\n"):
    connection, line = asked(proxy, "127.0.0.9", method, rest)
    connection.close()
    return line.split(" ")[1]


def large(length):
    return f"{length}\r\nExpect: 100-continue\r\n\r\n"


@pytest.mark.prove
@pytest.mark.parametrize("length", [f"Content-Length: {5 * MB}", "Transfer-Encoding: chunked"])
def test_slow_large_bodies_keep_nobody_from_the_checkout(tmp_path, length):
    with sends_much(tmp_path / "much") as proxy, ExitStack() as held:
        for place in range(PLACES):  # two addresses, six each
            connection, line = asked(proxy, f"127.0.0.{2 + place // 6}", "POST", large(length))
            held.enter_context(connection)
            assert line == "HTTP/1.1 100 Continue", "its body is waited for"
        assert told(proxy, "POST", large(length)) == "429"
        assert told(proxy, "GET", large(f"Content-Length: {5 * MB}")) == "429", "no way around"
        assert told(proxy, "GET") == "200"
        assert told(proxy, "HEAD") == "200"
        assert told(proxy, "POST", "Content-Length: 5\r\n\r\na=b&c") == "200"


@pytest.mark.prove
def test_who_only_looks_sends_no_large_body(tmp_path):
    """One without a length is counted by nobody, so it ends early."""
    with sends_much(tmp_path / "much") as proxy:
        chunk = f"{2 * MB:x}\r\n" + "x" * 1000
        assert told(proxy, "GET", f"Transfer-Encoding: chunked\r\n\r\n{chunk}") == "413"
        assert told(proxy, "POST", "Content-Length: 70000000\r\n\r\n") == "413"
