"""A small HTTP/1.1 client for loopback.

It takes a quarter of the processor time of a general one. Here that matters: client and server share the same cores,
and a client that is busy itself makes every server look alike.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Self
from urllib.parse import urlsplit


class Connection:
    """One connection that is kept open, for one request after the other."""

    def __init__(self, url: str, cookie: str = "") -> None:
        """Talk to the server at this URL, as whoever the cookie belongs to."""
        address = urlsplit(url)
        self.host, self.port = address.hostname or "127.0.0.1", address.port or 80
        self.head = f"Host: {address.netloc}\r\nAccept: */*\r\n" + (f"Cookie: {cookie}\r\n" if cookie else "")

    async def __aenter__(self) -> Self:
        """Connect."""
        self.reader, self.writer = await asyncio.open_connection(self.host, self.port, limit=2**20)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Hang up."""
        self.writer.close()

    async def get(self, path: str) -> AsyncIterator[bytes]:
        """Ask for a path and give the body as it comes.

        Raises:
            ValueError: if the answer is not 200.

        """
        self.writer.write(f"GET {path} HTTP/1.1\r\n{self.head}\r\n".encode())
        async for part in self._answer():
            yield part

    async def post(self, path: str, value: object) -> bytes:
        """Send JSON, or text as a form, and give the whole body.

        Raises:
            ValueError: if the answer is not 200.

        """
        body = (value if isinstance(value, str) else json.dumps(value)).encode()
        kind = "application/x-www-form-urlencoded" if isinstance(value, str) else "application/json"
        return await self._post(path, kind, body)

    async def upload(self, path: str, content: bytes) -> bytes:
        """Send a file in a form, as the page does, and give the whole body.

        Raises:
            ValueError: if the answer is not 200.

        """
        frame = b'--frame\r\nContent-Disposition: form-data; name="files"; filename="some.bin"\r\n\r\n'
        return await self._post(path, "multipart/form-data; boundary=frame", frame + content + b"\r\n--frame--\r\n")

    async def _post(self, path: str, kind: str, body: bytes) -> bytes:
        sizes = f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self.writer.write(f"POST {path} HTTP/1.1\r\n{self.head}{sizes}\r\n".encode() + body)
        return b"".join([part async for part in self._answer()])

    async def _answer(self) -> AsyncIterator[bytes]:
        head = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        if b"transfer-encoding: chunked" in head:
            parts = self._chunks()
        else:
            parts = self._whole(int(head.partition(b"content-length:")[2].split(b"\r\n")[0]))
        if head.split()[1] != b"200":
            raise ValueError(b"".join([head, *[part async for part in parts]]).decode())
        async for part in parts:
            yield part

    async def _chunks(self) -> AsyncIterator[bytes]:
        while size := int(await self.reader.readline(), 16):
            yield (await self.reader.readexactly(size + 2))[:-2]
        await self.reader.readline()

    async def _whole(self, size: int) -> AsyncIterator[bytes]:
        yield await self.reader.readexactly(size)
