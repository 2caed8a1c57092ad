"""A wire between browser and server that a test can cut."""

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


class Wire:
    """Passes connections on to a port of this machine."""

    def __init__(self, port: int) -> None:
        """Listen on a port of its own."""
        self.far, self.near = port, 0
        self.ends: set[socket.socket] = set()
        self.mend()

    def mend(self) -> None:
        """Listen, on the same port each time."""
        self.listener = socket.create_server(("127.0.0.1", self.near))
        self.near = self.listener.getsockname()[1]
        threading.Thread(target=self.take, args=(self.listener,), daemon=True).start()

    def cut(self) -> None:
        """Break all connections, and refuse new ones."""
        break_off(self.listener)
        while self.ends:
            break_off(self.ends.pop())

    def take(self, listener: socket.socket) -> None:
        """Take connections until the listener is closed."""
        with suppress(OSError):
            while True:
                browser, _ = listener.accept()
                server = socket.create_connection(("127.0.0.1", self.far))
                self.ends |= {browser, server}
                for ends in ((browser, server), (server, browser)):
                    threading.Thread(target=pump, args=ends, daemon=True).start()


def pump(source: socket.socket, target: socket.socket) -> None:
    """Carry bytes one way until either end is gone."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    break_off(source)
    break_off(target)


def break_off(end: socket.socket) -> None:
    """Close at once, also where another thread waits."""
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()


@contextmanager
def wired(url: str) -> Generator[tuple[Wire, str]]:
    """Put a wire in front of a server, and give it with the address in front of it."""
    wire = Wire(int(url.rpartition(":")[2]))
    try:
        yield wire, f"http://127.0.0.1:{wire.near}"
    finally:
        wire.cut()
