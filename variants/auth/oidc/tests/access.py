"""How the tests come in: sign-ins like those that the provider vouches for."""

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
    "oidc_issuer": "https://id.example.com",
    "oidc_client_id": "the-app",
    "oidc_client_secret": "of-the-app",
    "session_secret": "only-for-tests-0123456789-abcdefghij",
    "api_keys": API_KEYS,
}
"""What the app needs to start, beside its defaults."""
ISSUER, CLIENT_ID, CLIENT_SECRET = "oidc_issuer", "oidc_client_id", "oidc_client_secret"
"""How the settings that come from the provider are called."""
OTHER_PROVIDER = {"oidc_issuer": "https://other.example"}
"""With this, a sign-in of before counts no more."""
PUBLIC = {"/login", "/logout", "/auth/callback"}
"""Paths that this mode adds for everybody."""
SIGNS_IN = True
"""Whether a visitor has a session that can be ended."""
CLAIMS: dict[str, dict[str, Any]] = {
    "ada": {"name": "Ada Lovelace", "email": "ada@example.com", "email_verified": True, "groups": ["staff", "admins"]},
    "bo": {"preferred_username": "bo", "email": "bo@example.com", "email_verified": False},
}
"""What the provider of the tests knows about people."""


def user_of(name: str) -> User:
    """Give somebody as the app knows them after they have signed in."""
    claims = CLAIMS[name]
    email = claims["email"] if claims["email_verified"] else ""
    return User(name, claims.get("name", name), email, tuple(claims.get("groups", ())), "oidc")


{% include root ~ 'variants/auth/shared/tests/access.txt' -%}
