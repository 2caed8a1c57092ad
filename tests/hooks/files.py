"""The example of pictures, in the project that `tests/test_hooks.py` made."""

from pathlib import Path

import app_files
import pytest
from server import application
from server.queueing import queue_options
from starlette.testclient import TestClient

from tests.conftest import MakeSettings
from tests.server.client import browse

PICTURE = (Path("assets") / "team.png").read_bytes()


@pytest.mark.parametrize("is_named", [True, False])
def test_pictures_are_there_and_other_files_are_not(
    make_settings: MakeSettings, tmp_path: Path, *, is_named: bool
) -> None:
    (tmp_path / "one.png").write_bytes(PICTURE)
    settings = make_settings(public_folders=[tmp_path] if is_named else [])
    app_files.about.queue(**queue_options(settings))
    made = application.create_app(app_files.about, settings)
    with browse(made) as client:
        page = client.get("/config").json()
        for path in ("assets/team.png", *([str(tmp_path / "one.png")] if is_named else [])):
            answer = client.get(f"/gradio_api/file={path}")
            assert (answer.status_code, answer.content) == (200, PICTURE)
            assert answer.headers["content-type"] == "image/png"
        for path in ("app.py", ".env.example", *([] if is_named else [str(tmp_path / "one.png")])):
            assert client.get(f"/gradio_api/file={path}").status_code == 403
    [image] = [part for part in page["components"] if part["type"] == "image"]
    assert image["props"]["value"]["orig_name"] == "team.png"
    with TestClient(made, "http://localhost") as stranger:
        seen = stranger.get("/gradio_api/file=assets/team.png").status_code
    assert seen == (401 if made.state.access.known_only else 200)
