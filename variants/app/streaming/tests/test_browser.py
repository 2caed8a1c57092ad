"""The page in a real browser."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app import EXAMPLES, build_demo
from server import application
from services.protocol import End, ModelUnavailableError, Source, Thinking
from tests.conftest import MakeSettings, Serve
from tests.models import WAIT_SECONDS, Broken, Counting, Endless, Scripted
from tests.server.page import assert_accessible, assert_fits_a_phone, open_page, visit

RICH = "# Title\n\n```python\nprint(1)\n```\n\nMath: $a^2$\n\n<script>alert(1)</script>"


def run(page: Page, prompt: str) -> None:
    """Write a prompt and run it."""
    page.get_by_label("Prompt").fill(prompt)
    page.get_by_role("button", name="Run").click()


say = run


def answers(page: Page) -> Locator:
    """Find what the model has said."""
    return page.locator("#answer")


def told(page: Page, text: str) -> None:
    """Expect to be told this, and close it."""
    note = page.locator(".toast-body", has_text=text)
    expect(note).to_be_visible()
    note.get_by_test_id("toast-close").click()
    expect(note).to_have_count(0)


def test_a_visitor_reads_an_answer_and_its_figures(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, example = make_settings(), EXAMPLES[1]
    app = application.create_app(build_demo(settings, Counting()), settings)
    with serve(app) as url, visit(browser, url) as page:
        expect(page.get_by_text("Counts for a test.")).to_be_visible()
        assert_accessible(page)
        page.get_by_role("button", name=example).click()
        expect(page.get_by_label("Prompt")).to_have_value(example)
        page.get_by_role("button", name="Run").click()
        expect(page.locator("#answer")).to_contain_text(f"Words: {len(example.split())}.")
        expect(page.locator("#figures")).to_contain_text(re.compile(r"first token after .*session: 1"))
        assert_accessible(page)
        assert_fits_a_phone(page)


def test_stopping_and_leaving_reach_the_model(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(), Endless()
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url:
        with visit(browser, url) as page:
            stop = page.get_by_role("button", name="Stop")
            expect(page.get_by_role("heading", name="Answer")).to_be_visible()
            for number in (1, 2):
                expect(stop).to_be_hidden()
                run(page, "Hello")
                expect(page.locator("#figures")).to_contain_text(f"session: {number}")
                expect(page.locator("#answer")).to_contain_text("Endless")
                stop.click()
                assert model.told_to_stop.wait(WAIT_SECONDS)
                model.told_to_stop.clear()
                expect(page.locator("#answer")).to_contain_text("Endless")
            model.silent = False
            run(page, "Hello")
            expect(page.locator("#answer")).to_contain_text("Endless.")
        assert model.told_to_stop.wait(WAIT_SECONDS)


def test_a_refused_prompt_does_not_reach_the_model_and_markup_does_no_harm(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, model = make_settings(), Scripted(RICH)
    app = application.create_app(build_demo(settings, model), settings)
    # Not by `visit`: the browser itself notes the refusal, status 422, in the console.
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/")
        run(page, "  ")
        expect(page.get_by_text("Write a message first")).to_be_visible()
        run(page, "Hello")
        expect(page.locator("#answer h1")).to_have_text("Title")
        expect(page.locator("#answer code")).to_contain_text("print(1)")
        expect(page.locator("#answer script")).to_have_count(0)
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [(ModelUnavailableError("Try it later."), "Try it later."), (RuntimeError("hunter2"), "Please report the id")],
    ids=["expected", "unexpected"],
)
def test_a_page_survives_a_failure(
    error: Exception, said: str, browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings = make_settings()
    app = application.create_app(build_demo(settings, Broken(error, times=1)), settings)
    with serve(app) as url, visit(browser, url) as page:
        run(page, "Hello")
        told(page, said)
        expect(page.get_by_label("Prompt")).to_have_value("Hello")
        expect(page.get_by_text("hunter2")).to_have_count(0)
        page.get_by_role("button", name="Run").click()
        expect(answers(page)).to_contain_text("Once and again")


def test_an_answer_that_was_cut_goes_on(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings = make_settings()
    model = Scripted(Thinking("Is it so?"), "So it is.", Source("https://a.example", "A page"), End("length"))
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        more = page.get_by_role("button", name="Go on")
        expect(more).to_be_hidden()
        run(page, "Hello")
        expect(page.locator("#figures")).to_contain_text("cut off at its limit")
        expect(page.get_by_text("Is it so?")).to_be_hidden()
        expect(page.get_by_role("link", name="A page")).to_be_visible()
        more.click()
        expect(answers(page)).to_contain_text("So it is.So it is.")
    contents = [message["content"] for message in model.asked[1]]
    assert contents == ["Hello", "So it is.", "Go on where you stopped."]
