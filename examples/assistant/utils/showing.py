"""From an answer to what a conversation shows of it, and from a failure to what helps."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import wraps
from typing import Any

import gradio as gr

from utils.answers import Answer
from utils.history import Turn

Shown = str | list[dict[str, Any]]
"""What a handler of `gr.ChatInterface` gives."""
GO_ON = "Go on where you stopped."
FORMULAS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "$", "right": "$", "display": False},
]
"""How models write LaTeX."""
FORGOTTEN = "The conversation has grown too long for the model: it does not see the earlier messages any more."


def to_shown(answer: Answer, limit: int, *, is_shortened: bool = False) -> Shown:
    """Show an answer: thinking and tools folded above it, sources below, and a button where it was cut at `limit`."""
    before: list[dict[str, Any]] = (
        [aside("Earlier messages are left out", FORGOTTEN, is_done=True)] if is_shortened else []
    )
    if answer.thinking:
        before.append(aside("Thinking", answer.thinking, is_done=bool(answer.text or answer.end)))
    before += [
        aside(f"Tool: {step.name}", code(step.arguments, step.result), is_done=bool(step.result))
        for step in answer.steps
    ]
    if answer.notice:
        before.append(aside(answer.notice, "", is_done=False))
    after: list[dict[str, Any]] = []
    if answer.sources:
        links = "\n".join(f"- [{source.title or source.url}]({source.url})" for source in answer.sources)
        after.append(aside("Sources", links))
    if answer.is_cut:
        text = f"The answer has reached its limit of {limit} tokens."
        after.append(aside("Cut off", text) | {"options": [{"label": "Go on", "value": GO_ON}]})
    said = [{"role": "assistant", "content": answer.text}] if answer.text else []
    return [*before, *said, *after] if before or after else answer.text


def aside(title: str, text: str, *, is_done: bool | None = None) -> dict[str, Any]:
    """Make a message that is no part of the conversation: it has a title, and is never sent to the model.

    It is open, or folded if it is done, or turning if it is not.
    """
    status = {} if is_done is None else {"status": "done" if is_done else "pending"}
    return {"role": "assistant", "content": text, "metadata": {"title": title} | status}


def code(arguments: str, result: str) -> str:
    """Show what a tool was given and what it gave."""
    return f"```json\n{arguments}\n```" + (f"\n```\n{result}\n```" if result else "")


def told(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what answers on the page: a failure becomes the end of the conversation, with a button to try again.

    Gradio would leave the box closed, and lose the question and what there was of the answer.
    """

    @wraps(answer)
    async def tells(message: str, history: Sequence[Turn], *rest: object) -> AsyncGenerator[tuple[Any, Any]]:
        history = without_failure(history)
        shown: list[Any] = [*history, {"role": "user", "content": message}]
        try:
            async with aclosing(answer(message, history, *rest)) as frames:
                async for value, conversation in frames:
                    shown = conversation
                    yield value, shown
        except gr.Error as error:
            again = {"options": [{"label": "Try again", "value": message}]}
            yield None, [*shown, aside(str(error.title), str(error.message)) | again]

    return tells


def without_failure(history: Sequence[Turn]) -> list[Turn]:
    """Take a question that failed out of the conversation, with what there was of its answer: it is asked anew."""
    options = (history[-1].get("options") or []) if history else []
    if not any(option.get("label") == "Try again" for option in options):
        return list(history)
    users = [number for number, turn in enumerate(history) if turn["role"] == "user"]
    return list(history[: users[-1]]) if users else []


def text_only(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what answers programs: they get the text of an answer, whatever the page shows beside it."""

    @wraps(answer)
    async def answers(*inputs: object) -> AsyncGenerator[tuple[str, Any]]:
        async with aclosing(answer(*inputs)) as frames:
            async for value, conversation in frames:
                yield to_text(value), conversation

    return answers


def to_text(shown: Shown) -> str:
    """Give the text of what is shown."""
    parts = [shown] if isinstance(shown, str) else [part["content"] for part in shown if "metadata" not in part]
    return "\n\n".join(parts)
