"""sslyze shakes hands with the proxy of docs/operations.md in every way it knows.

It compares with Mozilla's profile "intermediate", and tries the known attacks on TLS: compression, downgrade,
renegotiation, Heartbleed, ROBOT, CCS injection.
"""

import pytest

from shop.tests.harness import documented_proxy, environment

pytestmark = pytest.mark.prove


@pytest.fixture
def judged(scanner, tmp_path):
    """``judged((ours, theirs), …)``: what sslyze holds against the block so changed, line by line.

    No shop stands behind it: the proxy alone ends TLS.
    """

    def judge(*changed):
        port, nobody = environment.free_ports(2)
        with documented_proxy.running(tmp_path / "nginx", port=port, to=nobody, changed=changed) as proxy:
            trusted = f"--certinfo_ca_file={proxy.authority}"
            done = scanner("tls", "sslyze", "--mozilla_config=intermediate", trusted, f"127.0.0.1:{port}")
        _, found, verdict = done.stdout.partition("COMPLIANCE AGAINST TLS CONFIGURATION")
        assert found, done.stdout + done.stderr
        assert (done.returncode == 0) == ("OK - Compliant" in verdict), verdict
        return [line.strip() for line in verdict.splitlines() if line.strip().startswith("* ")]

    return judge


def test_sslyze_has_nothing_against_the_documented_proxy(judged):
    assert judged() == []


def test_sslyze_sees_a_weaker_one(judged):
    old = "ECDHE-ECDSA-AES128-SHA"
    weaker = [("ssl_ciphers ", f"ssl_ciphers {old}:"), ("X25519:prime256v1", "secp521r1:X25519:prime256v1")]
    found = " ".join(judged(*weaker))
    assert "tls_curves" in found
    assert "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA" in found
