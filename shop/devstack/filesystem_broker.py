"""kombu's filesystem broker, with two races closed that ended workers.

A message appears in its folder whole or not at all: kombu opens the file first and writes later, and a reader
in between finds nothing in it. The table of queues is read and written by one process at a time.
"""

import uuid
from pathlib import Path
from time import monotonic
from typing import Any

from kombu.transport import TRANSPORT_ALIASES, filesystem
from kombu.utils.json import dumps

from .file_lock import exclusive


class Channel(filesystem.Channel):
    def _put(self, queue: Any, payload: Any, **kwargs: Any) -> None:  # type: ignore[override]
        folder = Path(self.data_folder_out)
        name = f"{round(monotonic() * 1000)}_{uuid.uuid4()}"
        fresh = folder / f"{name}.new"
        fresh.write_text(dumps(payload))
        fresh.replace(folder / f"{name}.{queue}.msg")

    def get_table(self, exchange: str) -> Any:
        with exclusive(Path(self.control_folder) / "lock"):
            return super().get_table(exchange)

    def _queue_bind(self, *arguments: Any) -> None:
        with exclusive(Path(self.control_folder) / "lock"):
            super()._queue_bind(*arguments)


class Transport(filesystem.Transport):
    Channel = Channel


def install() -> None:
    """Let ``filesystem://`` mean this."""
    TRANSPORT_ALIASES["filesystem"] = "shop.devstack.filesystem_broker:Transport"
