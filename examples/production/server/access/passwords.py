"""Auth mode `password`: accounts of this app alone, a login page, and little to gain for those who guess.

`python -m server.access.passwords NAME` asks for a password and prints the settings that let NAME in.
"""

import getpass
import hashlib
import json
import re
import secrets
import sys
import tomllib
from dataclasses import dataclass
from html import escape
from typing import Any

import anyio.to_thread
import gradio as gr
from anyio import CapacityLimiter
from fastapi import FastAPI
from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from server.access.identity import StoreDownError, User, wants_page
from server.access.members import FOR_STRANGERS, Members
from server.access.pages import SIGN_OUT_PATH, add_account_bar, alert, base, next_path, page
from server.access.sessions import Sessions
from server.access.store import Store, build_store
from server.access.tries import Throttle
from server.counting import network_of
from server.refusals import report_refusal
from server.settings import ServerSettings

LONGEST_PASSWORD = 1024
LONGEST_NAME = 200
TOO_MANY = 429
MOST_WAITING = 100
"""Sign-ins that may wait for the one slot in which passwords are checked."""
# What OWASP recommends for Argon2id on machines that do other work too: 19 MiB, two passes, one lane.
# https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
HASHER = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19456, parallelism=1),))


class Account(BaseModel):
    """Somebody who may sign in."""

    hash: str
    name: str = ""
    email: str = ""
    groups: tuple[str, ...] = ()


def read_accounts(settings: ServerSettings) -> dict[str, Account]:
    """Read the accounts from `APP_ACCOUNTS` and `APP_ACCOUNTS_FILE` (TOML, a table for each name).

    Raises:
        SystemExit: one line that says what is wrong and how to make a good value.

    """
    help_ = "Make an account: uv run python -m server.access.passwords ada"
    found: dict[str, Any] = dict(settings.accounts)
    if settings.accounts_file is not None:
        try:
            found |= tomllib.loads(settings.accounts_file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SystemExit(f"APP_ACCOUNTS_FILE: {settings.accounts_file} cannot be read ({error}).") from None
    if not found:
        raise SystemExit(f"APP_ACCOUNTS: nobody can sign in yet. {help_}")
    accounts = {name: {"hash": value} if isinstance(value, str) else value for name, value in found.items()}
    try:
        known = TypeAdapter(dict[str, Account]).validate_python(accounts)
    except ValidationError as error:
        raise SystemExit(f"APP_ACCOUNTS: {error.errors()[0]['loc'][0]!r} has no usable entry. {help_}") from None
    for name, account in known.items():
        if not HASHER.hashers[0].identify(account.hash):
            raise SystemExit(f"APP_ACCOUNTS: the password of {name!r} is not hashed with Argon2. {help_}")
    return known


@dataclass(frozen=True)
class Problem:
    """Why a sign-in is refused."""

    text: str
    status: int
    wait: int = 0
    """Seconds."""

    @property
    def headers(self) -> dict[str, str]:
        """Tell programs when to come back."""
        return {"retry-after": str(self.wait)} if self.wait else {}


class Passwords(Members):
    """Who may sign in with a password."""

    public = FOR_STRANGERS | {"GET /login", "POST /login", f"POST {SIGN_OUT_PATH}"}
    login_path = "/login"

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Read accounts and secrets; see `read_accounts` and `Sessions` for what may be wrong with them."""
        super().__init__(settings, store)
        self.sessions = Sessions(settings, store)
        self.accounts = read_accounts(settings)
        # Asked for with every request, so worked out once.
        self.known = {name: (user_of(name, account), proof(account)) for name, account in self.accounts.items()}
        self.throttle = Throttle(settings)
        # Hashing takes a core and 19 MiB for some 30 ms: one at a time, and never on the event loop.
        self.slot = CapacityLimiter(1)
        self.hash_of_nobody = HASHER.hash(secrets.token_urlsafe())

    def add_routes(self, app: FastAPI) -> None:
        """Add the login page."""
        app.add_api_route("/login", self.show_login, methods=["GET"], response_model=None)
        app.add_api_route("/login", self.sign_in, methods=["POST"], response_model=None)
        app.add_api_route(SIGN_OUT_PATH, self.sign_out, methods=["POST"], response_model=None)

    def add_to_page(self, demo: gr.Blocks) -> None:
        """Show on the page who is signed in."""
        add_account_bar(demo, self.settings)

    async def visitor(self, connection: HTTPConnection) -> User | None:
        """Tell who uses the browser. An account that is gone or has a new password ends its sign-ins."""
        session = await self.sessions.read(connection)
        if session is None:
            return None
        user, mark = self.known.get(session.user.id, (None, ""))
        return user if session.proof == mark else None

    async def show_login(self, request: Request) -> Response:
        """Ask for name and password, unless the visitor is known already."""
        wanted = request.query_params.get("next", "/")
        if await self.visitor(request) is not None:
            return RedirectResponse(next_path(self.settings, wanted), 303)
        return login_form(self.settings, wanted)

    async def sign_in(self, request: Request) -> Response:
        """Check name and password. A browser goes on to the page, a program gets JSON and the cookie."""
        form = await request.form()
        name, password, wanted = (str(form.get(field, "")) for field in ("username", "password", "next"))
        name = name.strip()[:LONGEST_NAME]
        address = network_of(request)
        if problem := await self.problem_with(address, name, password):
            report_refusal(request.scope, "throttle" if problem.status == TOO_MANY else "sign-in", problem.text, name)
            if not wants_page(request):
                return JSONResponse({"detail": problem.text}, problem.status, problem.headers)
            answer = login_form(self.settings, wanted, name, problem.text, problem.status)
            answer.headers.update(problem.headers)
            return answer
        await self.throttle.forget(address, name)
        response = JSONResponse({"success": True})
        if wants_page(request):
            response = RedirectResponse(next_path(self.settings, wanted), 303)
        await self.sessions.open(request, response, *self.known[name])
        return response

    async def problem_with(self, address: str, name: str, password: str) -> Problem | None:
        """Give the reason why a sign-in is refused."""
        try:
            wait = await self.throttle.try_once(address, name)
        except StoreDownError:
            return Problem("Nobody can sign in just now. Try again in a moment.", 503, 5)
        if wait:
            return Problem(f"Too many tries. Wait {wait} seconds, then try again.", TOO_MANY, wait)
        if self.slot.statistics().tasks_waiting >= MOST_WAITING:
            return Problem("Too many people sign in at the moment. Try again in a few seconds.", 503, 5)
        if not await self.verify(name, password):
            return Problem("Name or password is wrong.", 401)
        return None

    async def verify(self, name: str, password: str) -> bool:
        """Compare with the account. Takes as long for a name that nobody has."""
        known = self.accounts[name].hash if name in self.accounts else self.hash_of_nobody
        usable = 0 < len(password) <= LONGEST_PASSWORD
        right = await anyio.to_thread.run_sync(HASHER.verify, password if usable else "", known, limiter=self.slot)
        return right and usable and name in self.accounts

    async def sign_out(self, request: Request) -> Response:
        """End the session, here and on the server."""
        await self.sessions.end(request)
        response = RedirectResponse(f"{self.base}/login", 303)
        self.sessions.forget_cookie(request, response)
        return response

    async def close(self) -> None:
        """Let go of connections."""
        await self.store.close()


def login_form(
    settings: ServerSettings, wanted: str, name: str = "", problem: str = "", status: int = 200
) -> HTMLResponse:
    """Ask for name and password. `wanted` is where to go on afterwards."""
    body = f"""{alert(problem)}
<form method="post" action="{escape(base(settings))}/login">
<input type="hidden" name="next" value="{escape(wanted)}">
<label for="username">Name</label>
<input id="username" name="username" value="{escape(name)}" autocomplete="username" autocapitalize="none" required>
<label for="password">Password</label>
<input id="password" name="password" type="password" autocomplete="current-password" required>
<button>Sign in</button>
</form>"""
    return page(settings, "Sign in", body, status)


def user_of(name: str, account: Account) -> User:
    """Give the identity behind an account."""
    return User(name, account.name or name, account.email, account.groups, "password")


def proof(account: Account) -> str:
    """Give a mark of the password that a session was opened with; it tells nothing about the password."""
    return hashlib.sha256(account.hash.encode()).hexdigest()[:16]


def build_access(settings: ServerSettings) -> Passwords:
    """Build mode `password`."""
    return Passwords(settings, build_store(settings))


def main(arguments: list[str]) -> None:
    """Make an account: the password is asked for and stored nowhere."""
    if len(arguments) != 1 or not re.fullmatch(r"[^\W_][\w.@+-]*", arguments[0]):
        raise SystemExit("Give one name: uv run python -m server.access.passwords ada")
    password = getpass.getpass("Password: ") if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")
    if not 8 <= len(password) <= LONGEST_PASSWORD:  # noqa: PLR2004
        raise SystemExit("Choose a password of at least 8 characters.")
    accounts = json.dumps({arguments[0]: HASHER.hash(password)}, ensure_ascii=False)
    sys.stdout.write(f"APP_ACCOUNTS='{accounts}'\nAPP_SESSION_SECRET={secrets.token_urlsafe(32)}\n")
    sys.stderr.write("Put these lines into .env; keep the secret that is there already.\n")


if __name__ == "__main__":  # pragma: no cover (the tests call `main`)
    main(sys.argv[1:])
