"""What is said at start about this page, and what the content policy takes from it."""

import logging
import sys
from collections.abc import Callable
from typing import Any

import gradio as gr
import pytest
from fastapi import FastAPI
from gradio.components.plot import PlotData
from playwright.sync_api import Browser, expect

from server import application, checkup, running
from server.checkup import Weight, devices
from server.errors import boundary
from server.page import Page
from server.queueing import queue_options
from tests.server.client import browse
from tests.server.fixtures import MakeSettings, Serve
from tests.server.page import visit

Build = Callable[[], object]
MakePage = Callable[..., FastAPI]
EVAL = "'unsafe-eval'"
VEGA, PLOTLY = (PlotData(type=library, plot="{}") for library in ("altair", "plotly"))
"""What `gr.Plot` makes of a chart."""


@pytest.fixture
def make_page(make_settings: MakeSettings) -> MakePage:
    """Make an application around what `build` puts on its page."""

    def make(build: Build, hooks: dict[str, Any] | None = None, **changes: Any) -> FastAPI:  # noqa: ANN401
        settings = make_settings(**changes)
        with gr.Blocks(analytics_enabled=False) as demo:
            build()
        demo.queue(**queue_options(settings))
        return application.create_app(demo, settings, **(hooks or {}))

    return make


def problems(app: FastAPI) -> list[str]:
    """Give what is said about an application, without the notes."""
    return [finding.text for finding in app.state.life.findings if finding.is_problem]


def notes(app: FastAPI, *, handlers: bool = False) -> list[str]:
    """Give the notes; about handlers, which stand behind no boundary in most tests here, only where it is asked for."""
    found = [finding.text for finding in app.state.life.findings if finding.weight is Weight.NOTE]
    return [text for text in found if handlers or "boundary()" not in text]


def doubts(app: FastAPI) -> list[str]:
    """Give what may be wrong."""
    return [finding.text for finding in app.state.life.findings if finding.weight is Weight.DOUBT]


def policy(app: FastAPI) -> dict[str, list[str]]:
    """Give the content policy by directive."""
    with browse(app) as client:
        text = client.get("/healthz").headers["content-security-policy"]
    return {name: sources for name, *sources in (part.split() for part in text.split(";"))}


def test_a_check_says_the_same_and_its_exit_code_tells(
    make_page: MakePage,
    make_settings: MakeSettings,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(sys, "argv", ["app.py", "--check"])
    for build, allowed, code, last in (
        (gr.Textbox, None, 0, "no problems found"),
        (lambda: gr.HTML("x", label="News"), None, 0, "no problems found"),
        (lambda: gr.HTML("x", label="News"), False, 1, "1 problem found"),
        (lambda: [gr.HTML("x", label="News"), gr.LinePlot(label="Trend")], False, 1, "2 problems found"),
    ):
        app = make_page(build, allow_eval=allowed)
        with pytest.raises(SystemExit) as left:
            running.serve(app, make_settings())
        *lines, end = capsys.readouterr().out.splitlines()
        assert (left.value.code, end) == (code, last)
        assert [line.split(": ", 1)[1] for line in lines] == [finding.text for finding in app.state.life.findings]
    assert lines[0].startswith("problem: html 'News' shows nothing")


# SCRIPTS THAT EVALUATE STRINGS


def js_event() -> None:
    """Add an event that runs in the browser."""
    gr.Button("Press").click(None, js="() => alert(1)")


@pytest.mark.parametrize(
    ("build", "cause", "effect"),
    [
        (lambda: gr.HTML("<b>plain</b>", label="News"), "html 'News'", "shows nothing"),
        (lambda: gr.HTML("<b>plain</b>", elem_id="news"), "html 'news'", "shows nothing"),
        (lambda: gr.LinePlot(label="Trend"), "nativeplot 'Trend'", "is not drawn"),
        (lambda: gr.BarPlot(label="Trend"), "nativeplot 'Trend'", "is not drawn"),
        (lambda: gr.Plot(VEGA, label="Trend"), "plot 'Trend'", "is not drawn"),
        (lambda: gr.ImageEditor(label="Mask"), "imageeditor 'Mask'", "does not work"),
        (lambda: gr.Sketchpad(label="Digit"), "imageeditor 'Digit'", "does not work"),
        (js_event, "event js_fn (js=)", "keeps the page at 'Loading'"),
    ],
)
def test_what_evaluates_strings_is_let_and_named(make_page: MakePage, build: Build, cause: str, effect: str) -> None:
    app = make_page(build)
    assert EVAL in policy(app)["script-src"]
    assert problems(app) == []
    assert notes(app) == [f"the content policy allows {EVAL} for {cause}. APP_ALLOW_EVAL=false forbids it"]
    app = make_page(build, allow_eval=False)
    assert EVAL not in policy(app)["script-src"]
    assert problems(app) == [f"{cause} {effect} without {EVAL}: set APP_ALLOW_EVAL=true"]
    assert notes(app) == []


def test_a_script_of_the_page_is_a_cause_too(make_page: MakePage) -> None:
    hooks = {"page": Page(js="() => { window.mine = 1 }")}
    app = make_page(gr.Textbox, hooks)
    assert EVAL in policy(app)["script-src"]
    assert "for the js= of the page." in notes(app)[0]
    assert problems(make_page(gr.Textbox, hooks, allow_eval=False)) == [
        f"the js= of the page does not run without {EVAL}: set APP_ALLOW_EVAL=true"
    ]


@pytest.mark.parametrize("package", [None, "altair"])
def test_a_plot_that_gets_its_chart_later_may_be_of_altair_where_that_is_installed(
    make_page: MakePage, monkeypatch: pytest.MonkeyPatch, package: str | None
) -> None:
    monkeypatch.setattr(checkup, "find_spec", lambda _: package)
    assert (EVAL in policy(make_page(gr.Plot))["script-src"]) == bool(package)
    assert EVAL not in policy(make_page(lambda: gr.Plot(PLOTLY)))["script-src"]


def test_a_page_that_evaluates_nothing_keeps_the_strict_policy(make_page: MakePage) -> None:
    def build() -> None:
        gr.Markdown("# Title")
        text = gr.Textbox()
        text.submit(str.upper, text, text, api_name="upper")

    app = make_page(build)
    assert EVAL not in policy(app)["script-src"]
    assert problems(app) == notes(app) == []
    app = make_page(build, allow_eval=True)
    assert EVAL in policy(app)["script-src"]
    assert problems(app) == notes(app) == []


def test_of_many_causes_a_few_are_named(make_page: MakePage) -> None:
    [text] = notes(make_page(lambda: [gr.HTML("x", label=f"Part {number}") for number in range(9)]))
    assert "'Part 4' and 4 more." in text
    assert "'Part 5'" not in text


def test_what_is_rendered_later_cannot_be_seen_and_that_is_said(make_page: MakePage) -> None:
    def build() -> None:
        text = gr.Textbox()

        @gr.render(inputs=text)
        def show(text: str) -> None:  # pragma: no cover (nobody visits)
            gr.HTML(text)

    app = make_page(build)
    assert EVAL not in policy(app)["script-src"]
    assert problems(app) == []
    assert "gr.render makes parts that nobody can see at start" in notes(app)[0]
    assert "APP_ALLOW_EVAL=true" in notes(app)[0]
    assert notes(make_page(build, allow_eval=True)) == []


def test_findings_are_in_the_log_at_start(make_page: MakePage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "app.checkup")
    for allowed, level in ((None, logging.INFO), (False, logging.WARNING)):
        caplog.clear()
        app = make_page(lambda: gr.HTML("x", label="News"), allow_eval=allowed)
        assert caplog.records == []
        with browse(app):
            assert [record.levelno for record in caplog.records if record.name == "app.checkup"] == [level]
        assert "html 'News'" in caplog.text


def test_html_is_shown_in_a_browser_without_any_setting(make_page: MakePage, serve: Serve, browser: Browser) -> None:
    with serve(make_page(lambda: gr.HTML("<b id='bold'>plain</b>"))) as url, visit(browser, url) as page:
        expect(page.locator("#bold")).to_have_text("plain")


# OTHER SITES


def test_a_site_that_the_policy_keeps_out_is_named_with_the_setting(make_page: MakePage) -> None:
    def build() -> None:
        gr.Markdown("![x](https://a.example.com/x.png) [link](https://link.example.com)", label="About")
        gr.Chatbot([{"role": "user", "content": "![x](https://a.example.com/y.png)"}], label="Talk")
        gr.Button("Go", icon="https://b.example.com:8443/x.png", link="https://link.example.com")

    app = make_page(build)
    assert notes(app) == doubts(app) == []
    assert problems(app) == [
        f"{site} is kept out, which {names} may load: "
        f"APP_CONTENT_SOURCES='{value}' lets it in, a file in assets/ needs nothing"
        for site, names, value in (
            ("https://a.example.com", "markdown 'About', chatbot 'Talk'", '{"img-src": ["https://a.example.com"]}'),
            ("https://b.example.com:8443", name_of_button(app), '{"img-src": ["https://b.example.com:8443"]}'),
        )
    ]
    for sources in (["https://*.example.com", "https://b.example.com:8443"], ["a.example.com", "b.example.com:8443"]):
        assert problems(make_page(build, content_sources={"img-src": sources})) == []
    assert len(problems(make_page(build, content_sources={"connect-src": ["https://a.example.com"]}))) == 2
    assert problems(make_page(build, allowed_hosts=["a.example.com"], root_path="https://b.example.com/demo")) == []


def name_of_button(app: FastAPI) -> str:
    """Name the button as a finding does."""
    [button] = [part for part in app.state.demo.config["components"] if part["type"] == "button"]
    return f"button (component {button['id']})"


def test_styles_and_scripts_of_other_sites_are_named(make_page: MakePage) -> None:
    theme = gr.themes.Base(font=gr.themes.GoogleFont("Lobster"))
    head = "<script src='https://cdn.example.com/x.js'></script>"
    looks = Page(theme=theme, head=head, css="@import 'https://s.example.com/';")
    found = problems(make_page(gr.Textbox, {"page": looks}))
    assert [text.split(" is kept out, which the page may load: ")[0] for text in found] == [
        "https://fonts.googleapis.com",
        "https://fonts.gstatic.com",
        "https://s.example.com",
        "https://cdn.example.com",
    ]
    assert '{"font-src": ["https://fonts.gstatic.com"]}' in found[1]


def test_rows_of_examples_may_be_text_and_only_raise_a_doubt(make_page: MakePage) -> None:
    def build() -> None:
        gr.Examples([["![x](https://a.example.com/x.png)"]], gr.Textbox(), label="Rows")

    app = make_page(build)
    assert problems(app) == []
    [text] = doubts(app)
    assert text.startswith("https://a.example.com is kept out, which dataset 'Rows' may load: ")


# LIMITS AND NAMES


def test_a_page_that_offers_more_than_a_request_may_hold_is_named(make_page: MakePage) -> None:
    def build() -> None:
        text = gr.Textbox("x" * 1500, label="Long", max_length=2000)
        kept = gr.State("y" * 5000)
        gr.Button().click(str.upper, text, text, api_name="upper")
        gr.Button().click(str.upper, kept, kept, api_name="keep")
        gr.Button().click(None, text, text, js="(text) => text")

    assert problems(make_page(build, max_request_kb=2)) == []
    text, event = problems(make_page(build, max_request_kb=1))
    assert text == (
        "textbox 'Long' takes 2000 characters, and a request 1000 bytes: raise APP_MAX_REQUEST_KB, or lower max_length"
    )
    assert event == (
        "event upper sends 1502 bytes as the page opens, and a request may have 1000: "
        "raise APP_MAX_REQUEST_KB, or keep the value in gr.State"
    )


def test_a_queue_without_an_end_raises_a_doubt(make_settings: MakeSettings) -> None:
    with gr.Blocks(analytics_enabled=False) as demo:
        gr.Textbox()
    [text] = doubts(application.create_app(demo, make_settings()))
    assert "call demo.queue(**queue_options(settings)) of server.queueing" in text


def test_a_private_event_with_a_name_is_noted(make_page: MakePage) -> None:
    def step_2(text: str) -> str:  # pragma: no cover (nobody calls it)
        return text

    class Upper:
        def __call__(self, text: str) -> str:  # pragma: no cover
            return text

    def build() -> None:
        text = gr.Textbox()
        for function in (step_2, step_2, Upper(), lambda text: text):
            text.submit(function, text, text, api_visibility="private")
        text.submit(step_2, text, text, api_name=False)
        text.submit(step_2, text, text, api_name="_inner", api_visibility="private")
        text.submit(step_2, text, text, api_name="open")
        text.submit(step_2, text, text, api_name="shut", api_visibility="private")

    app = make_page(build)
    assert notes(app) == ['event shut is private, so no program can call it by its name: api_visibility="public"']
    assert problems(app) == doubts(app) == []


class Own(gr.Textbox):
    """A component that is not Gradio's."""


def render_later() -> None:
    @gr.render()
    def more() -> None:
        gr.Audio()


@pytest.mark.parametrize(
    ("build", "asks"),
    [
        (gr.Textbox, set()),
        (lambda: gr.Image(interactive=False), set()),
        (lambda: gr.Audio(interactive=False), set()),
        (lambda: gr.Image(sources=["upload"]), set()),
        (gr.Image, {"camera"}),
        (lambda: gr.Audio(sources=["microphone"]), {"microphone"}),
        (lambda: gr.MultimodalTextbox(sources=["upload", "microphone"]), {"microphone"}),
        (lambda: gr.Video(sources=["webcam"]), {"camera", "microphone"}),
        (Own, {"camera", "microphone"}),
        (render_later, {"camera", "microphone"}),
    ],
)
def test_a_page_asks_for_what_its_components_are_made_for(make_page: MakePage, build: Build, asks: set[str]) -> None:
    assert devices(make_page(build).state.demo) == asks


# CAMERAS, MICROPHONES, LINKS AND HANDLERS


def test_a_camera_stays_shut_without_https_and_that_is_said(make_page: MakePage) -> None:
    def build() -> None:
        gr.Image(label="Any")
        gr.Image(label="Camera", sources=["webcam"])
        gr.Audio(label="Out", interactive=False)
        gr.File(label="File")

    for fine in ({}, {"root_path": "/demo"}, {"root_path": "https://a.example.com"}, {"root_path": "http://localhost"}):
        app = make_page(build, **fine)
        assert problems(app) == doubts(app) == notes(app) == []
    app = make_page(build, root_path="http://a.example.com/demo")
    cure = "browsers open none without https: let APP_ROOT_PATH be https://a.example.com, and serve it there"
    assert problems(app) == [f"image 'Camera' takes a camera or a microphone, and {cure}"]
    assert doubts(app) == [f"image 'Any' takes a camera or a microphone, and {cure}"]


def test_a_camera_in_a_frame_of_another_site_needs_its_leave(make_page: MakePage) -> None:
    frames = {"frame_ancestors": ["https://b.example.com"]}
    assert notes(make_page(gr.Textbox, **frames)) == []
    assert notes(make_page(lambda: gr.Audio(label="Voice"), **frames)) == [
        "in a frame of https://b.example.com, audio 'Voice' can record only if it has allow=\"camera; microphone\""
    ]


def test_a_button_for_links_that_are_not_made_is_named(make_page: MakePage) -> None:
    def build() -> None:
        gr.Button("Go")
        gr.DeepLinkButton("Share it")

    [text] = problems(make_page(build))
    assert text == (
        "the button 'Share it' makes links to the page, which are off: "
        "set APP_DEEP_LINKS=true, or leave it out (deep_link=False of gr.Interface)"
    )
    assert problems(make_page(build, deep_links=True)) == []


def test_a_handler_that_is_not_behind_the_boundary_is_noted(make_page: MakePage) -> None:
    @boundary
    def safe(text: str) -> str:  # pragma: no cover (nobody calls it)
        return text

    def bare(text: str) -> str:  # pragma: no cover
        return text

    def build(*functions: Any) -> None:  # noqa: ANN401
        text = gr.Textbox()
        for function in functions:
            text.submit(function, text, text, api_name="use")
        text.change(None, text, text, js="(text) => text")
        gr.DeepLinkButton()
        gr.ClearButton(text)
        gr.Examples([["a"]], text, text, safe, cache_examples=True, cache_mode="lazy")

    assert not [text for text in notes(make_page(lambda: build(safe)), handlers=True) if "boundary()" in text]
    [text] = [text for text in notes(make_page(lambda: build(safe, bare, bare)), handlers=True) if "boundary()" in text]
    assert text == (
        "an error in bare is 'Error' on the page, and has no id in the log: put the handler behind boundary() of "
        "server.errors"
    )
