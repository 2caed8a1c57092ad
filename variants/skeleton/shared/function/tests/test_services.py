"""The function, without Gradio."""

from services.model import describe


def test_the_words_and_characters_of_a_text_are_counted() -> None:
    assert describe("One fish, two fish.") == {"words": 4, "characters": 19}
