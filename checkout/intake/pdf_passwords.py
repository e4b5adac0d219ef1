"""Whether a PDF asks for a password before it opens.

Many PDFs are encrypted and open all the same, with the empty password: they only forbid copying or printing.
The standard security handler of ISO 32000-2, 7.6.4, as far as it tells whether the empty password is right.
"""

import hashlib
import re
import struct
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_REFERENCE = re.compile(rb"/Encrypt\s+(\d+)\s+(\d+)\s+R")
_DIRECT = re.compile(rb"/Encrypt\s*(<<.*)", re.DOTALL)
_ID = re.compile(rb"/ID\s*\[\s*(?=[<(])")
_ESCAPED = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\n": b""}
_DICTIONARY_BYTES = 4096  # more than any such dictionary has


def needs_password(content: bytes) -> bool:
    """Return whether the empty password does not open it; False where that cannot be known."""
    handler = _security_handler(content)
    if not handler or b"/Standard" not in handler:
        return False
    try:
        return not _opens(handler, content)
    except (ValueError, IndexError, struct.error):  # not written as it should be: readers will see
        return False


def _security_handler(content: bytes) -> bytes:
    references = _REFERENCE.findall(content)
    if references:
        number, generation = references[-1]
        found = re.search(rb"(?<!\d)%s\s+%s\s+obj(.*?)endobj" % (number, generation), content, re.DOTALL)
        return found[1][:_DICTIONARY_BYTES] if found else b""
    direct = _DIRECT.search(content)
    return direct[1][:_DICTIONARY_BYTES] if direct else b""


def _opens(handler: bytes, content: bytes) -> bool:
    revision, user = _number(handler, b"R"), _string_at(handler, b"U")
    if revision in (5, 6):
        digest = _sha_256 if revision == 5 else _hardened
        return digest(user[32:40]) == user[:32]
    if revision not in (2, 3, 4):
        raise ValueError(revision)
    first_id = _ID.search(content)
    document = _string(content[first_id.end() :]) if first_id else b""
    key = _key(handler, revision, document)
    if revision == 2:
        return _rc4(key, _PADDING) == user
    found = _rc4(key, hashlib.md5(_PADDING + document, usedforsecurity=False).digest())
    for turn in range(1, 20):
        found = _rc4(bytes(byte ^ turn for byte in key), found)
    return found == user[:16]


def _key(handler: bytes, revision: int, document: bytes) -> bytes:
    """Algorithm 2, of the empty password."""
    permissions = struct.pack("<I", _number(handler, b"P") & 0xFFFFFFFF)
    text = _PADDING + _string_at(handler, b"O")[:32] + permissions + document
    if revision == 4 and re.search(rb"/EncryptMetadata\s+false", handler):
        text += b"\xff" * 4
    length = 5 if revision == 2 else _key_length(handler)
    digest = hashlib.md5(text, usedforsecurity=False).digest()
    for _turn in range(50 if revision > 2 else 0):
        digest = hashlib.md5(digest[:length], usedforsecurity=False).digest()
    return digest[:length]


def _key_length(handler: bytes) -> int:
    if _number(handler, b"V") == 4:
        return 16
    bits = re.search(rb"/Length\s+(\d+)", handler)
    return int(bits[1]) // 8 if bits else 5


def _sha_256(salt: bytes) -> bytes:
    return hashlib.sha256(salt).digest()


def _hardened(salt: bytes) -> bytes:
    """Algorithm 2.B, of the empty password."""
    key, encrypted, turn = hashlib.sha256(salt).digest(), b"\0", 0
    digests: list[Callable[[bytes], hashlib._Hash]] = [hashlib.sha256, hashlib.sha384, hashlib.sha512]
    while turn < 64 or encrypted[-1] > turn - 32:
        cipher = Cipher(algorithms.AES(key[:16]), modes.CBC(key[16:32])).encryptor()
        encrypted = cipher.update(key * 64) + cipher.finalize()
        key = digests[sum(encrypted[:16]) % 3](encrypted).digest()
        turn += 1
    return key[:32]


def _rc4(key: bytes, text: bytes) -> bytes:
    state, j = list(range(256)), 0
    for i in range(256):
        j = (j + state[i] + key[i % len(key)]) % 256
        state[i], state[j] = state[j], state[i]
    i = j = 0
    out = bytearray()
    for byte in text:
        i = (i + 1) % 256
        j = (j + state[i]) % 256
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[(state[i] + state[j]) % 256])
    return bytes(out)


# --- the syntax of PDF, as far as it is needed ---


def _number(dictionary: bytes, name: bytes) -> int:
    found = re.search(rb"/%s\s+(-?\d+)" % name, dictionary)
    if not found:
        raise ValueError(name)
    return int(found[1])


def _string_at(dictionary: bytes, name: bytes) -> bytes:
    found = re.search(rb"/%s\s*(?=[<(])" % name, dictionary)
    if not found:
        raise ValueError(name)
    return _string(dictionary[found.end() :])


def _string(text: bytes) -> bytes:
    """The string that the text begins with: <hexadecimal> or (literal)."""
    if text[:1] == b"<":
        digits = re.sub(rb"\s", b"", text[1 : text.index(b">")])
        return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode("ascii"))
    out, depth, at = bytearray(), 0, 0
    while True:
        sign = text[at : at + 1]
        if not sign:
            raise ValueError("a string without end")
        if sign == b"\\":
            octal = re.match(rb"[0-7]{1,3}", text[at + 1 : at + 4])
            after = text[at + 1 : at + 2]
            out += bytes([int(octal[0], 8) & 0xFF]) if octal else _ESCAPED.get(after, after)
            at += 1 + (len(octal[0]) if octal else 1)
            continue
        depth += (sign == b"(") - (sign == b")")
        if depth == 0:
            return bytes(out[1:])
        out += sign
        at += 1
