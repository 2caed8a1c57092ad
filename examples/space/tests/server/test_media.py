"""Sounds and films in a real browser: they play while they are made, they are trimmed, and a recording is heard."""

import io
import os
import shutil
import subprocess
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import gradio as gr
import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, expect

from server import application
from server.queueing import queue_options
from tests.server.access import headers
from tests.server.client import AppTest
from tests.server.fixtures import MakeSettings, Serve, chromium
from tests.server.page import visit

Build = Callable[[], object]
MakePage = Callable[[Build], FastAPI]
RATE = 16_000
"""Samples of a sound in a second."""
PLAYED = """([selector, seconds]) => new Promise((done, failed) => {
  setTimeout(() => failed(new Error("it does not play")), 30000)
  const look = () => {
    const it = document.querySelector(selector)
    if (!it || it.currentTime < seconds) return setTimeout(look, 50)
    done({sound: it.webkitAudioDecodedByteCount, film: it.webkitVideoDecodedByteCount, width: it.videoWidth || 0})
  }
  look()
})"""
"""Waits until something has played, and tells how much of it was decoded."""

LASTS = """([least, most]) => new Promise((done, failed) => {
  setTimeout(() => failed(new Error("no such film: " + document.querySelector("video")?.duration)), 60000)
  const look = () => {
    const {duration} = document.querySelector("video") || {}
    return least < duration && duration < most ? done() : setTimeout(look, 50)
  }
  look()
})"""
"""Waits until the page has a film of a length, in seconds."""

KNOW_FFMPEG = """window.ffmpeg = new Promise((ready, failed) => {
  setTimeout(() => failed(new Error("no ffmpeg")), 30000)
  window.Worker = class extends Worker {
    constructor(...given) {
      super(...given)
      this.addEventListener("message", ({data}) => data.type === "LOAD" ? ready() : failed(new Error(data.data)))
    }
  }
})"""
"""Lets a test wait for the ffmpeg of the browser: until it is there, Trim keeps the film as it is."""

NOT_YET = (
    "HLS error: hlsError {type: networkError, details: levelEmptyError",
    "Fatal network error encountered, trying",
)
"""Gradio's player asks for the list of pieces before the first one is made, says this, and asks again."""

needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="no ffmpeg found: Gradio needs it for this")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give a browser with a camera and a microphone, which it makes up."""
    with chromium("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream") as started:
        yield started


@pytest.fixture
def make_page(make_settings: MakeSettings) -> MakePage:
    """Make an application around what `build` puts on its page."""

    def make(build: Build) -> FastAPI:
        settings = make_settings()
        with gr.Blocks(analytics_enabled=False) as demo:
            build()
        demo.queue(**queue_options(settings))
        return application.create_app(demo, settings)

    return make


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a film of four seconds, which can be cut at every half."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    picture = ("-f", "lavfi", "-i", "testsrc=size=160x120:rate=10:duration=4")
    subprocess.run(["ffmpeg", "-v", "error", *picture, "-pix_fmt", "yuv420p", "-g", "5", path], check=True)
    return path


def tone() -> np.ndarray:
    """Make one second of a sound."""
    return (np.sin(np.arange(RATE) * 440 * 2 * np.pi / RATE) * 10_000).astype(np.int16)


def wav() -> bytes:
    """Make the same sound as the bytes of a file."""
    target = io.BytesIO()
    with wave.open(target, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(tone().tobytes())
    return target.getvalue()


def closed_to_others(app: FastAPI, playlist: str) -> None:
    """See who gets the list of the pieces, and a piece."""
    own = httpx.get(playlist, headers=headers("ada"))
    assert own.status_code == 200
    piece = next(line for line in own.text.splitlines() if line and not line.startswith("#"))
    for address in (playlist, playlist.rpartition("/")[0] + "/" + piece.rpartition("/")[2]):
        assert httpx.get(address, headers=headers("ada")).status_code == 200
        # Guests cannot be told apart; the address holds a secret of the session.
        others = (403, 401) if app.state.access.known_only else (200, 200)
        assert (httpx.get(address, headers=headers("bo")).status_code, httpx.get(address).status_code) == others


@needs_ffmpeg
@pytest.mark.parametrize("form", ["samples", "bytes"])
def test_a_sound_plays_while_it_is_made(browser: Browser, make_page: MakePage, serve: Serve, form: str) -> None:
    def speak() -> Iterator[object]:
        for _ in range(3):
            yield (RATE, tone()) if form == "samples" else wav()

    def build() -> None:
        sound = gr.Audio(streaming=True, autoplay=True, label="Sound")
        gr.Button("Speak").click(speak, None, sound, api_name="speak")

    app = make_page(build)
    with serve(app) as url, visit(browser, url, harmless=NOT_YET) as page:
        with page.expect_response(lambda answer: answer.url.endswith("playlist.m3u8")) as listed:
            page.get_by_role("button", name="Speak").click()
        assert page.evaluate(PLAYED, ["audio", 1])["sound"] > 0
        closed_to_others(app, listed.value.url)


@needs_ffmpeg
def test_a_film_plays_while_it_is_made(
    browser: Browser, make_page: MakePage, serve: Serve, film: Path, tmp_path: Path
) -> None:
    def shoot() -> Iterator[str]:
        for number in range(3):
            piece = tmp_path / f"{number}.mp4"
            shutil.copy(film, piece)
            yield str(piece)

    def build() -> None:
        gr.Button("Shoot").click(shoot, None, gr.Video(streaming=True, autoplay=True, label="Film"), api_name="shoot")

    app = make_page(build)
    with serve(app) as url, visit(browser, url, harmless=NOT_YET) as page:
        with page.expect_response(lambda answer: answer.url.endswith("playlist.m3u8")) as listed:
            page.get_by_role("button", name="Shoot").click()
        played = page.evaluate(PLAYED, ["video", 1])
        assert (played["width"], played["film"] > 0) == (160, True)
        closed_to_others(app, listed.value.url)


@needs_ffmpeg
def test_a_growing_sound_of_an_example_is_kept_whole(
    make_page: MakePage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"examples-{tmp_path.parent.name}-{tmp_path.name}"
    monkeypatch.setenv("GRADIO_EXAMPLES_CACHE", str(Path(os.environ["GRADIO_TEMP_DIR"]) / name))

    def speak(_: str) -> Iterator[object]:
        for _ in range(3):
            yield RATE, tone()

    def build() -> None:
        text, sound = gr.Textbox(), gr.Audio(streaming=True, autoplay=True, label="Sound")
        gr.Examples([["Hello"], ["Bye"]], text, sound, speak, cache_examples=True, api_name="example")

    with AppTest(make_page(build)) as test:
        [file] = test.call("example", 1)
        kept = tmp_path / "sound"
        kept.write_bytes(test.http.get(f"/gradio_api/file={file['path']}").content)
    assert 2.8 < seconds(str(kept)) < 3.5


def seconds(path: str) -> float:
    """Tell how long a film is."""
    command = ["ffprobe", "-v", "error", "-show_entries", "format=duration", "-of", "csv=p=0", path]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@needs_ffmpeg
def test_a_film_is_trimmed_in_the_browser(browser: Browser, make_page: MakePage, serve: Serve, film: Path) -> None:
    def build() -> None:
        video, length = gr.Video(label="Film", sources=["upload"]), gr.Textbox(label="Length")
        gr.Button("Measure").click(lambda path: f"{seconds(path):.1f}", video, length, api_name="measure")
        gr.Button("Forget").click(lambda: "", None, length, api_name="forget")

    with serve(make_page(build)) as url, visit(browser, url) as page:
        page.add_init_script(KNOW_FFMPEG)
        page.reload()
        page.locator("input[type=file]").set_input_files(film)
        assert measured(page, (3.9, 4.1)) == pytest.approx(4, abs=0.1)
        page.get_by_label("Trim video to selection").click()
        handle = page.get_by_label("start drag handle for trimming video")
        expect(handle).to_be_visible()
        box = page.locator("#timeline").bounding_box()
        assert box is not None
        handle.hover()
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, steps=5)
        page.mouse.up()
        page.evaluate("window.ffmpeg")
        page.get_by_role("button", name="Trim", exact=True).click()
        assert measured(page, (1.4, 2.6)) == pytest.approx(2, abs=0.6)


def measured(page: Page, shown: tuple[float, float]) -> float:
    """Wait until the page shows a film of such a length, and tell how long the film is that it sends."""
    page.evaluate(LASTS, shown)
    page.get_by_role("button", name="Measure").click()
    expect(page.get_by_label("Length")).not_to_have_value("")
    length = float(page.get_by_label("Length").input_value())
    page.get_by_role("button", name="Forget").click()
    expect(page.get_by_label("Length")).to_have_value("")
    return length


def test_a_recording_is_heard_before_it_is_sent(browser: Browser, make_page: MakePage, serve: Serve) -> None:
    def build() -> None:
        sound = gr.Audio(label="Sound", sources=["microphone"], type="filepath")
        size = gr.Textbox(label="Size")
        gr.Button("Send").click(lambda path: str(Path(path).stat().st_size), sound, size, api_name="size")

    with serve(make_page(build)) as url, visit(browser, url) as page:
        page.get_by_role("button", name="Record").click()
        stop = page.get_by_role("button", name="Stop")
        expect(stop).to_be_visible()
        # On a busy machine there may be nothing in it yet, and nothing to draw.
        expect(page.locator("time", has_text="0:01")).to_be_visible()
        stop.click()
        # The waveform of the preview is drawn from what the browser holds.
        expect(page.locator("#waveform, .waveform-container").first).to_be_visible()
        expect(page.get_by_label("Play", exact=True)).to_be_visible()
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_label("Size")).not_to_have_value("")
