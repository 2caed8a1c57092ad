"""The public keys (JWKS) with which assertions are checked."""

import json
import logging
import math
import time
from pathlib import Path
from typing import cast

import anyio
import httpx
from joserfc.errors import JoseError
from joserfc.jwk import Key, KeySet

from server.access.identity import StoreDownError
from server.settings import is_loopback

log = logging.getLogger("app.jwks")

CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}
FETCH_SECONDS = 5
RETRY_SECONDS, UNKNOWN_SECONDS, FRESH_SECONDS = 5, 60, 3600
"""Time between two fetches: while there are no keys, for a key that is unknown, and in any case."""


class Keys:
    """The public keys of the proxy, from a file or from an address."""

    def __init__(self, source: str, algorithm: str) -> None:
        """Read a file now; an address is asked when the first visitor comes.

        Raises:
            SystemExit: one line that says what is wrong.

        """
        self.source, self.algorithm = source, algorithm
        self.keys: list[Key] = []
        self.tried = -math.inf
        self.lock = anyio.Lock()
        self.client: httpx.AsyncClient | None = None
        if "://" in source:
            if not is_safe(source):
                raise SystemExit(f"APP_PROXY_JWT_KEYS: {source} could be answered by anybody. Use https, or a file.")
            # Made once, because that takes long. Connections would be closed before they are needed again.
            self.client = httpx.AsyncClient(timeout=FETCH_SECONDS, limits=httpx.Limits(max_keepalive_connections=0))
            return
        try:
            self.keys = usable_keys(Path(source).read_bytes(), algorithm)
        except (OSError, ValueError) as error:
            how = "curl -o keys.json https://YOUR-PROXY/.well-known/jwks.json"
            raise SystemExit(f"APP_PROXY_JWT_KEYS: {source} cannot be used ({error}). Get one: {how}") from None

    async def find(self, kid: object) -> Key | None:
        """Give the key of that id, or the only one if there is no id.

        Raises:
            StoreDownError: if the keys cannot be had.

        """
        if self.known(kid) is None:
            async with self.lock:  # Whoever comes while somebody else asks needs that answer too.
                if self.known(kid) is None and self.is_older_than(UNKNOWN_SECONDS if self.keys else RETRY_SECONDS):
                    await self.fetch()
        elif self.is_older_than(FRESH_SECONDS) and not self.lock.locked():
            async with self.lock:
                await self.fetch()
        if not self.keys:
            raise StoreDownError
        return self.known(kid)

    def known(self, kid: object) -> Key | None:
        """Look it up."""
        if kid is None and len(self.keys) == 1:
            return self.keys[0]
        return next((key for key in self.keys if key.kid == kid), None)

    def is_older_than(self, seconds: float) -> bool:
        """Tell whether it is time to ask again. A file is read once."""
        return self.client is not None and time.monotonic() - self.tried > seconds

    async def fetch(self) -> None:
        """Ask for the keys. The old ones stay if there is no good answer."""
        self.tried = time.monotonic()
        try:
            with anyio.fail_after(FETCH_SECONDS):
                answer = await cast("httpx.AsyncClient", self.client).get(self.source)
            self.keys = usable_keys(answer.raise_for_status().content, self.algorithm)
        except (httpx.HTTPError, OSError, ValueError) as error:
            log.warning("no keys from %s: %r", self.source, error)

    async def close(self) -> None:
        """Let go of the client."""
        if self.client is not None:
            await self.client.aclose()


def is_safe(url: str) -> bool:
    """Tell whether what comes from there can be trusted."""
    try:
        found = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return bool(found.host) and (found.scheme == "https" or (found.scheme == "http" and is_loopback(found.host)))


def usable_keys(jwks: bytes, algorithm: str) -> list[Key]:
    """Give the keys of a JWKS that may sign with that algorithm, and leave out secrets and keys for other things.

    Raises:
        ValueError: if there is none.

    """
    try:
        kind, curve = "EC" if algorithm in CURVES else "RSA", CURVES.get(algorithm)
        found = [key for key in json.loads(jwks)["keys"] if (key["kty"], key.get("crv")) == (kind, curve)]
        for_us = [key for key in found if key.get("use", "sig") == "sig" and key.get("alg", algorithm) == algorithm]
        return list(KeySet.import_key_set({"keys": for_us}))
    except (KeyError, TypeError, AttributeError, JoseError) as error:
        raise ValueError(f"no public key for {algorithm}") from error
