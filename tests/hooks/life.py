"""The example of a lifespan, in the project that `tests/test_hooks.py` made."""

import app_life

from tests.conftest import MakeSettings
from tests.server.client import browse


def test_what_is_opened_at_start_is_there_until_the_stop(make_settings: MakeSettings) -> None:
    with browse(app_life.create_app(make_settings())) as client:
        prices = client.app_state["prices"]
        assert prices.base_url.host == "prices.example.com"
        assert not prices.is_closed
        assert client.get("/healthz").status_code == 200
    assert prices.is_closed
