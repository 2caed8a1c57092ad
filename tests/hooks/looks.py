"""The example of styles, theme and translations, in the project that `tests/test_hooks.py` made."""

import app
import app_looks

from tests.conftest import MakeSettings
from tests.server.client import browse


def test_styles_head_theme_and_translations_reach_the_page(make_settings: MakeSettings) -> None:
    themes: list[str] = []
    for made in (app.create_app(make_settings()), app_looks.create_app(make_settings())):
        with browse(made) as client:
            config = client.get("/config").json()
            themes.append(client.get("/theme.css").text)
    assert "max-width: 60rem" in config["css"]
    assert config["i18n_translations"]["de"] == {"run": "Los"}
    assert config["head"].endswith('<meta name="author" content="Ada">')
    assert themes[0] != themes[1]
