"""Signatures of UnionPay 5.1.0 and the certificates behind them. Knows no settings and reads no files.

A message brings the certificate it was signed with. What makes it UnionPay's is the chain to the CA
certificates that we hold plus the third part of its common name: every merchant is a customer of the same CA.
The CA and all its certificates are SHA-1 signed, which ready-made verifiers refuse, so each link is checked
here.
"""

import base64
import binascii
import datetime as dt
from dataclasses import dataclass, field
from functools import cached_property

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID

from .wire import Fields, signed_text

VERSION = "5.1.0"
SIGN_METHOD = "01"  # RSA with a certificate; the methods with a shared key are a different product
GATEWAY_NAME = "中国银联股份有限公司"
TEST_NAME = "00040000:SIGN"  # signs in the test environment; encrypts in both
_LINK_HASHES = (hashes.SHA1, hashes.SHA256, hashes.SHA384, hashes.SHA512)
_MIN_BITS = 2048
_MAX_ACCEPTED = 16  # accepted certificates; UnionPay uses one or two at a time


class Untrusted(Exception):
    """The message or the certificate is not from whom it says. The text names the check that failed."""


class UnknownSigner(Untrusted):
    """The certificate in a message does not lead to the CA files that we hold: UnionPay may have a new CA."""


@dataclass(frozen=True)
class SigningKey:
    private_key: RSAPrivateKey = field(repr=False)
    certificate: x509.Certificate

    @cached_property
    def cert_id(self) -> str:
        """Decimal text: the number may exceed 64 bits."""
        return str(self.certificate.serial_number)

    def signed(self, fields: Fields) -> Fields:
        """The fields ready to send. Empty ones are left out: they need not be signed nor sent."""
        complete = {name: value for name, value in fields.items() if value} | {"certId": self.cert_id}
        return complete | {"signature": signature(complete, self.private_key)}


def load_signing_key(pfx: bytes, password: str) -> SigningKey:
    """Open the PKCS#12 file of the CFCA. Raises ValueError when the password or the content is wrong."""
    key, certificate, _ = pkcs12.load_key_and_certificates(pfx, password.encode())
    if not isinstance(key, RSAPrivateKey) or certificate is None:
        raise ValueError("no RSA key with a certificate inside")
    return SigningKey(key, certificate)


def signature(fields: Fields, private_key: RSAPrivateKey) -> str:
    return base64.b64encode(private_key.sign(signed_text(fields), PKCS1v15(), hashes.SHA256())).decode()


def is_signed_by(fields: Fields, public_key: RSAPublicKey) -> bool:
    try:
        signature_bytes = base64.b64decode(fields.get("signature", ""), validate=True)
        public_key.verify(signature_bytes, signed_text(fields), PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def signer_name(certificate: x509.Certificate) -> str:
    """``041@8310000000083040@中国银联股份有限公司@00016495`` -> the name; empty for any other shape."""
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    parts = str(names[0].value).split("@") if len(names) == 1 else []
    return parts[2] if len(parts) > 2 else ""


def read_certificate(pem: str) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise Untrusted("certificate cannot be read") from error


def rsa_key(certificate: x509.Certificate) -> RSAPublicKey:
    """The public key. Raises Untrusted unless it is RSA of at least 2048 bits."""
    key = certificate.public_key()
    if not isinstance(key, RSAPublicKey) or key.key_size < _MIN_BITS:
        raise Untrusted("key is not RSA-2048")
    return key


@dataclass(frozen=True)
class _Accepted:
    certificate: x509.Certificate
    since: dt.datetime
    until: dt.datetime


class Trust:
    """Whom we believe: root and middle certificates held by us, and the names a signer may bear."""

    def __init__(
        self, roots: list[x509.Certificate], middles: list[x509.Certificate], names: set[str]
    ) -> None:
        self._roots, self._middles, self._names = roots, middles, names
        self._accepted: dict[str, _Accepted] = {}  # by the exact text of the certificate

    def verify(self, fields: Fields, at: dt.datetime) -> None:
        """Raise Untrusted unless UnionPay itself signed exactly these fields."""
        if fields.get("version") != VERSION or fields.get("signMethod") != SIGN_METHOD:
            raise Untrusted("version or signMethod")
        certificate = self._signer(fields.get("signPubKeyCert", ""), at)
        if not is_signed_by(fields, rsa_key(certificate)):
            raise Untrusted("signature")

    def check(self, at: dt.datetime) -> None:
        """Raise Untrusted unless one of the middle certificates can vouch for a signer at that time."""
        for middle in self._middles:
            try:
                _check_link(root := _issuer(middle, self._roots, at), root, at)
            except Untrusted:
                continue
            return
        raise Untrusted("no middle certificate in force under a root in force")

    def accept(self, certificate: x509.Certificate, at: dt.datetime, names: set[str]) -> None:
        """Raise Untrusted unless the certificate is in force, chains to our root and bears such a name."""
        self.validity(certificate, at)
        if signer_name(certificate) not in names:
            raise Untrusted("name")

    def validity(self, certificate: x509.Certificate, at: dt.datetime) -> tuple[dt.datetime, dt.datetime]:
        """The time in which the whole chain is in force, which includes ``at``. Raises Untrusted."""
        middle = _issuer(certificate, self._middles, at)
        root = _issuer(middle, self._roots, at)
        _check_link(root, root, at)
        chain = (certificate, middle, root)
        return max(c.not_valid_before_utc for c in chain), min(c.not_valid_after_utc for c in chain)

    def _signer(self, pem: str, at: dt.datetime) -> x509.Certificate:
        accepted = self._accepted.get(pem)
        if accepted is None or not accepted.since <= at <= accepted.until:
            certificate = read_certificate(pem)
            try:
                self.accept(certificate, at, self._names)
            except Untrusted as error:
                raise UnknownSigner(str(error)) from error
            accepted = _Accepted(certificate, *self.validity(certificate, at))
            if len(self._accepted) >= _MAX_ACCEPTED:
                self._accepted.clear()
            self._accepted[pem] = accepted
        return accepted.certificate


def _issuer(
    certificate: x509.Certificate, candidates: list[x509.Certificate], at: dt.datetime
) -> x509.Certificate:
    failure = Untrusted("issuer is unknown")
    for candidate in candidates:
        if candidate.subject == certificate.issuer:
            try:
                _check_link(certificate, candidate, at)
            except Untrusted as error:
                failure = error
            else:
                return candidate
    raise failure


def _check_link(certificate: x509.Certificate, issuer: x509.Certificate, at: dt.datetime) -> None:
    if not certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc:
        raise Untrusted("certificate is not in force")
    if not _is_ca(issuer):
        raise Untrusted("issuer is no CA")
    algorithm = certificate.signature_hash_algorithm
    if not isinstance(algorithm, _LINK_HASHES):
        raise Untrusted("hash of the certificate")
    try:
        rsa_key(issuer).verify(
            certificate.signature, certificate.tbs_certificate_bytes, PKCS1v15(), algorithm
        )
    except InvalidSignature as error:
        raise Untrusted("certificate was not signed by its issuer") from error


def _is_ca(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, x509.DuplicateExtension, ValueError):
        return False
