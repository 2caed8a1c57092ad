"""The events of the page, in process, through the gate and the queue."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from app import bitmap_or_none, build_demo
from services import model
from tests.conftest import MakeApp, MakeSettings
from tests.server.client import AppTest, EventError

PUBLIC_EVENTS = {"predict"}
"""What programs may call. A new event of yours is private until it is named here and in `app.py`."""


def upload(test: AppTest, path: Path) -> dict[str, Any]:
    """Give a picture as the image editor would."""
    file = test.upload(path)
    return {"background": file, "layers": [], "composite": file}


@pytest.fixture
def app_test(make_app: MakeApp) -> Iterator[AppTest]:
    """Visit the app with the model in this process; others would have to start first."""
    with AppTest(make_app(model_workers=0)) as test:
        yield test


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """Save a sample as a picture."""
    path = tmp_path / "three.png"
    Image.fromarray((255 - model.sample("3") * 15).astype(np.uint8)).resize((200, 200)).save(path)
    return path


def test_only_the_listed_events_are_public(make_settings: MakeSettings) -> None:
    events = build_demo(make_settings()).fns.values()
    assert {fn.api_name for fn in events if fn.api_visibility == "public"} == PUBLIC_EVENTS


def test_predict_gives_the_three_most_likely_digits(app_test: AppTest, three: Path) -> None:
    [label] = app_test.call("predict", upload(app_test, three))
    assert label["label"] == "3"
    assert len(label["confidences"]) == 3


def test_nothing_drawn_is_refused_before_the_queue(app_test: AppTest) -> None:
    with pytest.raises(EventError, match="Draw a digit"):
        app_test.call("predict", None)


def test_a_bad_drawing_in_a_batch_does_not_take_the_others_with_it() -> None:
    assert bitmap_or_none(None) is None


def test_the_validator_hides_unexpected_errors_too(app_test: AppTest, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("app.to_bitmap", explode)
    with pytest.raises(EventError, match="report the id") as shown:
        app_test.call("predict", None)
    assert "secret" not in str(shown.value)
