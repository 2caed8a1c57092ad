"""Auth mode `huggingface`: an OpenID Connect provider tells who somebody is, the settings tell who may come in."""

import hashlib
import json
import logging
import time
import uuid
from html import escape
from urllib.parse import quote, urlsplit

import gradio as gr
from fastapi import FastAPI
from pydantic import SecretStr
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from server.access.flows import SIGN_IN_SECONDS, Flows
from server.access.identity import User
from server.access.leaving import leaving_page
from server.access.members import FOR_STRANGERS, Members
from server.access.pages import SIGN_OUT_PATH, add_account_bar, alert, next_path, page
from server.access.provider import Facts, Provider, RefusedError, email_of, groups_of, text_of
from server.access.sessions import Sessions
from server.access.store import Store, build_store
from server.refusals import report_refusal
from server.settings import ServerSettings, is_loopback

log = logging.getLogger("app.oidc")

LOGIN_PATH, CALLBACK_PATH = "/login", "/auth/callback"
LONGEST_PATH, MOST_GROUPS = 200, 200
"""What fits into cookies."""


def variable(name: str) -> str:
    """Name the environment variable of a setting."""
    return str(ServerSettings.model_fields[name].validation_alias or f"APP_{name.upper()}")


def required(name: str, value: str | SecretStr) -> str:
    """Give a setting that must not be empty.

    Raises:
        SystemExit: one line that says where to get it.

    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not text:
        what = ServerSettings.model_fields[name].description
        raise SystemExit(f"{variable(name)}: missing. {what}. See .env.example.")
    return text


def required_url(name: str, value: str) -> str:
    """Give an address that nobody on the way can read along or change, without a slash at its end.

    Raises:
        SystemExit: one line that says what to change.

    """
    parts = urlsplit(required(name, value))
    if parts.scheme not in {"https", "http"} or not parts.hostname:
        raise SystemExit(f"{variable(name)}: {value!r} is no address. Write https://...")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise SystemExit(f"{variable(name)}: write https://... for {parts.hostname}; only this machine may do without.")
    return value.rstrip("/")


class OpenId(Members):
    """Whom the provider knows and the rules let in."""

    public = FOR_STRANGERS | {f"GET {LOGIN_PATH}", f"GET {CALLBACK_PATH}", f"POST {SIGN_OUT_PATH}"}
    login_path = LOGIN_PATH

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Read settings; see `required` and `Sessions` for what may be wrong with them."""
        super().__init__(settings, store)
        client_id = required("oidc_client_id", settings.oidc_client_id)
        client_secret = required("oidc_client_secret", settings.oidc_client_secret)
        issuer = required_url("oidc_issuer", settings.oidc_issuer)
        # Not taken from requests: whoever chooses the host would choose where the code goes.
        self.public_url = required_url("public_url", settings.public_url)
        self.sessions = Sessions(settings, store)
        self.flows = Flows(self.sessions, settings.session_secret.get_secret_value())
        redirect_uri = self.public_url + CALLBACK_PATH
        self.provider = Provider(issuer, client_id, client_secret, settings.oidc_scopes, redirect_uri)
        self.domains = {domain.lower().removeprefix("@") for domain in settings.allowed_domains}
        self.groups = set(settings.allowed_groups)
        self.proof = proof(settings)

    def add_routes(self, app: FastAPI) -> None:
        """Add the way to the provider and back."""
        app.add_api_route(LOGIN_PATH, self.show_login, methods=["GET"], response_model=None)
        app.add_api_route(CALLBACK_PATH, self.sign_in, methods=["GET"], response_model=None)
        app.add_api_route(SIGN_OUT_PATH, self.sign_out, methods=["POST"], response_model=None)

    def add_to_page(self, demo: gr.Blocks) -> None:
        """Show on the page who is signed in."""
        add_account_bar(demo, self.settings)

    async def visitor(self, connection: HTTPConnection) -> User | None:
        """Tell who uses the browser. A change of the rules ends all sign-ins."""
        session = await self.sessions.read(connection)
        return session.user if session is not None and session.proof == self.proof else None

    async def show_login(self, request: Request) -> Response:
        """Send whom the gate has sent here on to the provider; whoever comes by themselves gets a button."""
        query = request.query_params
        asked = query.get("next", "/")
        wanted = next_path(self.settings, asked if len(asked) <= LONGEST_PATH else "/")
        if await self.visitor(request) is not None:
            return RedirectResponse(wanted, 303)
        if "next" not in query or self.in_frame(request):
            return self.button_page(request, "Sign in", wanted=wanted.removeprefix(self.base))
        try:
            begun = await self.provider.begin(**({"prompt": "login"} if query.get("prompt") == "login" else {}))
        except RefusedError as refusal:
            return self.refuse(request, refusal)
        response = RedirectResponse(begun.pop("url"), 303)
        begun |= {"next": wanted, "ends": time.time() + SIGN_IN_SECONDS}
        self.flows.write(request, response, self.flows.read(request) | {begun["state"]: begun})
        return response

    async def sign_in(self, request: Request) -> Response:
        """Take what the provider says, once, for the browser that was sent to it."""
        flows = self.flows.read(request)
        begun = flows.pop(request.query_params.get("state", ""), {})
        try:
            user = await self.user_behind(request, begun)
            response = RedirectResponse(begun["next"], 303)
            await self.sessions.open(request, response, user, self.proof)
        except RefusedError as refusal:
            response = self.refuse(request, refusal)
        self.flows.write(request, response, flows)
        return response

    async def user_behind(self, request: Request, begun: Facts) -> User:
        """Tell who has come back from the provider.

        Raises:
            RefusedError: if that is nobody, or somebody who may not come in.

        """
        query = request.query_params
        if not begun:
            text = "This sign-in took too long, was used before, or was begun in another browser."
            raise RefusedError(text, 400, "unknown state")
        if "error" in query:
            reason = f"{query['error']}: {query.get('error_description')}"
            raise RefusedError("The sign-in was not completed.", 403, reason)
        facts = await self.provider.facts(query.get("code", ""), begun)
        sub, email = facts["sub"], email_of(facts)
        groups = groups_of(facts, self.settings.oidc_groups_claim)
        if self.domains and email.rpartition("@")[2].lower() not in self.domains:
            raise RefusedError("Your e-mail address gives no access to this app.", 403, f"{sub} has {email!r}")
        if self.groups and self.groups.isdisjoint(groups):
            raise RefusedError("Your groups give no access to this app.", 403, f"{sub} is in {groups}")
        # What does not fit into the cookie is cut off at the end.
        groups = sorted(groups, key=lambda group: group not in self.groups)[:MOST_GROUPS]
        name = text_of(facts, "name") or text_of(facts, "preferred_username") or email or sub
        return User(sub, name, email, tuple(groups), "huggingface")

    async def sign_out(self, request: Request) -> Response:
        """End the session here, and lead on to where it ends at the provider."""
        await self.sessions.end(request)
        try:
            url = await self.provider.farewell(self.public_url + LOGIN_PATH)
        except RefusedError as refusal:
            log.warning("signed out here only: %r", refusal.reason)
            url = ""
        leaves = url and not self.in_frame(request)
        response = leaving_page(self.settings, url) if leaves else self.button_page(request, "Signed out")
        self.sessions.forget_cookie(request, response)
        return response

    def refuse(self, request: Request, refusal: RefusedError) -> HTMLResponse:
        """Tell the visitor what helps, and the log the reason."""
        error_id = uuid.uuid4().hex[:8]
        report_refusal(request.scope, "sign-in", f"{refusal.text} (id {error_id}): {refusal.reason!r}")
        problem = f"{refusal.text} (id {error_id})"
        response = self.button_page(request, "Sign in", problem, again=refusal.status == 403)  # noqa: PLR2004
        response.status_code = refusal.status
        return response

    def button_page(
        self, request: Request, title: str, problem: str = "", *, wanted: str = "/", again: bool = False
    ) -> HTMLResponse:
        """Offer to sign in; `again` asks the provider for another account. Providers refuse to be shown in a frame."""
        target, note = (' target="_blank"', ", in a new tab") if self.in_frame(request) else ("", "")
        link = f"{self.base}{LOGIN_PATH}?next={quote(wanted)}{'&prompt=login' if again else ''}"
        button = f'<p><a class="button" href="{escape(link)}"{target}>Sign in{note}</a></p>'
        return page(self.settings, title, alert(problem) + button)

    def in_frame(self, request: Request) -> bool:
        """Tell whether a page will be in a frame; of a browser that does not say so, whether it may be."""
        possible = "iframe" if self.settings.frame_ancestors else "document"
        return request.headers.get("sec-fetch-dest", possible) != "document"

    async def close(self) -> None:
        """Let go of connections."""
        await self.store.close()


def proof(settings: ServerSettings) -> str:
    """Give a mark of the rules under which a session was opened."""
    provider = [settings.oidc_issuer, settings.oidc_client_id, settings.oidc_groups_claim]
    rules = json.dumps([provider, settings.allowed_domains, settings.allowed_groups])
    return hashlib.sha256(rules.encode()).hexdigest()[:16]


def build_access(settings: ServerSettings) -> OpenId:
    """Build mode `huggingface`."""
    return OpenId(settings, build_store(settings))
