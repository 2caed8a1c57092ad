"""Secrets that are set by people."""

SHORTEST_SECRET, FEWEST_CHARACTERS = 32, 10


def check_secret(value: str, setting: str = "APP_SESSION_SECRET") -> str:
    """Give the value of a setting back if it cannot be guessed.

    Raises:
        SystemExit: one line that says how to make a good one.

    """
    if len(value) < SHORTEST_SECRET or len(set(value)) < FEWEST_CHARACTERS:
        how = """python -c "import secrets; print(secrets.token_urlsafe(32))\""""
        raise SystemExit(f"{setting}: {'too easy to guess' if value else 'missing'}. Make one: {how}")
    return value
