"""The card fields of the payment page: what the browser encrypts with, and what it may send us."""

import base64
import binascii
import re
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings

from ..base import EncryptedCard, Misconfigured
from .certificates import ENCRYPTION, ENCRYPTION_PREVIOUS, encryption_certificate
from .crypto import rsa_key


@dataclass(frozen=True)
class CardForm:
    """``spki`` is the public key as base64 DER, ``encrypt_cert_id`` the number of its certificate as decimal
    text. ``asks_for_code``: the bank sends a code to the buyer's telephone before it lets them pay.
    """

    spki: str
    encrypt_cert_id: str
    asks_for_code: bool = False


def card_form() -> CardForm | None:
    """What the card fields need; None: the buyer goes to UnionPay's own page instead."""
    if settings.UNIONPAY_MODE != "onsite":
        return None
    try:
        certificate = encryption_certificate()
    except Misconfigured:
        return None
    spki = rsa_key(certificate).public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    key = base64.b64encode(spki).decode()
    return CardForm(key, str(certificate.serial_number), asks_for_code=settings.UNIONPAY_SMS)


def checked_card(
    acc_no: str, encrypted_info: str, encrypt_cert_id: str, last4: str, sms_code: str = ""
) -> EncryptedCard:
    """Check the card as posted by the page. Raises ValueError unless both parts can be RSA blocks for that
    certificate.

    More cannot be known here, and so nothing readable can slip through: a card number in clear is no such
    block.
    """
    certificate = _certificate(encrypt_cert_id)
    if certificate is None:
        raise ValueError("unknown certificate")
    _check_block(acc_no, certificate)
    _check_block(encrypted_info, certificate)
    if not re.fullmatch("[0-9]{4}", last4):
        raise ValueError("last digits")
    if not re.fullmatch("(?:[0-9]{6})?", sms_code):
        raise ValueError("sms code")
    return EncryptedCard(acc_no, encrypted_info, encrypt_cert_id, last4, sms_code)


def _certificate(cert_id: str) -> x509.Certificate | None:
    for name in (ENCRYPTION, ENCRYPTION_PREVIOUS):
        try:
            certificate = encryption_certificate(name)
        except Misconfigured:
            continue
        if str(certificate.serial_number) == cert_id:
            return certificate
    return None


def _check_block(text: str, certificate: x509.Certificate) -> None:
    key = rsa_key(certificate)
    try:
        block = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("not base64") from error
    if len(block) != key.key_size // 8 or base64.b64encode(block).decode() != text:
        raise ValueError("not one block")
    if int.from_bytes(block, "big") >= key.public_numbers().n:
        raise ValueError("not below the modulus")
