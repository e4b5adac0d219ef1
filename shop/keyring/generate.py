"""Print a fresh secret for every variable that needs one: ``make secrets``."""

import secrets

from cryptography.fernet import Fernet

FERNET_KEYS = ("SEAL_KEYS", "ESCROW_KEYS")
OTHERS = ("SECRET_KEY", "ORDER_KEY_PEPPERS")


def lines() -> list[str]:
    """Lines for an environment file."""
    made = {name: secrets.token_urlsafe(48) for name in OTHERS}
    made |= {name: Fernet.generate_key().decode() for name in FERNET_KEYS}
    return [f"{name}={secret}" for name, secret in made.items()]


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 - that is all it does
