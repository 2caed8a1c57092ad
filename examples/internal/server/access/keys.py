"""Keys with which programs come in: `python -m server.access.keys NAME` makes one for the program of that name."""

import hashlib
import json
import re
import secrets
import sys


def new_key(name: str) -> tuple[str, dict[str, str]]:
    """Make a key and the value of `api_keys` that lets it in."""
    key = secrets.token_urlsafe(32)
    return key, {name: hashlib.sha256(key.encode()).hexdigest()}


def main(arguments: list[str]) -> None:
    """Make a key: it is printed once and stored nowhere."""
    if len(arguments) != 1 or not re.fullmatch(r"[\w.-]+", arguments[0]):
        raise SystemExit(
            "Give one name of letters, digits, dots and hyphens: python -m server.access.keys nightly-report"
        )
    key, setting = new_key(arguments[0])
    sys.stdout.write(f"The program sends: Authorization: Bearer {key}\n")
    sys.stdout.write(f"The app needs: APP_API_KEYS='{json.dumps(setting)}'\n")


if __name__ == "__main__":  # pragma: no cover (the tests call `main`)
    main(sys.argv[1:])
