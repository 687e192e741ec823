"""Proxies that see every message between a process and what it talks to, and pull its plug."""

import os
import select
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

CHUNK = 2**20


@dataclass
class Plug:
    """Counts messages, of both directions and all proxies, from the first with `begin` in it on.

    What one side says before the other answers is one message, in however many pieces it comes.
    At message `at`, instead of being passed on, the process is killed. A message the server never
    saw and an answer the process never heard are two different deaths.
    """

    begin: bytes
    at: int
    pid: int | None = None
    seen: list[str] = field(default_factory=list)
    is_pulled: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def passes(self, kind: str, message: bytes) -> bool:
        with self._lock:
            if self.is_pulled:
                return False
            if self.seen and self.seen[-1].startswith(kind):
                return True
            if self.seen or self.begin in message:
                self.seen.append(f"{kind}: {_name(message)}")
                if len(self.seen) == self.at and self.pid is not None:
                    self.is_pulled = True
                    os.kill(self.pid, signal.SIGKILL)
                    return False
            return True


def _name(message: bytes) -> str:
    """What a message is about, to read in a failure."""
    text = "".join(chr(b) if 32 <= b < 127 else " " for b in message[:400])
    return " ".join(text.split())[:60]


@contextmanager
def tap(
    plug: Plug, name: str, listener: socket.socket, connect: Callable[[], socket.socket]
) -> Iterator[None]:
    """Pass on what comes in at the listener, message by message, as long as the plug is in."""

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(
                    target=_relay, args=(plug, name, client, connect()), daemon=True
                ).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield
    finally:
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def _relay(plug: Plug, name: str, client: socket.socket, server: socket.socket) -> None:
    other = {client: server, server: client}
    with client, server, suppress(OSError):
        while True:
            for source in select.select([client, server], [], [])[0]:
                message = source.recv(CHUNK)
                kind = f"{name} {'asked' if source is client else 'answers'}"
                if not message or not plug.passes(kind, message):
                    return
                other[source].sendall(message)


@contextmanager
def tapped_postgres(plug: Plug, folder: Path, server: Path) -> Iterator[Path]:
    """A server's socket folder with a tap in front; yields the folder to connect to."""
    [target] = [p for p in server.iterdir() if p.is_socket()]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(folder / target.name))
    listener.listen(64)

    def connect() -> socket.socket:
        connection = socket.socket(socket.AF_UNIX)
        connection.connect(str(target))
        return connection

    with tap(plug, "postgres", listener, connect):
        yield folder


@contextmanager
def tapped_http(plug: Plug, port: int) -> Iterator[int]:
    """A local HTTP server with a tap in front; yields the port to connect to."""
    listener = socket.create_server(("127.0.0.1", 0))
    with tap(plug, "rail", listener, lambda: socket.create_connection(("127.0.0.1", port))):
        yield listener.getsockname()[1]
