"""The function behind the page. Replace this file first: plain Python that never imports Gradio."""


class InputError(ValueError):
    """Something that the visitor can put right: the page shows its text as it is."""

    for_visitor = True


def describe(text: str) -> dict[str, int]:
    """Count what is in a text."""
    if not text.strip():
        raise InputError("Write something first.")
    return {"words": len(text.split()), "characters": len(text)}
