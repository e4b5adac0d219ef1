"""Making .mo files from .po files without GNU gettext, which a machine that runs the shop need not have."""

from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from django.conf import settings


def compile_catalogues() -> None:
    """Bring every compiled catalogue up to date. Several processes may do so at once."""
    for folder in settings.LOCALE_PATHS:
        for source in Path(folder).glob("*/LC_MESSAGES/*.po"):
            compiled = source.with_suffix(".mo")
            if not compiled.exists() or compiled.stat().st_mtime < source.stat().st_mtime:
                _compile(source, compiled)


def _compile(source: Path, compiled: Path) -> None:
    with source.open("rb") as file:
        catalogue = read_po(file)
    fresh = compiled.with_suffix(f".{id(catalogue)}.tmp")
    with fresh.open("wb") as file:
        write_mo(file, catalogue)
    fresh.replace(compiled)
