"""What a visitor writes, cleaned and held to its limits."""

import pytest

from services.errors import InputError
from services.protocol import Message
from utils.preprocess import clean, to_instructions, to_prompt, to_token_limit


@pytest.mark.parametrize(
    ("raw", "kept"),
    [("  a\r\nb\x00\t", "a\nb"), ("\ud800x", "x"), ("👩‍👩‍👧 é", "👩‍👩‍👧 é"), (None, "")],
)
def test_text_is_cleaned_without_loss(raw: str | None, kept: str) -> None:
    assert clean(raw) == kept


@pytest.mark.parametrize(("bad", "message"), [(None, "Write a message"), (" \n", "Write a message"), ("x" * 11, "11")])
def test_a_bad_prompt_is_refused_with_a_reason(bad: str | None, message: str) -> None:
    with pytest.raises(InputError, match=message):
        to_prompt(bad, 10)


def test_instructions_are_optional_and_limited() -> None:
    assert to_instructions([], 10) == []
    assert to_instructions(["", "  ", None], 10) == []
    assert to_instructions(["", " Be kind "], 10) == [Message(role="system", content="Be kind")]
    assert to_instructions(["Be long, " * 9, "and kind"], 10)[0]["content"].endswith("Be long,\n\nand kind")
    with pytest.raises(InputError, match="instructions are too long"):
        to_instructions(["", "x" * 11], 10)


@pytest.mark.parametrize(("asked", "given"), [(None, 50), (0, 50), (7.9, 7), (-3, 1), (10**9, 50)])
def test_the_length_of_an_answer_stays_within_the_limit(asked: float | None, given: int) -> None:
    assert to_token_limit(asked, 50) == given
