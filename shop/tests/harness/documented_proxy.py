"""The nginx of docs/operations.md: its text, taken apart, and a running one in front of a shop."""

import datetime as dt
import ipaddress
import os
import re
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from shop.devstack import processes
from shop.tests.harness import environment
from shop.tests.harness.machine import nginx
from shop.tests.harness.stacks.stack import wait_for

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "operations.md"
FRAME = """
{user} worker_processes 2; daemon off; pid {folder}/nginx.pid; error_log {folder}/start.log;
events {{ worker_connections 1024; }}
http {{
    fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    include {folder}/shop.conf;
}}
"""


def text() -> str:
    """The one block of nginx in the document."""
    [block] = re.findall(r"^```nginx\n(.*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    return str(block)


def without_comments() -> str:
    return re.sub(r"(^|\s)#.*", "", text())


def server() -> str:
    """What the TLS server says before its first location."""
    return without_comments().rpartition("\nserver {")[2].partition("\n    location")[0]


def locations() -> dict[str, str]:
    """Each location's body by its heading, such as ``/`` or ``~ ^/(en|zh-hant)/admin/``."""
    return dict(
        re.findall(r"^    location (.*?) \{\n(.*?)^    \}", without_comments(), re.MULTILINE | re.DOTALL)
    )


def location_for(path: str) -> str:
    """The heading of the location that nginx would choose: ``^~`` first, then expressions in their order."""
    headings = [heading for heading in locations() if not heading.startswith("@")]
    for heading in headings:
        if heading.startswith("^~ ") and path.startswith(heading[3:]):
            return heading
    for heading in headings:
        if heading.startswith("~ ") and re.search(heading[2:], path):
            return heading
    return "/"


def value(directive: str, body: str) -> str:
    """What a directive says: the location's own, else the server's."""
    for place in (body, server()):
        if found := re.search(rf"^\s*{directive} (.*?);$", place, re.MULTILINE):
            return found[1]
    return ""


def in_bytes(size: str) -> int:
    number, unit = re.fullmatch(r"(\d+)([km]?)", size).groups()  # type: ignore[union-attr]
    return int(number) * {"": 1, "k": 1024, "m": 1024 * 1024}[unit]


def in_seconds(time: str) -> int:
    return int(time.removesuffix("s"))


@dataclass(frozen=True)
class Running:
    url: str
    port: int
    plain: int  # the port of plain HTTP
    authority: Path  # whose certificate vouches for the server's
    folder: Path


@contextmanager
def running(
    folder: Path, *, port: int, to: int, changed: Sequence[tuple[str, str]] = ()
) -> Iterator[Running]:
    """Exactly the documented block, but for ports, paths, the host's name and what is ``changed``: pairs of
    the document's words and others. In front of a shop.
    """
    folder.mkdir()
    _make_certificate(folder)
    [plain] = environment.free_ports(1)
    block = text()
    for ours, theirs in {
        "listen 80;": f"listen 127.0.0.1:{plain};",
        "listen 443 ssl http2;": f"listen 127.0.0.1:{port} ssl http2;",
        "shop.example.com": "127.0.0.1",
        "/etc/ssl/shop/": f"{folder}/",
        "/var/log/nginx/": f"{folder}/",
        "/run/shop-bodies": f"{folder}/bodies",
        "/run/shop-answers": f"{folder}/answers",
        "http://127.0.0.1:8000": f"http://127.0.0.1:{to}",
        **dict(changed),
    }.items():
        assert ours in block, ours
        block = block.replace(ours, theirs)
    (folder / "shop.conf").write_text(block)
    user = "user root;" if os.geteuid() == 0 else ""  # else its workers could not enter the folder
    (folder / "nginx.conf").write_text(FRAME.format(folder=folder, user=user))
    program = nginx()
    assert program, "nginx is missing: apt-get install nginx-light"
    command = [program, "-c", str(folder / "nginx.conf"), "-e", str(folder / "start.log")]
    tried = subprocess.run([*command, "-t"], capture_output=True, text=True, check=False)
    assert tried.returncode == 0, tried.stderr
    process = processes.start(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: listens(port), "nginx to listen")
        yield Running(f"https://127.0.0.1:{port}", port, plain, folder / "authority.pem", folder)
    finally:
        processes.stop([process], patience=5.0)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _make_certificate(folder: Path) -> None:
    """``authority.pem``, and the chain and key that it vouches for, as a public authority's would be."""
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Authority of the tests")])
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    of_issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key())
    root = (
        _begin(authority, authority_key, issuer=authority)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    certificate = (
        _begin(name, key, issuer=authority)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(of_issuer, critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(root.public_bytes(ser.Encoding.PEM))
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(ser.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(ser.Encoding.PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption())
    )


def _begin(name: x509.Name, key: ec.EllipticCurvePrivateKey, *, issuer: x509.Name) -> x509.CertificateBuilder:
    begin = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=30))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
