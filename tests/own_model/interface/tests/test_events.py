"""The event of the page, in process, through the gate and the queue."""

import pytest
from PIL import Image

from app import build_demo
from tests.server.client import EventError

PUBLIC_EVENTS = {"predict"}


def test_only_the_listed_events_are_public(make_settings):
    events = build_demo(make_settings()).fns.values()
    assert {fn.api_name for fn in events if fn.api_visibility == "public"} == PUBLIC_EVENTS


def test_a_picture_comes_back_softened(app_test, tmp_path):
    Image.new("RGB", (30, 20), "red").save(tmp_path / "red.png")
    picture, facts = app_test.call("predict", app_test.upload(tmp_path / "red.png"), 2, False)
    assert facts == {"width": 30, "height": 20, "colours": 1}
    assert app_test.http.get(f"/gradio_api/file={picture['path']}").status_code == 200


def test_no_picture_is_said(app_test):
    with pytest.raises(EventError, match="Upload a picture first"):
        app_test.call("predict", None, 2, False)
