"""The OpenID Connect provider: where it is, where it sends people, and what it says about them.

Code flow with PKCE, state and nonce: https://openid.net/specs/openid-connect-core-1_0.html
"""

import logging
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, cast

import anyio
import httpx2
from authlib.integrations.starlette_client import OAuth, OAuthError
from joserfc.errors import JoseError

PROVIDER_SECONDS = 10
"""How long the provider may take to answer."""
LONGEST_TEXT, LONGEST_SUB = 320, 255
ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
"""With these, nobody but the provider can sign; its own list may hold others."""

Facts = dict[str, Any]

logging.getLogger("authlib").setLevel(logging.INFO)  # Below that it logs what must stay secret until the end.


class RefusedError(Exception):
    """Why a sign-in comes to nothing: a text for the visitor, and what only the log may say."""

    def __init__(self, text: str, status: int, reason: object) -> None:
        """Keep both."""
        super().__init__(text)
        self.text, self.status, self.reason = text, status, str(reason)[:LONGEST_TEXT]


@contextmanager
def asking() -> Generator[None]:
    """Turn whatever goes wrong at the provider into a refusal, and do not wait for ever.

    Raises:
        RefusedError: in place of any other error.

    """
    try:
        with anyio.fail_after(PROVIDER_SECONDS):
            yield
    except (OAuthError, JoseError) as error:
        raise RefusedError("The sign-in could not be confirmed.", 400, error) from error
    except Exception as error:  # A server may send anything, and Authlib takes it as it comes.
        raise RefusedError("The sign-in service cannot be reached just now.", 503, repr(error)) from error


class Provider:
    """One client of one provider. It is asked about itself at the first sign-in, so the app starts without it."""

    def __init__(self, issuer: str, client_id: str, client_secret: str, scopes: str, redirect_uri: str) -> None:
        """Ask nobody yet."""
        self.issuer, self.client_id, self.redirect_uri = issuer, client_id, redirect_uri
        self.client: Any = cast("Any", OAuth()).register(
            "provider",
            client_id=client_id,
            client_secret=client_secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": " ".join(dict.fromkeys(["openid", *scopes.split()])),
                "code_challenge_method": "S256",
                "verify": httpx2.create_ssl_context(),  # Not kept, it would hold up everybody for 20 ms each time.
            },
        )

    async def discover(self) -> Facts:
        """Give what the provider says about itself; it is asked once."""
        metadata: Facts = await self.client.load_server_metadata()
        if (said := str(metadata.get("issuer"))).rstrip("/") != self.issuer:
            metadata.clear()  # so that it is asked anew
            raise ValueError(f"at {self.issuer} there is a provider that calls itself {said}")
        offered = metadata.get("id_token_signing_alg_values_supported") or ALGORITHMS[:1]
        metadata["id_token_signing_alg_values_supported"] = [name for name in ALGORITHMS if name in offered]
        if "client_secret_basic" not in metadata.get("token_endpoint_auth_methods_supported", ["client_secret_basic"]):
            metadata["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105
        return metadata

    async def begin(self, **wishes: str) -> Facts:
        """Make the address to send somebody to, and what must be remembered until they come back.

        Raises:
            RefusedError: if the provider cannot be asked.

        """
        with asking():
            await self.discover()
            return await self.client.create_authorization_url(self.redirect_uri, **wishes)

    async def facts(self, code: str, begun: Facts) -> Facts:
        """Exchange a code for what the provider knows about somebody.

        Raises:
            RefusedError: if any of it does not fit together.

        """
        with asking():
            metadata = await self.discover()
            token: Facts = await self.client.fetch_access_token(
                self.redirect_uri, code=code, code_verifier=begun["code_verifier"]
            )
            ours = {"iss": {"value": metadata["issuer"]}, "aud": {"essential": True, "value": self.client_id}}
            try:
                claims: Facts = await self.client.parse_id_token(token, begun["nonce"], claims_options=ours) or {}
            except JoseError:
                metadata.pop("jwks", None)  # The provider may have a new key under the old name.
                raise
            sub = claims.get("sub")
            # Some sign everything, others tell all but the identity on request.
            told: Facts = {"sub": sub}
            if "userinfo_endpoint" in metadata:
                told = await self.client.userinfo(token=token)
            if not isinstance(sub, str) or not 0 < len(sub) <= LONGEST_SUB or told.get("sub") != sub:
                raise OAuthError("invalid_sub")
            return claims | told

    async def farewell(self, back: str) -> str:
        """Give the address at which somebody signs out at the provider, or nothing if it has none.

        Raises:
            RefusedError: if the provider cannot be asked.

        """
        with asking():
            if "end_session_endpoint" not in await self.discover():
                return ""
            leave = await self.client.create_logout_url(post_logout_redirect_uri=back, client_id=self.client_id)
            return leave["url"]


def text_of(facts: Facts, name: str) -> str:
    """Give a fact that is a text of sensible length."""
    value = facts.get(name)
    return value if isinstance(value, str) and len(value) <= LONGEST_TEXT else ""


def email_of(facts: Facts) -> str:
    """Give the e-mail address if it is proven; without that, anybody could claim any."""
    return text_of(facts, "email") if facts.get("email_verified") in (True, "true") else ""


def groups_of(facts: Facts, name: str) -> list[str]:
    """Give the names of somebody's groups: a list of texts or, as the Hub does it, of objects.

    Of an object the unique name counts and never `name`, which anybody may choose; and none that is out of reach
    until its members have signed in as it asks of them.
    """
    value: object = facts.get(name)
    items = cast("list[Any]", value) if isinstance(value, list) else [value]
    objects = [cast("Facts", item) for item in items if isinstance(item, dict)]
    reached = [item for item in objects if not item.get("securityRestrictions")]
    names = [*items, *(item.get("preferred_username") or item.get("sub") for item in reached)]
    return [name for name in names if isinstance(name, str) and name]
