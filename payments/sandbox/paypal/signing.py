"""The sandbox's certificate authority and the key that signs webhooks. Made at first use and kept."""

import base64
import binascii
import datetime as dt
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from payments.sandbox import store

CERT_ID = "CERT-5a0d6052-sandbox-standin"
ALGORITHM = "SHA256withRSA"


def signature(transmission_id: str, time: str, webhook_id: str, body: bytes) -> str:
    """Sign in PayPal's scheme: RSA over the ids, the time and the CRC-32 of the body."""
    message = f"{transmission_id}|{time}|{webhook_id}|{binascii.crc32(body)}".encode()
    return base64.b64encode(_key(store.folder()).sign(message, padding.PKCS1v15(), hashes.SHA256())).decode()


def certificate_chain() -> bytes:
    """The signing certificate and the authority's, as PEM."""
    _key(store.folder())
    return (store.folder() / "paypal-chain.pem").read_bytes()


@cache
def _key(folder: Path) -> rsa.RSAPrivateKey:
    path = folder / "paypal-key.pem"
    with store.transaction():
        if not path.exists():
            _make(folder, path)
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError(path)
    return key


def _make(folder: Path, path: Path) -> None:
    authority, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    root_name = _name("Sandbox root, not PayPal")
    root = _builder(root_name, root_name, authority, authority).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    host = "messageverificationcerts.sandbox.example"
    leaf = (
        _builder(_name(host), root_name, key, authority)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    certificates = [builder.sign(authority, hashes.SHA256()) for builder in (leaf, root)]
    chain = b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)
    (folder / "paypal-chain.pem").write_bytes(chain)
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: rsa.RSAPrivateKey, authority: rsa.RSAPrivateKey
) -> x509.CertificateBuilder:
    today = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=3650))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key()), critical=False
        )
    )
