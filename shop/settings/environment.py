"""What the environment says of this machine: the mode, where state lies, and how secrets are read or made."""

import json
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

BASE_DIR = Path(__file__).resolve().parent.parent.parent


class Environment(environ.Env):  # type: ignore[misc]  # has no types
    def get_value(self, var: str, *arguments: Any, **options: Any) -> Any:
        try:
            return super().get_value(var, *arguments, **options)
        except ValueError:
            raise ImproperlyConfigured(f"{var} holds a value of the wrong kind. See .env.example.") from None


def read_file(named: str, unnamed: Path) -> Path | None:
    """Read the environment file ``named``, else the one that lies there unnamed; return it if there is one.

    What is already in the environment wins. Raises ImproperlyConfigured where a file cannot be read: the
    library would go on without a word, and a shop would start on other stores than its owner's.
    """
    path = Path(named) if named else unnamed
    try:
        with path.open(encoding="utf-8") as file:
            env.read_env(file)
    except FileNotFoundError:
        if not named:
            return None
        raise ImproperlyConfigured(f"ENV_FILE names {path}, which is not there.") from None
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "not a text in UTF-8"
        raise ImproperlyConfigured(f"The environment file {path} cannot be read: {why}.") from None
    return path


env = Environment()
ENV_FILE = read_file(env.str("ENV_FILE", ""), BASE_DIR / ".env")

# Not even the demo is a default: a shop that lost its environment must not open as something else.
SHOP_MODE = env.str("SHOP_MODE", "")
if not SHOP_MODE:
    raise ImproperlyConfigured(
        "SHOP_MODE is not set. `make run` opens the demo; before another command write SHOP_MODE=demo. "
        "In production ENV_FILE names the environment file: see docs/operations.md."
    )
if SHOP_MODE not in {"demo", "production"}:
    raise ImproperlyConfigured("SHOP_MODE must be demo or production.")
PRODUCTION = SHOP_MODE == "production"
DEBUG = env.bool("DEBUG", False)
if DEBUG and PRODUCTION:
    raise ImproperlyConfigured("DEBUG cannot be on with SHOP_MODE=production.")


def make_private(folder: Path) -> None:
    """Have a folder that nobody but the shop's user can enter, whatever the files in it allow."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid != os.getuid() or found.st_mode & stat.S_ISVTX:  # such as /tmp
        raise ImproperlyConfigured(f"VAR_DIR ({folder}) must be a folder of the shop's user alone.")
    if stat.S_IMODE(found.st_mode) & 0o077:
        folder.chmod(0o700)


# State of this installation: database, queue, media, generated demo secrets. Ignored by git.
VAR_DIR = Path(env.str("VAR_DIR", str(BASE_DIR / ".var"))).resolve()
make_private(VAR_DIR)


def fernet_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _demo_secret(name: str, make: Callable[[], str]) -> str:
    """A secret for the demo, made once and kept readable by the owner only."""
    from shop.devstack.file_lock import exclusive

    path = VAR_DIR / "demo-secrets.json"
    with exclusive(VAR_DIR / "demo-secrets.lock"):
        kept: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        if name not in kept:
            kept[name] = make()
            fresh = path.with_suffix(".new")  # a process killed while writing must not leave half a file
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(kept, indent=1))
            fresh.replace(path)
    return kept[name]


def required(name: str, *, demo: Callable[[], str]) -> str:
    """The variable; in the demo something that works; in production its absence stops the start."""
    value = env.str(name, "")
    if value:
        return str(value)
    if PRODUCTION:
        raise ImproperlyConfigured(f"{name} is not set. See .env.example.")
    return demo()


def secret(name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(48)) -> str:
    return required(name, demo=lambda: _demo_secret(name, make))


# Lists: newest first.
SECRET_KEY = secret("SECRET_KEY")
SECRET_KEY_FALLBACKS = env.list("SECRET_KEY_FALLBACKS", default=[])
SEAL_KEYS = secret("SEAL_KEYS", fernet_key).split(",")  # Fernet keys: personal answers, sealed order keys
ORDER_KEY_PEPPERS = secret("ORDER_KEY_PEPPERS").split(",")  # HMAC keys of the order key look-up
ESCROW_KEYS = secret("ESCROW_KEYS", fernet_key).split(",")  # Fernet keys: the shop's wrap of report keys
