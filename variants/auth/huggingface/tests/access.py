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


{% include root ~ 'variants/auth/shared/tests/access.txt' -%}
