"""From an answer to what a conversation shows of it, and from a failure to what helps."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from functools import wraps
from typing import Any

import gradio as gr

from services.attachments import Attachment
from utils.answers import Answer
from utils.attaching import Said, content_of, said_in, text_of
from utils.history import FILE, Turn

Shown = str | list[dict[str, Any]]
"""What a handler of `gr.ChatInterface` gives."""
GO_ON = "Go on where you stopped."
TRY_AGAIN = "Try again"
FORMULAS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "$", "right": "$", "display": False},
]
"""How models write LaTeX."""
FORGOTTEN = "The conversation has grown too long for the model: it does not see the earlier messages any more."


def to_shown(answer: Answer, limit: int, *, is_shortened: bool = False, files: Sequence[Attachment] = ()) -> Shown:
    """Show an answer, below the files that it is about.

    Thinking and tools are folded above it, sources below, and there is a button where it was cut at `limit`.
    """
    before = [to_file(file) for file in files if file.text]
    if is_shortened:
        before.append(aside("Earlier messages are left out", FORGOTTEN, is_done=True))
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


def to_file(file: Attachment) -> dict[str, Any]:
    """Show what the model is given of a file. Later turns take it from here: the file itself goes after a while."""
    fence = "`" * (max(map(len, re.findall("`+", file.text)), default=2) + 1)
    shown = aside(FILE + file.name, "", is_done=True)
    pages = f"{file.pages} page{'s' if file.pages > 1 else ''}, " if file.pages else ""
    shown["metadata"]["log"] = f"{pages}{len(file.text):,} characters"
    # As a block: Gradio would make spaces of tabs.
    return shown | {"content": [{"type": "text", "text": f"{fence}\n{file.text}\n{fence}"}]}


def code(arguments: str, result: str) -> str:
    """Show what a tool was given and what it gave."""
    return f"```json\n{arguments}\n```" + (f"\n```\n{result}\n```" if result else "")


def told(answer: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap what answers on the page: a failure becomes the end of the conversation, with a button to try again.

    Gradio would leave the box closed, and lose the question and what there was of the answer.
    """

    @wraps(answer)
    async def tells(message: Said, history: Sequence[Turn], *rest: object) -> AsyncGenerator[tuple[Any, Any]]:
        message = anew(message, history)
        history = without_failure(history)
        shown: list[Any] = [*history, {"role": "user", "content": content_of(message)}]
        try:
            async with aclosing(answer(message, history, *rest)) as frames:
                async for value, conversation in frames:
                    shown = conversation
                    yield value, shown
        except gr.Error as error:
            again = {"options": [{"label": TRY_AGAIN, "value": text_of(message) or TRY_AGAIN}]}
            yield None, [*shown, aside(str(error.title), str(error.message)) | again]

    return tells


def without_failure(history: Sequence[Turn]) -> list[Turn]:
    """Take a question that failed out of the conversation, with what there was of its answer: it is asked anew."""
    if failed_value(history) is None:
        return list(history)
    users = [number for number, turn in enumerate(history) if turn["role"] == "user"]
    return list(history[: users[-1]]) if users else []


def failed_value(history: Sequence[Turn]) -> str | None:
    """Give what the button says that asks a failed question anew; None if there is none."""
    options = (history[-1].get("options") or []) if history else []
    return next((option["value"] for option in options if option.get("label") == TRY_AGAIN), None)


def anew(message: Said, history: Sequence[Turn]) -> Said:
    """Give the question that failed, with its files, where its button was pressed, which sends a text alone."""
    users = [turn for turn in history if turn["role"] == "user"]
    return said_in(users[-1]) if users and message == failed_value(history) else message


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
