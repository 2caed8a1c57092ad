"""Yours: fixtures over your own app. `make_app(**settings)` is the way to one with other settings."""

import pytest

import app
from tests.server.fixtures import MakeApp, MakeSettings, Serve, app_test, browser, serve, settings_maker
from utils.settings import Settings

__all__ = ["MakeApp", "MakeSettings", "Serve", "app_test", "browser", "serve"]


@pytest.fixture(scope="session")
def make_settings() -> MakeSettings:
    """Make settings that do not depend on the `.env` of whoever runs the tests."""
    return settings_maker(Settings)


@pytest.fixture(scope="session")
def make_app(make_settings: MakeSettings) -> MakeApp:
    """Make the whole application, with your hooks."""
    return lambda **changes: app.create_app(make_settings(**changes))
