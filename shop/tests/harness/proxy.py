"""A TCP proxy between the shop and a store or a mail server, for the faults that lie between two machines.

with Proxy(port_of_the_server) as line:
    line.cut()                      # every connection breaks; new ones work
    line.close(); line.open()       # nobody answers at this address; somebody does again
    line.hold(); line.release()     # bytes get stuck in both directions
    line.lose_request(b"COMMIT")    # once: it does not arrive, the connection breaks
    line.lose_answer(b"COMMIT")     # once: it arrives and is done, the answer does not come back
"""

import socket
import struct
import threading
from contextlib import suppress
from typing import Self

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends RST
BACKLOG = 128
LOSSES = ["lose_request", "lose_answer"]  # of a COMMIT: it does not arrive; it does, and nobody hears of it


class Link:
    """One connection through the proxy: a socket on each side."""

    def __init__(self, client: socket.socket, server: socket.socket) -> None:
        self.client, self.server = client, server
        self.loses_answer = False

    def cut(self) -> None:
        for side in (self.client, self.server):
            with suppress(OSError):
                side.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                side.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it
            side.close()


class Proxy:
    """On a port of its own, which stays the same for its whole life."""

    def __init__(self, to: int, host: str = "127.0.0.1") -> None:
        self.target = (host, to)
        self.port = 0
        self.losses = 0  # ordered losses that have happened
        self._flowing = threading.Event()
        self._flowing.set()
        self._lock = threading.Lock()
        self._links: set[Link] = set()
        self._lost_request: bytes | None = None
        self._lost_answer: bytes | None = None
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def open(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(BACKLOG)
        self.port = listener.getsockname()[1]
        self._listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def close(self) -> None:
        listener, self._listener = self._listener, None
        if listener:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.cut()
        self.release()

    def cut(self) -> None:
        with self._lock:
            links, self._links = self._links, set()
        for link in links:
            link.cut()

    def hold(self) -> None:
        self._flowing.clear()

    def release(self) -> None:
        self._flowing.set()

    def lose_request(self, text: bytes) -> None:
        self._lost_request = text

    def lose_answer(self, text: bytes) -> None:
        self._lost_answer = text

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
                server = socket.create_connection(self.target)
            except OSError:
                if self._listener is not listener:
                    return
                client.close()  # the server is away: so is this address
                continue
            link = Link(client, server)
            with self._lock:
                self._links.add(link)
            for pump in (self._requests, self._answers):
                threading.Thread(target=pump, args=(link,), daemon=True).start()

    def _requests(self, link: Link) -> None:
        with suppress(OSError):
            while data := link.client.recv(65536):
                self._flowing.wait()
                if self._is_lost("_lost_request", data):
                    break
                if self._is_lost("_lost_answer", data):
                    link.loses_answer = True
                link.server.sendall(data)
        self._end(link)

    def _answers(self, link: Link) -> None:
        with suppress(OSError):
            while data := link.server.recv(65536):
                self._flowing.wait()
                if link.loses_answer:
                    break
                link.client.sendall(data)
        self._end(link)

    def _is_lost(self, order: str, data: bytes) -> bool:
        with self._lock:
            text = getattr(self, order)
            if text is None or text not in data:
                return False
            setattr(self, order, None)
            self.losses += 1
            return True

    def _end(self, link: Link) -> None:
        with self._lock:
            self._links.discard(link)
        link.cut()
