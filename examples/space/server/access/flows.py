"""Sign-ins under way: what this app has to remember until the provider sends the browser back."""

import time
from typing import Any

from itsdangerous import BadData, URLSafeSerializer
from starlette.requests import HTTPConnection
from starlette.responses import Response

from server.access.sessions import Sessions

SIGN_IN_SECONDS = 600
"""How long somebody may take at the provider."""
MOST_FLOWS = 3
"""Sign-ins that a browser may have under way, as in several tabs; the oldest goes first."""


class Flows:
    """Sign-ins under way, in a signed cookie: only the browser that began one can bring it to its end."""

    def __init__(self, sessions: Sessions, secret: str) -> None:
        """Sign with a key of its own."""
        self.sessions, self.signer = sessions, URLSafeSerializer(secret, salt="flow")

    def read(self, connection: HTTPConnection) -> dict[str, dict[str, Any]]:
        """Give those that a browser has not taken too long for, by their state, the oldest first."""
        try:
            flows: dict[str, dict[str, Any]] = self.signer.loads(connection.cookies.get(self.name(connection), ""))
        except BadData:
            return {}
        return {state: flow for state, flow in flows.items() if flow["ends"] > time.time()}

    def write(self, connection: HTTPConnection, response: Response, flows: dict[str, dict[str, Any]]) -> None:
        """Keep the newest; without any, the cookie goes."""
        kept = dict(list(flows.items())[-MOST_FLOWS:])
        response.set_cookie(
            self.name(connection),
            str(self.signer.dumps(kept)) if kept else "",
            max_age=SIGN_IN_SECONDS if kept else 0,
            secure=connection.url.scheme == "https",
            httponly=True,
            samesite="lax",  # The provider sends the browser back by a link.
        )

    def name(self, connection: HTTPConnection) -> str:
        """Name the cookie."""
        return f"{self.sessions.cookie_name(connection)}-flow"
