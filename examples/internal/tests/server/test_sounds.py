"""Sounds and films that visitors send: how long they play is found out before anything decodes them."""

import shutil
import subprocess
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio import processing_utils

from server import application, files, gradio_files
from server.queueing import queue_options
from tests.server.client import AppTest, EventError
from tests.server.fixtures import MakeApp, MakeSettings


def test_a_long_sound_goes_where_the_page_decodes_it(
    make_settings: MakeSettings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With an answer as ffprobe gives it, so that it is tried where there is none too."""
    monkeypatch.setattr(shutil, "which", lambda name: name)
    answer = subprocess.CompletedProcess[str]([], 0, stdout="3.000000\n")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: answer)
    settings, long = make_settings(max_media_seconds=1), sound(tmp_path / "long.wav", 3)
    files.look_at_uploads([long], settings, media=False)
    with pytest.raises(files.TooMuchError):
        files.look_at_uploads([long], settings, media=True)
    assert not long.exists()
    files.look_at_uploads([long], settings, media=True)  # Gone meanwhile.


def sound(path: Path, seconds: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16_000 * seconds))
    return path


def media_app(make_settings: MakeSettings, *parts: Callable[[], Any], **changes: Any) -> AppTest:  # noqa: ANN401
    settings = make_settings(**changes)
    with gr.Blocks(analytics_enabled=False) as demo:
        for part in parts:
            part()
    demo.queue(**queue_options(settings))
    return AppTest(application.create_app(demo, settings))


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="needs ffprobe")
def test_a_long_sound_is_refused_where_the_page_decodes_it(make_settings: MakeSettings, tmp_path: Path) -> None:
    long, short = sound(tmp_path / "long.wav", 5), sound(tmp_path / "short.wav", 1)
    with media_app(make_settings, gr.Audio, max_media_seconds=2) as test:
        assert test.upload(short)
        text = tmp_path / "text.mp3"
        text.write_bytes(b"no sound")
        assert test.upload(text)
        with pytest.raises(EventError, match=r"plays 5 seconds. At most 2 can be taken \(APP_MAX_MEDIA_SECONDS\)"):
            test.upload(long)
    with media_app(make_settings, gr.File, max_media_seconds=2) as test:
        assert test.upload(long)


def test_which_pages_decode_sounds_and_films() -> None:
    for part, decodes in (
        (lambda: gr.Audio(type="filepath"), False),
        (lambda: gr.Audio(type="filepath", format="mp3"), True),
        (gr.Audio, True),
        (lambda: gr.Video(include_audio=True, webcam_options=gr.WebcamOptions(mirror=False)), False),
        (lambda: gr.Video(format="mp4"), True),
        (gr.Textbox, False),
    ):
        with gr.Blocks(analytics_enabled=False) as demo:
            part()
        assert gradio_files.decodes_media(demo) is decodes


def test_a_sound_whose_length_cannot_be_found_out(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = sound(tmp_path / "long.wav", 5)
    monkeypatch.setattr(shutil, "which", lambda _: None)
    files.look_at_media(path, 1)  # Nothing else can decode it either, but for WAV.
    monkeypatch.setattr(shutil, "which", lambda name: name)

    def hang(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("ffprobe", 1)

    monkeypatch.setattr(subprocess, "run", hang)
    with pytest.raises(files.TooMuchError, match="could not be found out"):
        files.look_at_media(path, 1)


def test_a_sound_that_lies_about_its_length_is_cut(make_app: MakeApp, tmp_path: Path) -> None:
    plain = processing_utils.AudioSegment
    try:
        make_app(max_media_seconds=1)
        make_app(max_media_seconds=2)  # not one around the other
        rate, data = processing_utils.audio_from_file(str(sound(tmp_path / "long.wav", 5)))
        assert len(data) == 2 * rate
    finally:
        processing_utils.AudioSegment = plain
