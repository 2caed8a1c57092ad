"""Auth mode `proxy`: a proxy in front signs people in and says with each request who they are.

It is believed for one of two reasons: it connects from a trusted address and knows a secret, or it signs what it says.
"""

import hmac
from html import escape
from ipaddress import ip_address, ip_network
from typing import cast

import gradio as gr
from fastapi import FastAPI
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jws import JWSRegistry, extract_compact
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response

from server.access.identity import User, wants_page
from server.access.jwks import Keys
from server.access.leaving import leaving_page
from server.access.members import FOR_STRANGERS, Members
from server.access.pages import SIGN_OUT_PATH, add_account_bar, alert, next_path, page
from server.access.secret import check_secret
from server.access.store import Store, build_store
from server.refusals import report_refusal
from server.settings import ServerSettings

CLOCKS_DIFFER = 30
"""Seconds by which the clock of the proxy may be wrong."""
NEEDED = {
    "keys": "Set it to the address of the public keys of your proxy, such as https://TEAM.example.com/certs.",
    "issuer": "Set it to what the proxy writes into `iss`, such as https://TEAM.example.com.",
    "audience": "Set it to what the proxy writes into `aud` for this app alone; others may be signed in elsewhere.",
}


class RefusedError(Exception):
    """What a request says about its sender does not count, for a reason that belongs into the log."""


class ByHeaders:
    """Believes headers from a trusted address that come with the secret."""

    def __init__(self, settings: ServerSettings) -> None:
        """Read who is trusted.

        Raises:
            SystemExit: one line that says what is wrong and how to make a good value.

        """
        self.settings = settings
        self.secret = check_secret(settings.proxy_secret.get_secret_value(), "APP_PROXY_SECRET").encode()
        if not settings.trusted_proxies:
            raise SystemExit('APP_TRUSTED_PROXIES: missing. Name the address of the proxy, such as ["10.0.0.7"].')
        try:
            self.networks = [ip_network(name) for name in settings.trusted_proxies]
        except ValueError as error:
            raise SystemExit(f"APP_TRUSTED_PROXIES: {error}. Write addresses or networks, not names.") from None

    async def user(self, connection: HTTPConnection) -> User:
        """Give whom the proxy names.

        Raises:
            RefusedError: if nobody is named, or not by the proxy.

        """
        settings, peer = self.settings, str(connection.scope["state"]["peer"])
        if not self.trusts(peer):
            raise RefusedError(f"{peer} is not in APP_TRUSTED_PROXIES")
        if not hmac.compare_digest(header(connection, settings.proxy_secret_header).encode(), self.secret):
            raise RefusedError(f"{peer} does not send the secret in {settings.proxy_secret_header}")
        name = settings.proxy_secret_header.lower().encode()  # Handlers have no use for the secret.
        connection.scope["headers"] = [pair for pair in connection.scope["headers"] if pair[0] != name]
        user = header(connection, settings.proxy_user_header)
        if not user:
            raise RefusedError(f"{peer} does not send {settings.proxy_user_header}")
        return User(
            user,
            header(connection, settings.proxy_name_header) or user,
            header(connection, settings.proxy_email_header),
            names(header(connection, settings.proxy_groups_header)),
            "proxy",
        )

    def trusts(self, peer: str) -> bool:
        """Tell whether this is the proxy: who is connected, not whom a header names."""
        try:
            return any(ip_address(peer) in network for network in self.networks)
        except ValueError:
            return False

    async def close(self) -> None:
        """Hold nothing."""


class ByAssertion:
    """Believes an assertion that the proxy has signed for this app, from wherever it comes."""

    def __init__(self, settings: ServerSettings) -> None:
        """Read what an assertion has to say.

        Raises:
            SystemExit: one line that says what is missing.

        """
        self.settings = settings
        for name, how in NEEDED.items():
            if not getattr(settings, f"proxy_jwt_{name}"):
                raise SystemExit(f"APP_PROXY_JWT_{name.upper()}: missing. {how}")
        self.registry = JWSRegistry(algorithms=[settings.proxy_jwt_algorithm], strict_check_header=False)
        self.claims = jwt.JWTClaimsRegistry(
            leeway=CLOCKS_DIFFER,
            iss={"essential": True, "value": settings.proxy_jwt_issuer},
            aud={"essential": True, "value": settings.proxy_jwt_audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self.keys = Keys(settings.proxy_jwt_keys, settings.proxy_jwt_algorithm)

    async def user(self, connection: HTTPConnection) -> User:
        """Give whom the assertion names.

        Raises:
            RefusedError: if there is none, or one that does not count.
            StoreDownError: if nobody can tell.

        """
        settings = self.settings
        assertion = header(connection, settings.proxy_jwt_header)
        try:
            head = extract_compact(assertion.encode(), registry=self.registry).headers()
            if head.get("alg") != settings.proxy_jwt_algorithm:
                raise RefusedError(f"an assertion is signed with {head.get('alg')!r}. See APP_PROXY_JWT_ALGORITHM")
            key = await self.keys.find(head.get("kid"))
            if key is None:
                raise RefusedError(f"an assertion is signed with the unknown key {head.get('kid')!r}")
            claims = jwt.decode(assertion, key, registry=self.registry).claims
            self.claims.validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise RefusedError(f"{settings.proxy_jwt_header}: {error}") from error
        email, name = (str(claims.get(claim) or "") for claim in ("email", settings.proxy_jwt_name_claim))
        groups = names(claims.get(settings.proxy_jwt_groups_claim))
        return User(claims["sub"], name or email or claims["sub"], email, groups, "proxy")

    async def close(self) -> None:
        """Let go of connections."""
        await self.keys.close()


class Proxy(Members):
    """Whom the proxy lets in."""

    public = FOR_STRANGERS | {f"POST {SIGN_OUT_PATH}"}

    def __init__(self, settings: ServerSettings, store: Store) -> None:
        """Choose the way of signing in that is set up.

        Raises:
            SystemExit: one line that says what is wrong and how to make a good value.

        """
        super().__init__(settings, store)
        way_out = settings.proxy_sign_out_url
        if way_out and not way_out.startswith(("https://", "http://", "/")):
            raise SystemExit("APP_PROXY_SIGN_OUT_URL: write an address, or a path such as /oauth2/sign_out.")
        if settings.proxy_jwt_header and settings.proxy_secret.get_secret_value():
            raise SystemExit("APP_PROXY_SECRET: an assertion needs none. Remove it, or APP_PROXY_JWT_HEADER.")
        self.way = ByAssertion(settings) if settings.proxy_jwt_header else ByHeaders(settings)

    def add_routes(self, app: FastAPI) -> None:
        """Add the page for leaving."""
        app.add_api_route(SIGN_OUT_PATH, self.sign_out, methods=["POST"], response_model=None)

    def add_to_page(self, demo: gr.Blocks) -> None:
        """Show on the page who is signed in."""
        add_account_bar(demo, self.settings)

    async def visitor(self, connection: HTTPConnection) -> User | None:
        """Tell who uses the browser."""
        try:
            return await self.way.user(connection)
        except RefusedError as error:
            report_refusal(connection.scope, "sign-in", str(error))
            return None

    def challenge(self, connection: HTTPConnection, user: User | None) -> Response:
        """Tell somebody who came past the proxy where to go."""
        if user is not None:
            return super().challenge(connection, user)
        how, who = "Open this app through the proxy that signs people in.", {"www-authenticate": "Bearer"}
        if not wants_page(connection):
            return JSONResponse({"detail": f"{how} Programs send a key: Authorization: Bearer ..."}, 401, who)
        answer = page(self.settings, "Not signed in", alert(how), 401)
        answer.headers.update(who)
        return answer

    async def sign_out(self) -> Response:
        """Send the visitor to where the proxy signs people out."""
        if self.settings.proxy_sign_out_url:
            return leaving_page(self.settings, self.settings.proxy_sign_out_url)
        body = f"""<p>A proxy in front of this app keeps you signed in. To leave, close all windows of the browser.</p>
<p><a class="button" href="{escape(next_path(self.settings, "/"))}">Back to the app</a></p>"""
        return page(self.settings, "Still signed in", body)

    async def close(self) -> None:
        """Let go of connections."""
        await self.way.close()
        await self.store.close()


def header(connection: HTTPConnection, name: str) -> str:
    """Give the one value of a header, or nothing.

    Raises:
        RefusedError: if it is there twice: one of the two may be the visitor's.

    """
    values = connection.headers.getlist(name) if name else []
    if len(values) > 1:
        raise RefusedError(f"{name} is there more than once")
    try:
        return "".join(values).encode("latin-1").decode().strip()
    except UnicodeDecodeError:
        raise RefusedError(f"{name} is not UTF-8") from None


def names(groups: object) -> tuple[str, ...]:
    """Give the groups in a list, or in a text with commas in between."""
    found = cast("list[object]", groups) if isinstance(groups, list) else str(groups or "").split(",")
    return tuple(name.strip() for name in found if isinstance(name, str) and name.strip())


def build_access(settings: ServerSettings) -> Proxy:
    """Build mode `proxy`."""
    return Proxy(settings, build_store(settings))
