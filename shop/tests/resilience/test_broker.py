"""The embedded broker under load: many writers, one reader, and never half a message."""

import threading
from concurrent.futures import ThreadPoolExecutor
from queue import Empty

import pytest
from kombu import Connection
from kombu.transport import filesystem

from shop.devstack import filesystem_broker

WRITERS, EACH = 4, 100


def exchange_messages(tmp_path, transport) -> int:
    """Write and read at the same time; how many arrived."""
    options = {
        "data_folder_in": str(tmp_path / "messages"),
        "data_folder_out": str(tmp_path / "messages"),
        "control_folder": str(tmp_path / "control"),
        "processed_folder": str(tmp_path / "done"),
        "store_processed": True,
    }
    for name in ("messages", "control", "done"):
        (tmp_path / name).mkdir()
    done = threading.Event()

    def write(_):
        with Connection(transport=transport, transport_options=options) as connection:
            channel = connection.channel()
            for number in range(EACH):
                channel._put("shop", {"body": "x" * 2000, "number": number})

    def read():
        arrived = 0
        with Connection(transport=transport, transport_options=options) as connection:
            channel = connection.channel()
            while True:
                finished = done.is_set()
                try:
                    channel._get("shop")
                    arrived += 1
                except Empty:
                    if finished:
                        return arrived

    with ThreadPoolExecutor(WRITERS + 1) as pool:
        reader = pool.submit(read)
        list(pool.map(write, range(WRITERS)))
        done.set()
        return reader.result()


def test_every_message_arrives_whole(tmp_path):
    assert exchange_messages(tmp_path, filesystem_broker.Transport) == WRITERS * EACH


def test_the_original_would_hand_out_a_message_before_it_is_written(tmp_path, monkeypatch):
    """Shows the race that is closed: a reader between the opening and the writing of a file."""
    messages = tmp_path / "messages"

    def dumps_slowly(payload):
        next(iter(messages.iterdir()))  # the file is there already, and empty
        with Connection(transport=filesystem.Transport, transport_options=options) as connection:
            connection.channel()._get("shop")
        return "{}"

    options = {name: str(tmp_path / folder) for name, folder in (
        ("data_folder_in", "messages"), ("data_folder_out", "messages"),
        ("control_folder", "control"), ("processed_folder", "done"),
    )} | {"store_processed": True}  # fmt: skip
    for name in ("messages", "control", "done"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(filesystem, "dumps", dumps_slowly)
    with (
        Connection(transport=filesystem.Transport, transport_options=options) as connection,
        pytest.raises(ValueError, match="Expecting value"),
    ):
        connection.channel()._put("shop", {})
