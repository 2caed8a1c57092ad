"""How the tests come in: with assertions like those of a proxy, signed with a key that is made for the tests."""

import base64
import json
import tempfile
import time
from pathlib import Path
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry

from server.access.keys import new_key

SIGNS_IN = False
"""Whether the app itself keeps sign-ins, which can be over."""
PROXY_KEY = ECKey.generate_key("P-256", {"kid": "proxy", "use": "sig"})
FOLDER = tempfile.TemporaryDirectory(prefix="proxy-keys-")
JWKS = Path(FOLDER.name) / "keys.json"
JWKS.write_text(json.dumps({"keys": [PROXY_KEY.as_dict()]}), encoding="utf-8")
KEY, API_KEYS = new_key("robot")
SETTINGS: dict[str, Any] = {
    "proxy_jwt_header": "X-Assertion",
    "proxy_jwt_keys": str(JWKS),
    "proxy_jwt_issuer": "https://proxy.example",
    "proxy_jwt_audience": "this-app",
    "api_keys": API_KEYS,
}
"""What the app needs to start, beside its defaults."""
PUBLIC = {"/logout"}
"""Paths that this mode adds for everybody."""
CLAIMS = {"iss": "https://proxy.example", "aud": "this-app", "sub": "ada", "email": "ada@example.com"}


def headers(user: str = "ada") -> dict[str, str]:
    """Give what the proxy sends for a signed-in user."""
    return {"X-Assertion": assertion(sub=user, email=f"{user}@example.com", name=user.title())}


def assertion(key: Any = PROXY_KEY, head: dict[str, Any] | None = None, **changes: Any) -> str:  # noqa: ANN401
    """Sign an assertion, as a proxy with other settings would do it. A claim that is None is left out."""
    claims = CLAIMS | {"exp": int(time.time()) + 3600} | changes
    claims = {name: value for name, value in claims.items() if value is not None}
    head = {"alg": "ES256", "kid": "proxy"} | (head or {})
    return jwt.encode(head, claims, key, registry=JWSRegistry(algorithms=[head["alg"]], strict_check_header=False))


def unsigned(algorithm: str = "none") -> str:
    """Make an assertion that nobody has signed."""
    parts = ({"alg": algorithm, "kid": "proxy"}, CLAIMS | {"exp": int(time.time()) + 3600})
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts) + "."


def wrong() -> dict[str, dict[str, str]]:
    """Give what must not let anybody in, by name."""
    good = assertion()
    assertions = {
        "garbage": "made-up",
        "empty": "",
        "unsigned": unsigned(),
        "unsigned with the right algorithm": unsigned("ES256"),
        "forged": good[:-10] + ("A" if good[-10] != "A" else "B") + good[-9:],
        "signed by another": assertion(ECKey.generate_key("P-256")),
        "ended": assertion(exp=int(time.time()) - 60),
        "another issuer": assertion(iss="https://evil.example"),
        "another audience": assertion(aud="another-app"),
    }
    return {name: {"X-Assertion": value} for name, value in assertions.items()}
