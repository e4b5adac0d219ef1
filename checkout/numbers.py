"""Order numbers: eight symbols a person can read out, e.g. A7K3-92QM. The last one is a check symbol."""

import secrets

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford: no I, L, O, U


def new_number() -> str:
    """A random number: 32^7 possibilities, so it tells nothing about how many orders there are."""
    body = "".join(secrets.choice(ALPHABET) for _ in range(7))
    symbols = body + _check_symbol(body)
    return f"{symbols[:4]}-{symbols[4:]}"


def is_number(text: str) -> bool:
    """Whether the text is a well-formed order number."""
    symbols = text.upper().replace("-", "")
    return len(symbols) == 8 and set(symbols) <= set(ALPHABET) and symbols[7] == _check_symbol(symbols[:7])


def _check_symbol(body: str) -> str:
    """Odd weights are units modulo 32, so every single wrong symbol is noticed."""
    return ALPHABET[sum(ALPHABET.index(symbol) * (2 * place + 1) for place, symbol in enumerate(body)) % 32]
