"""Yours: every setting of the app is in `.env.example`, where people look for it."""

from server.settings import PROJECT_DIR
from utils.settings import Settings


def test_every_setting_is_listed_in_the_example_file() -> None:
    example = (PROJECT_DIR / ".env.example").read_text(encoding="utf-8")
    for name, field in Settings.model_fields.items():
        assert f"{field.validation_alias or f'APP_{name.upper()}'}=" in example
