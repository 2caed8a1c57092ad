"""Sign-ins: a signed cookie that ends, is new at every sign-in, and is revoked on the server at sign-out."""

import secrets
import time
from dataclasses import asdict, dataclass
from typing import Any

from cachetools import LRUCache
from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.access.identity import User
from server.access.secret import check_secret
from server.access.store import Store
from server.settings import ServerSettings

MAX_COOKIE_BYTES = 3800
"""Browsers drop cookies of more than 4096 bytes, name and attributes included."""
REMEMBERED, LONGEST_REMEMBERED = 2_000, 2 * MAX_COOKIE_BYTES
"""Cookie headers that one process has read before, and how long each may be, in bytes."""


@dataclass(frozen=True)
class Session:
    """One sign-in."""

    id: str
    user: User
    ends: float
    """Seconds since 1970."""
    proof: str = ""
    """What must still hold for the session to count, such as a mark of the password that was used."""


class Sessions:
    """Opens, reads and ends sign-ins."""

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Sign with the secret of the settings; see `check_secret`."""
        self.settings = settings
        self.store = store
        # Checking a signature is most of what the gate costs; the same header comes with every request of a visitor.
        self.seen: LRUCache[tuple[str, bytes], Session] = LRUCache(REMEMBERED)
        self.signer = URLSafeSerializer(check_secret(settings.session_secret.get_secret_value()), salt="session")

    def cookie_name(self, connection: HTTPConnection) -> str:
        """Give the name of the cookie; over https with a prefix that ties it to this host and to https."""
        prefix = "__Host-" if connection.scope["scheme"] == "https" else ""
        return prefix + self.settings.session_cookie

    async def open(self, connection: HTTPConnection, response: Response, user: User, proof: str = "") -> None:
        """Begin a sign-in under a new id, and end the one that the browser had before."""
        await self.end(connection)
        session = Session(secrets.token_urlsafe(24), user, time.time() + self.settings.sign_in_ttl, proof)
        self.set_cookie(connection, response, self.seal(session), self.settings.sign_in_ttl)

    def seal(self, session: Session) -> str:
        """Turn a session into the text of a cookie, without the groups that no longer fit."""
        facts = asdict(session)
        while len(sealed := str(self.signer.dumps(facts))) > MAX_COOKIE_BYTES and facts["user"]["groups"]:
            facts["user"]["groups"] = facts["user"]["groups"][:-1]
        return sealed

    async def read(self, connection: HTTPConnection) -> Session | None:
        """Give the session of a browser, or None if it has none that still counts.

        Raises:
            StoreDownError: if nobody can tell whether it was ended elsewhere.

        """
        session = self.unseal(connection)
        return None if session is None or await self.store.has(f"ended:{session.id}") else session

    def unseal(self, connection: HTTPConnection) -> Session | None:
        """Give what the cookie says, if it is ours and its time is not over."""
        # All of them: a proxy may send one header for each cookie.
        cookies = b"; ".join([value for name, value in connection.scope["headers"] if name == b"cookie"])
        sent = (connection.scope["scheme"], cookies)
        session = self.seen.get(sent)
        if session is None:
            try:
                facts: dict[str, Any] = self.signer.loads(connection.cookies.get(self.cookie_name(connection), ""))
            except BadData:
                return None
            user = User(**facts["user"] | {"groups": tuple(facts["user"]["groups"])})
            session = Session(facts["id"], user, facts["ends"], facts["proof"])
            if len(sent[1]) <= LONGEST_REMEMBERED:
                self.seen[sent] = session
        return session if session.ends > time.time() else None

    async def end(self, connection: HTTPConnection) -> None:
        """End the session of a browser for good: its cookie does not work any more, wherever it was copied to."""
        session = self.unseal(connection)
        if session is not None:
            await self.store.put(f"ended:{session.id}", session.ends - time.time())

    def forget_cookie(self, connection: HTTPConnection, response: Response) -> None:
        """Make the browser forget the cookie."""
        self.set_cookie(connection, response, "", 0)

    def set_cookie(self, connection: HTTPConnection, response: Response, value: str, seconds: int) -> None:
        """Send the cookie."""
        framed = bool(self.settings.frame_ancestors) and connection.url.scheme == "https"
        response.set_cookie(
            self.cookie_name(connection),
            value,
            max_age=seconds,
            path="/",
            secure=connection.url.scheme == "https",
            httponly=True,
            # In a frame of another site a browser sends only cookies that are marked as meant for it.
            samesite="none" if framed else "lax",
        )
