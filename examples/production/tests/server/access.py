"""How the tests come in: accounts of their own, and sign-ins like those that the login page opens."""

import time
import uuid
from typing import Any

from server.access.identity import User
from server.access.keys import new_key
from server.access.passwords import HASHER, Account, proof, user_of
from server.access.sessions import Session, Sessions
from server.access.store import MemoryStore
from server.settings import ServerSettings

SIGNS_IN = True
"""Whether the app itself keeps sign-ins, which can be over."""
PASSWORD = "correct horse battery staple"
HASH = HASHER.hash(PASSWORD)
KEY, API_KEYS = new_key("robot")
SETTINGS: dict[str, Any] = {
    "accounts": {
        "ada": {"hash": HASH, "name": "Ada Lovelace", "email": "ada@example.com", "groups": ["admins"]},
        "bo": HASH,
    },
    "session_secret": "only-for-tests-0123456789-abcdefghij",
    "api_keys": API_KEYS,
}
"""What the app needs to start, beside its defaults."""
PUBLIC = {"/login", "/logout"}
"""Paths that this mode adds for everybody."""


def headers(user: str = "ada") -> dict[str, str]:
    """Give what the browser of a signed-in user sends."""
    known = account(user)
    return cookie(Session(uuid.uuid4().hex, user_of(user, known), time.time() + 3600, proof(known)))


def cookie(session: Session, **changes: Any) -> dict[str, str]:  # noqa: ANN401
    """Give the cookie of a session, as an app with other settings would make it."""
    settings = ServerSettings(_env_file=None, **(SETTINGS | changes))
    name, value = settings.session_cookie, Sessions(settings, MemoryStore()).seal(session)
    return {"Cookie": f"{name}={value}; __Host-{name}={value}"}  # the second counts over https


def wrong() -> dict[str, dict[str, str]]:
    """Give what must not let anybody in, by name."""
    ada, known = user_of("ada", account("ada")), proof(account("ada"))
    later, name = time.time() + 3600, ServerSettings(_env_file=None, **SETTINGS).session_cookie
    good = headers()["Cookie"].partition(";")[0]
    return {
        "no session": {"Cookie": f"{name}=made-up"},
        "forged": {"Cookie": good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:]},
        "signed by another app": cookie(Session("a", ada, later, known), session_secret=KEY),
        "ended": cookie(Session("a", ada, time.time() - 1, known)),
        "old password": cookie(Session("a", ada, later, "0" * 16)),
        "no account": cookie(Session("a", User("eve", "Eve"), later, known)),
    }


def account(user: str) -> Account:
    """Give an account as the app reads it."""
    entry = SETTINGS["accounts"][user]
    return Account.model_validate({"hash": entry} if isinstance(entry, str) else entry)


ADDED: set[str] = set()
"""Paths that features add for whoever is let in."""
