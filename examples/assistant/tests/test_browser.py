"""The page in a real browser."""

import re
import time

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app import EXAMPLES, build_demo
from server import application, gradio_adapter
from services.protocol import End, ModelUnavailableError, Source, Thinking, ToolCall
from tests.conftest import MakeSettings, Serve
from tests.models import WAIT_SECONDS, Broken, Counting, Endless, Gathering, Quoting, Scripted
from tests.server.page import assert_accessible, assert_fits_a_phone, open_page, visit

RICH = "# Title\n\n```python\nprint(1)\n```\n\nMath: $a^2$\n\n<script>alert(1)</script>"


def say(page: Page, text: str) -> None:
    """Write a message and send it."""
    message = page.get_by_role("textbox", name=re.compile("^Message"))
    expect(message).to_be_enabled()
    message.fill(text)
    page.get_by_role("button", name="Send").click()


def answers(page: Page) -> Locator:
    """Find what the model has said."""
    return page.locator(".bot")


def told(page: Page, text: str) -> None:
    """Expect to be told this about the last message."""
    expect(answers(page).last).to_contain_text(text)


def asked(page: Page, model: Broken, times: int) -> None:
    """Wait until the model was asked so often, and expect that turns alternate, which strict models insist on."""
    for _ in range(WAIT_SECONDS * 10):
        if len(model.asked) == times:
            break
        page.wait_for_timeout(100)
    assert len(model.asked) == times
    roles = [message["role"] for message in model.asked[-1]]
    assert roles == [*["user", "assistant"] * (len(roles) // 2), "user"]


def edit(page: Page, text: str) -> None:
    """Write the visitor's last message anew."""
    page.get_by_role("button", name="Edit").last.click()
    page.locator(".user textarea").fill(text)
    page.get_by_role("button", name="Submit").click()


def test_a_visitor_talks_and_finds_the_conversation_again(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, [example] = make_settings(), EXAMPLES[1]
    app = application.create_app(build_demo(settings, Counting()), settings)
    with serve(app) as url, visit(browser, url) as page:
        expect(page.get_by_text("Counts for a test.")).to_be_visible()
        assert_accessible(page)
        page.get_by_role("button", name=example).click()
        expect(page.locator(".bot")).to_contain_text(f"Words: {len(example.split())}. Messages from you: 1.")
        say(page, "And now?")
        expect(page.locator(".bot").nth(1)).to_contain_text("Words: 2. Messages from you: 2.")
        assert_accessible(page)
        assert_fits_a_phone(page)
        # The conversation that was open is open again; the list of all is folded on a phone.
        page.reload()
        expect(page.locator(".bot")).to_have_count(2)
        page.get_by_role("button", name="New chat").click()
        expect(page.locator(".bot")).to_have_count(0)
        listed = page.get_by_role("row", name=example)
        expect(listed).to_be_hidden()
        page.get_by_role("button", name="Conversations").click()
        listed.click()
        expect(page.locator(".bot")).to_have_count(2)
        page.set_viewport_size({"width": 1280, "height": 844})
        expect(listed).to_be_visible()


def test_stopping_and_leaving_reach_the_model(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(), Endless()
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url:
        with visit(browser, url) as page:
            for number in (1, 2):
                say(page, "Hello")
                expect(page.locator(".bot .prose")).to_have_count(number)
                expect(page.locator(".bot .prose").last).to_contain_text("Endless")
                page.get_by_role("button", name="Stop").click()
                assert model.told_to_stop.wait(WAIT_SECONDS)
                model.told_to_stop.clear()
                expect(page.locator(".bot .prose").last).to_contain_text("Endless")
            model.silent = False
            say(page, "Hello")
            expect(page.locator(".bot .prose").last).to_contain_text("Endless.")
        assert model.told_to_stop.wait(WAIT_SECONDS)


def test_a_refused_message_does_not_reach_the_model_and_markup_does_no_harm(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, model = make_settings(max_prompt_chars=10), Scripted(RICH)
    app = application.create_app(build_demo(settings, model), settings)
    # Not by `visit`: the browser itself notes the refusal, status 422, in the console.
    with serve(app) as url, open_page(browser, url) as page:
        page.goto("/")
        say(page, "short")
        expect(page.locator(".bot h1")).to_have_text("Title")
        expect(page.locator(".bot code")).to_contain_text("print(1)")
        expect(page.locator(".bot script")).to_have_count(0)
        say(page, "longer than ten")
        expect(page.get_by_text("Shorten it to 10")).to_be_visible()
        say(page, "short two")
        expect(page.locator(".bot h1")).to_have_count(2)
    assert [messages[-1]["content"] for messages in model.asked] == ["short", "short two"]


@pytest.mark.parametrize(
    ("error", "said"),
    [(ModelUnavailableError("Try it later."), "Try it later."), (RuntimeError("hunter2"), "Please report the id")],
    ids=["expected", "unexpected"],
)
def test_a_chat_survives_a_failure(
    error: Exception, said: str, browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings = make_settings()
    app = application.create_app(build_demo(settings, Broken(error, times=2)), settings)
    with serve(app) as url, visit(browser, url) as page:
        say(page, "First")
        told(page, said)
        expect(answers(page)).to_contain_text(["Once"])
        expect(page.get_by_text("hunter2")).to_have_count(0)
        # The conversation holds what was said, and is still there after a reload.
        expect(page.get_by_role("row", name="First")).to_be_visible()
        page.reload()
        page.get_by_role("row", name="First").click()
        expect(page.locator(".user")).to_contain_text(["First"])
        page.get_by_role("button", name="Try again").click()
        told(page, said)
        expect(page.locator(".user")).to_have_count(1)
        page.get_by_role("button", name="Try again").click()
        told(page, "Once and again, with 1 of messages")
        expect(page.locator(".user")).to_have_count(1)
        say(page, "Second")
        told(page, "with 3 of messages")


def test_a_chat_survives_a_full_queue(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(model_concurrency=1, queue_size=1), Gathering(expected=99)
    app = application.create_app(build_demo(settings, model), settings)
    with (
        serve(app) as url,
        open_page(browser, url) as first,
        open_page(browser, url) as second,
        open_page(browser, url) as third,
    ):
        for number, page in enumerate((first, second, third)):
            page.goto("/")
            say(page, f"I am {number}")
            if page is first:
                assert model.arrivals.acquire(timeout=WAIT_SECONDS)
            if page is second:
                while gradio_adapter.waiting(app.state.demo) == 0:
                    expect(page.locator(".user")).to_have_count(1)
        message = third.get_by_role("textbox", name=re.compile("^Message"))
        expect(message).to_have_value("I am 2")
        model.open()
        expect(answers(first).last).to_contain_text("seen: I am 0")
        expect(answers(second).last).to_contain_text("seen: I am 1")
        # What the other pages save now goes through the queue too, which may be full again for a moment.
        give_up = time.monotonic() + WAIT_SECONDS
        while not answers(third).count():
            assert time.monotonic() < give_up, "the queue is always full"
            if message.input_value() and message.is_enabled():
                third.get_by_role("button", name="Send").click()
            third.wait_for_timeout(100)
        expect(answers(third).last).to_contain_text("seen: I am 2")


def test_what_comes_beside_an_answer_is_shown_and_not_sent_back(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    pieces = (
        Thinking("Is it so?"),
        ToolCall("find", "{}", "found"),
        "So it is.",
        Source("https://a.example", "A page"),
    )
    settings, model = make_settings(), Scripted(*pieces, End("length"))
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        say(page, "Is it?")
        expect(answers(page).last).to_contain_text("Tool: find")
        expect(page.get_by_text("Is it so?")).to_be_hidden()
        page.get_by_role("button", name="Thinking").click()
        expect(page.get_by_text("Is it so?")).to_be_visible()
        expect(page.get_by_role("link", name="A page")).to_have_attribute("href", "https://a.example")
        expect(page.get_by_text(f"limit of {settings.max_tokens} tokens")).to_be_visible()
        page.get_by_role("button", name="Go on").click()
        expect(page.locator(".user")).to_have_count(2)
        expect(page.get_by_text("So it is.")).to_have_count(2)
    assert [message["content"] for message in model.asked[1]] == ["Is it?", "So it is.", "Go on where you stopped."]


def test_a_long_conversation_says_what_it_forgets(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(context_tokens=60, max_tokens=20), Scripted("word " * 10)
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        for number in range(3):
            say(page, f"Message {number}")
            expect(page.locator(".bot", has_text="word word")).to_have_count(number + 1)
        expect(page.get_by_text("Earlier messages are left out").first).to_be_visible()
    assert [len(messages) for messages in model.asked] == [1, 3, 3]


def test_a_message_is_edited_and_formulas_are_set(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(), Quoting("One $a^2$, two \\(b^2\\), three \\[c^2\\]")
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        say(page, "Hello")
        expect(page.locator(".bot .katex")).to_have_count(3)
        page.get_by_role("button", name="Edit").click()
        page.locator(".user textarea").fill("Hello again")
        page.get_by_role("button", name="Submit").click()
        expect(page.locator(".user")).to_contain_text(["Hello again"])
        expect(page.locator(".bot")).to_contain_text(["Hello again: "])
        expect(page.locator(".bot .katex")).to_have_count(3)
    assert [messages[-1]["content"] for messages in model.asked] == ["Hello", "Hello again"]


def test_retry_edit_and_undo_go_on_from_where_they_are(
    browser: Browser, make_settings: MakeSettings, serve: Serve
) -> None:
    settings, model = make_settings(), Broken(RuntimeError(), times=0)
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        say(page, "First")
        told(page, "with 1 of messages")
        say(page, "Second")
        told(page, "with 3 of messages")
        page.get_by_role("button", name="Retry").click()
        asked(page, model, 3)
        told(page, "with 3 of messages")
        assert model.asked[2] == model.asked[1]
        edit(page, "Second anew")
        asked(page, model, 4)
        told(page, "with 3 of messages")
        assert [message["content"] for message in model.asked[3]][::2] == ["First", "Second anew"]
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".user")).to_have_count(1)
        expect(page.get_by_role("textbox", name=re.compile("^Message"))).to_have_value("Second anew")
        page.get_by_role("button", name="Send").click()
        asked(page, model, 5)
        told(page, "with 3 of messages")
    assert model.asked[4] == model.asked[3]


def test_retry_edit_and_undo_work_after_a_failure(browser: Browser, make_settings: MakeSettings, serve: Serve) -> None:
    settings, model = make_settings(), Broken(ModelUnavailableError("Try it later."), times=1)
    app = application.create_app(build_demo(settings, model), settings)
    with serve(app) as url, visit(browser, url) as page:
        say(page, "First")
        told(page, "Try it later.")
        page.get_by_role("button", name="Retry").click()
        asked(page, model, 2)
        told(page, "with 1 of messages")
        model.times = 1
        say(page, "Second")
        told(page, "Try it later.")
        edit(page, "Second anew")
        asked(page, model, 4)
        told(page, "with 3 of messages")
        model.times = 1
        say(page, "Third")
        told(page, "Try it later.")
        page.get_by_role("button", name="Undo").click()
        expect(page.locator(".user")).to_have_count(2)
        expect(page.get_by_role("textbox", name=re.compile("^Message"))).to_have_value("Third")
        page.get_by_role("button", name="Send").click()
        asked(page, model, 6)
        told(page, "with 5 of messages")
    assert [message["content"] for message in model.asked[-1]][::2] == ["First", "Second anew", "Third"]
