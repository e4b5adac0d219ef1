"""The throw-away certificates of the sandbox. Nothing in them is real.

The sandbox keeps all keys in its own folder and hands the shop what UnionPay would: the CA, the encryption
certificate, and the merchant's key store, protected like the CFCA's.
"""

import datetime as dt
import secrets
import shutil
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as ser
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from django.conf import settings

from payments.gateways.unionpay.crypto import GATEWAY_NAME, SigningKey
from payments.sandbox import store
from shop import clock
from shop.devstack.file_lock import exclusive

DAYS = 3650
_FOR_THE_SHOP = ("root.pem", "middle.pem", "merchant.pfx", "encryption.pem")
_PEM = ser.Encoding.PEM


@dataclass(frozen=True)
class Pair:
    certificate: x509.Certificate
    key: rsa.RSAPrivateKey

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(_PEM)


def ensure_keys() -> None:
    """Make the keys unless they are there, and give the shop its files. Two processes may do so at once."""
    with exclusive(store.folder() / "unionpay.lock"):
        if not _folder().is_dir():
            _make_all()
        shop = Path(settings.UNIONPAY_CERT_DIR)
        if not _belongs_to_us(shop):
            shop.mkdir(parents=True, exist_ok=True)
            for name in _FOR_THE_SHOP:
                shutil.copyfile(_folder() / name, shop / name)


def key_pair(name: str) -> Pair:
    """The certificate of that name (root, middle, merchant, signing, encryption) and its key."""
    path = _folder() / f"{name}.pem"
    if not path.is_file():
        ensure_keys()
    return _read(path, path.stat().st_mtime_ns)


def signing_key() -> SigningKey:
    """The key that signs answers and notifications."""
    pair = key_pair("signing")
    return SigningKey(pair.key, pair.certificate)


def certificate_text(name: str) -> str:
    return key_pair(name).pem.decode()


def merchant_certificate() -> x509.Certificate:
    """What requests must be signed with."""
    return key_pair("merchant").certificate


def encryption_pair(cert_id: str = "") -> Pair | None:
    """The pair with that number, present or former; without a number the present one."""
    for name in ("encryption", "encryption-previous"):
        if (_folder() / f"{name}.key").is_file():
            pair = key_pair(name)
            if cert_id in {"", str(pair.certificate.serial_number)}:
                return pair
    return None


def renew_encryption() -> None:
    """Bring a new encryption certificate into force; the former stays good, as with UnionPay."""
    ensure_keys()
    for suffix in ("pem", "key"):
        shutil.copyfile(_folder() / f"encryption.{suffix}", _folder() / f"encryption-previous.{suffix}")
    _save(_folder(), "encryption", issue("041@Z2026@00040000:SIGN@00000099", key_pair("middle")))


def issue(common_name: str, issuer: Pair | None = None, *, ca: bool = False, days: int = DAYS) -> Pair:
    """Issue a certificate. Leaves get numbers above 2**63: a certId is text, never a machine number."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    begin = clock.now() - dt.timedelta(days=1)
    builder = (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .issuer_name(issuer.certificate.subject if issuer else _name(common_name))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number() if ca else (1 << 64) + secrets.randbits(60))
        .not_valid_before(begin)
        .not_valid_after(begin + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=False)
    )
    return Pair(builder.sign(issuer.key if issuer else key, hashes.SHA256()), key)


def _folder() -> Path:
    return store.folder() / "unionpay"


def _make_all() -> None:
    """Everything or nothing: the folder gets its name when it is complete."""
    folder = store.folder() / "unionpay.new"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    root = issue("SANDBOX ROOT", ca=True)
    middle = issue("SANDBOX OCA1", root, ca=True)
    merchant = issue(f"041@Z2026@{settings.UNIONPAY_MERCHANT_ID}:SIGN@00000001", middle)
    for name, pair in {
        "root": root,
        "middle": middle,
        "merchant": merchant,
        "signing": issue(f"041@8310000000083040@{GATEWAY_NAME}@00099999", middle),
        "encryption": issue("041@Z2026@00040000:SIGN@00000099", middle),
    }.items():
        _save(folder, name, pair)
    protection = (
        ser.PrivateFormat.PKCS12.encryption_builder()
        .kdf_rounds(2000)
        .key_cert_algorithm(pkcs12.PBES.PBESv1SHA1And3KeyTripleDESCBC)
        .hmac_hash(hashes.SHA1())  # noqa: S303  the CFCA's files are made so
        .build(settings.UNIONPAY_PFX_PASSWORD.encode())
    )
    chain = [middle.certificate, root.certificate]
    (folder / "merchant.pfx").write_bytes(
        pkcs12.serialize_key_and_certificates(
            b"merchant", merchant.key, merchant.certificate, chain, protection
        )
    )
    folder.rename(_folder())


def _belongs_to_us(shop: Path) -> bool:
    """Whether the shop has our files already, or talks to a gateway that is not this sandbox: leave them
    alone.
    """
    if settings.PRODUCTION or not settings.UNIONPAY_GATEWAY.startswith(f"{settings.SANDBOX_URL}/"):
        return True
    if not all((shop / name).is_file() for name in _FOR_THE_SHOP):
        return False
    ours = {path.read_bytes() for path in _folder().iterdir()}  # the encryption certificate may be the former
    return all((shop / name).read_bytes() in ours for name in _FOR_THE_SHOP)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "SANDBOX ONLY"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _save(folder: Path, name: str, pair: Pair) -> None:
    key = folder / f"{name}.key"
    key.touch(mode=0o600)
    key.write_bytes(pair.key.private_bytes(_PEM, ser.PrivateFormat.PKCS8, ser.NoEncryption()))
    (folder / f"{name}.pem").write_bytes(pair.pem)


@lru_cache(maxsize=8)
def _read(path: Path, _changed: int) -> Pair:
    key = ser.load_pem_private_key(path.with_suffix(".key").read_bytes(), None)
    if not isinstance(key, rsa.RSAPrivateKey):
        raise TypeError("not an RSA key")
    return Pair(x509.load_pem_x509_certificate(path.read_bytes()), key)
