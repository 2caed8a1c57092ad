"""The model, its input and the pace of its answers, without Gradio."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing

import pytest

from services.embedded import EmbeddedModel
from services.model import load_model
from tests.conftest import MakeSettings
from tests.models import Endless, Scripted, collect
from utils.preprocess import InputError, Message, clean, to_instructions, to_prompt, to_token_limit
from utils.settings import PROJECT_DIR
from utils.throttle import Snapshot, throttled


def ask(text: str, instructions: str = "", max_tokens: int = 500) -> str:
    """Ask the embedded model."""
    system = [Message(role="system", content=instructions)] if instructions else []
    messages = [*system, Message(role="user", content=text)]
    return "".join(asyncio.run(collect(EmbeddedModel("", delay=0).stream(messages, max_tokens))))


def test_services_do_not_import_gradio() -> None:
    code = "import sys, services.model; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, check=False).returncode == 0


def test_with_no_setting_the_embedded_model_answers_and_says_so(make_settings: MakeSettings) -> None:
    model = load_model(make_settings())
    assert isinstance(model, EmbeddedModel)
    assert "stand-in" in model.notice


def test_the_log_says_at_the_start_who_answers(make_settings: MakeSettings, caplog: pytest.LogCaptureFixture) -> None:
    load_model(make_settings()).warm_up()
    assert "stand-in answers" in caplog.text


def test_the_embedded_model_says_what_it_is_and_counts() -> None:
    answer = ask("One fish, two fish.\nRed fish!")
    assert answer.startswith("I am the embedded stand-in")
    assert "> One fish, two fish.\n> Red fish!" in answer
    assert "| Words | 6 |" in answer
    assert "| Different words | 4 |" in answer
    assert "| Sentences | 2 |" in answer
    assert "2. Red fish!" in answer


def test_the_embedded_model_is_deterministic_and_follows_the_limit() -> None:
    assert ask("Hello") == ask("Hello")
    assert ask("Hello", max_tokens=3) == "I am the"


def test_the_embedded_model_shows_its_instructions() -> None:
    assert ask("Hello", instructions="Be kind.").endswith("> Be kind.")
    assert "instructions" not in ask("Hello")


def test_long_sentences_are_cut_in_the_outline() -> None:
    assert "1. one two three four five six ..." in ask("one two three four five six seven. End.")


def test_a_closed_stream_ends_the_work_of_the_model(caplog: pytest.LogCaptureFixture) -> None:
    async def read_one() -> None:
        async with aclosing(EmbeddedModel("", delay=0).stream([Message(role="user", content="Hi")], 100)) as stream:
            await anext(stream)

    with caplog.at_level(logging.INFO, "app.model"):
        asyncio.run(read_one())
    assert "wrote 1 of" in caplog.text


def ticks(*times: float) -> Iterator[float]:
    """Stand in for a clock."""
    yield from times


def snapshots(pieces: AsyncGenerator[str], *times: float) -> list[Snapshot]:
    clock = ticks(*times)
    return asyncio.run(collect(throttled(pieces, every=1, clock=lambda: next(clock))))


def test_a_stream_is_slowed_to_what_a_page_can_show_and_ends_complete() -> None:
    pieces = Scripted("a", "b", "c", "d", "e").stream([], 0)
    seen = snapshots(pieces, 10, 10.5, 10.6, 11.6, 11.7, 11.8)
    assert [snapshot.text for snapshot in seen] == ["a", "abc", "abcde"]
    assert [snapshot.tokens for snapshot in seen] == [1, 3, 5]
    assert {round(snapshot.first_token, 6) for snapshot in seen} == {0.5}
    assert seen[0].tokens_per_second == 0
    assert seen[-1].tokens_per_second == pytest.approx(4 / 1.3)


def test_a_last_piece_that_was_shown_is_not_shown_twice() -> None:
    assert [snapshot.text for snapshot in snapshots(Scripted("a").stream([], 0), 0, 1)] == ["a"]


def test_an_empty_answer_shows_nothing() -> None:
    assert snapshots(Scripted().stream([], 0), 0) == []


def test_closing_the_slowed_stream_reaches_the_model() -> None:
    model = Endless()

    async def read_one() -> None:
        async with aclosing(throttled(model.stream([], 0))) as stream:
            await anext(stream)

    asyncio.run(read_one())
    assert model.told_to_stop.is_set()


@pytest.mark.parametrize(
    ("raw", "kept"),
    [("  a\r\nb\x00\t", "a\nb"), ("\ud800x", "x"), ("👩‍👩‍👧 é", "👩‍👩‍👧 é"), (None, "")],
)
def test_text_is_cleaned_without_loss(raw: str | None, kept: str) -> None:
    assert clean(raw) == kept


@pytest.mark.parametrize(("bad", "message"), [(None, "Write a message"), (" \n", "Write a message"), ("x" * 11, "11")])
def test_a_bad_prompt_is_refused_with_a_reason(make_settings: MakeSettings, bad: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_prompt(bad, make_settings(max_prompt_chars=10))


def test_instructions_are_optional_and_limited(make_settings: MakeSettings) -> None:
    settings = make_settings(max_prompt_chars=10)
    assert to_instructions("  ", settings) == []
    assert to_instructions(" Be kind ", settings) == [Message(role="system", content="Be kind")]
    with pytest.raises(InputError, match="instructions are too long"):
        to_instructions("x" * 11, settings)


@pytest.mark.parametrize(("asked", "given"), [(None, 50), (0, 50), (7.9, 7), (-3, 1), (10**9, 50)])
def test_the_length_of_an_answer_stays_within_the_limit(
    make_settings: MakeSettings, asked: float | None, given: int
) -> None:
    assert to_token_limit(asked, make_settings(max_tokens=50)) == given
