"""How the tests come in: sign-ins like those that the Hub vouches for."""

import time
import uuid
from typing import Any

from server.access.identity import User
from server.access.keys import new_key
from server.access.oidc import proof
from server.access.sessions import Session, Sessions
from server.access.store import MemoryStore
from server.settings import ServerSettings

KEY, API_KEYS = new_key("robot")
SETTINGS: dict[str, Any] = {
    "public_url": "http://localhost",
    "OAUTH_CLIENT_ID": "the-app",
    "OAUTH_CLIENT_SECRET": "of-the-app",
    "session_secret": "only-for-tests-0123456789-abcdefghij",
    "api_keys": API_KEYS,
}
"""What the app needs to start, beside its defaults."""
ISSUER, CLIENT_ID, CLIENT_SECRET = "OPENID_PROVIDER_URL", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"
"""How the settings that come from the Hub are called."""
ORGS = [{"sub": "1", "name": "The Staff", "preferred_username": "staff"}, {"sub": "2", "preferred_username": "admins"}]
OTHER_PROVIDER = {"OAUTH_CLIENT_ID": "another-app"}
"""With this, a sign-in of before counts no more."""
PUBLIC = {"/login", "/logout", "/auth/callback"}
"""Paths that this mode adds for everybody."""
SIGNS_IN = True
"""Whether a visitor has a session that can be ended."""
CLAIMS: dict[str, dict[str, Any]] = {
    "ada": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True, "orgs": ORGS},
    "bo": {"preferred_username": "bo", "email": "bo@example.com", "email_verified": False},
}
"""What the provider of the tests knows about people."""


def user_of(name: str) -> User:
    """Give somebody as the app knows them after they have signed in."""
    claims = CLAIMS[name]
    email = claims["email"] if claims["email_verified"] else ""
    groups = tuple(org["preferred_username"] for org in claims.get("orgs", ()))
    return User(name, claims.get("name", name), email, groups, "huggingface")


def headers(user: str = "ada", **changes: Any) -> dict[str, str]:  # noqa: ANN401
    """Give what the browser of a signed-in user sends, to an app with other settings if there are any."""
    return cookie(Session(uuid.uuid4().hex, user_of(user), time.time() + 3600, proof(settings(**changes))))


def settings(**changes: Any) -> ServerSettings:  # noqa: ANN401
    """Give the settings of the app, or of another one."""
    return ServerSettings(_env_file=None, **(SETTINGS | changes))


def cookie(session: Session, **changes: Any) -> dict[str, str]:  # noqa: ANN401
    """Give the cookie of a session, as an app with other settings would make it."""
    signer = Sessions(settings(**changes), MemoryStore())
    name, value = signer.settings.session_cookie, signer.seal(session)
    return {"Cookie": f"{name}={value}; __Host-{name}={value}"}  # the second counts over https


def wrong() -> dict[str, dict[str, str]]:
    """Give what must not let anybody in, by name."""
    ada, rules, later = user_of("ada"), proof(settings()), time.time() + 3600
    good = headers()["Cookie"].partition(";")[0]
    return {
        "no session": {"Cookie": f"{settings().session_cookie}=made-up"},
        "forged": {"Cookie": good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]},
        "signed by another app": cookie(Session("a", ada, later, rules), session_secret=KEY),
        "ended": cookie(Session("a", ada, time.time() - 1, rules)),
        "other groups": cookie(Session("a", ada, later, proof(settings(allowed_groups=["others"])))),
        "other provider": cookie(Session("a", ada, later, proof(settings(**OTHER_PROVIDER)))),
        "other mode": cookie(Session("a", ada, later)),
    }


ADDED: set[str] = set()
"""Paths that features add for whoever is let in."""
