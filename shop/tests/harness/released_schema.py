"""What the last release knows of the database: ``make release`` writes it down, and a test compares.

During a deployment the old code goes on serving on the new schema. So what it writes must stay, and what it
does not know must do without it.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from django.apps import apps
from django.db.migrations.loader import MigrationLoader

BASE = Path(__file__).resolve().parents[3]
RECORD = BASE / "shop" / "tests" / "golden" / "schema.json"

Columns = dict[str, dict[str, Any]]


def tables() -> dict[str, Columns]:
    """Every column that this code writes, by table: its kind, its length, and whether it may be NULL."""
    return {
        model._meta.db_table: {
            field.column: {
                "kind": field.get_internal_type(),
                "null": field.null,
                **({"length": field.max_length} if field.max_length else {}),
            }
            for field in model._meta.concrete_fields
        }
        for model in sorted(apps.get_models(include_auto_created=True), key=lambda each: each._meta.db_table)
        if model._meta.managed and not model._meta.proxy
    }


def migrations() -> list[str]:
    return sorted(f"{app}.{name}" for app, name in MigrationLoader(None).disk_migrations)


def recorded() -> dict[str, Any]:
    record: dict[str, Any] = json.loads(RECORD.read_text())
    return record


def write() -> None:
    head = subprocess.run(
        ["git", "rev-parse", "HEAD"],
        cwd=BASE,
        capture_output=True,
        text=True,
        check=True,
    )
    record = {"commit": head.stdout.strip(), "migrations": migrations(), "tables": tables()}
    RECORD.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    import django

    django.setup()
    write()
