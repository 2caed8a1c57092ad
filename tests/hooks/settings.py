"""The example of a setting, in the project that `tests/test_hooks.py` made."""

import pytest
from server.settings import read_settings
from utils.settings import Settings

from tests.conftest import MakeSettings


def test_a_setting_is_read_typed_and_refused_like_the_others(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert make_settings().longest_answer == 500
    assert make_settings(longest_answer="7").longest_answer == 7
    monkeypatch.setenv("APP_LONGEST_ANSWER", "0")
    with pytest.raises(SystemExit, match=r"^APP_LONGEST_ANSWER: Input should be greater than or equal to 1\. See .*$"):
        read_settings(Settings)
