"""Accepted, but for a while nobody can tell what became of it: the fault ``unknown``."""

from typing import Any

from shop import clock


def is_suspended(transaction: dict[str, Any]) -> bool:
    return "meanwhile" in transaction and clock.now().timestamp() < transaction["settles_at"]
