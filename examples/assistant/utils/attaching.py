"""From what the box of a chat sends to a message for the model: text, and files where `APP_UPLOADS` is on."""

import asyncio
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypedDict

import gradio as gr

from services.attachments import GONE, Attachment, Limits, read_files, read_picture
from services.errors import InputError
from services.protocol import Message
from utils.history import Block, Turn, as_file, blocks_of
from utils.preprocess import clean, to_prompt
from utils.settings import Settings

Said = str | Mapping[str, Any] | None
"""A text, or `text` and `files` where files may be attached; a file is a path, or Gradio's object with one."""
NOTE = "\N{PAPERCLIP} {}\n"
"""What a saved conversation keeps of a file: its path would be of no use after a day, and to nobody else."""
NOTED = re.compile("^\N{PAPERCLIP} (.+)$", re.MULTILINE)


class Box(TypedDict):
    """What the two kinds of boxes have in common."""

    label: str
    placeholder: str
    submit_btn: str
    stop_btn: str


def message_box(settings: Settings) -> gr.Textbox | gr.MultimodalTextbox:
    """Make the box that a visitor writes in, which takes files where the settings say so."""
    same = Box(label="Message", placeholder="Write a message", submit_btn="Send", stop_btn="Stop")
    if not settings.uploads:
        return gr.Textbox(**same)
    # What is longer becomes a file when it is pasted.
    return gr.MultimodalTextbox(**same, file_count="multiple", max_plain_text_length=settings.max_prompt_chars)


def examples(texts: Sequence[Sequence[str]], settings: Settings) -> list[list[Any]]:
    """Give examples in the form that the box takes."""
    return [[{"text": text} if settings.uploads else text for text in example] for example in texts]


@dataclass(frozen=True)
class Sent:
    """A message and what its files hold."""

    text: str
    files: Sequence[Attachment] = ()

    @property
    def message(self) -> Message:
        """What the model gets of it."""
        parts = [as_file(file.name, file.text) for file in self.files if file.text]
        message = Message(role="user", content="\n".join(filter(None, [*parts, self.text])))
        if pictures := [file.picture for file in self.files if file.picture]:
            message["pictures"] = pictures
        return message


class Attachments:
    """Reads messages with their files."""

    def __init__(self, settings: Settings) -> None:
        """Take the limits from the settings."""
        self.longest, self.folder = settings.max_prompt_chars, settings.upload_dir.resolve()
        self.limits = Limits(
            files=settings.upload_files if settings.uploads else 0,
            chars=settings.upload_chars,
            pages=settings.upload_pages,
            pictures=settings.upload_pictures if settings.uploads else 0,
        )

    def read_now(self, message: Said) -> Sent:
        """Read a message. With files it takes seconds.

        Raises:
            InputError: if it is empty or too long, or a file cannot be taken.

        """
        text, files = text_of(message), files_of(message)
        if lost := NOTED.search(text):  # A message of a saved conversation, asked anew.
            raise InputError(GONE.format(lost[1]))
        prompt = to_prompt(text, self.longest) if text or not files else ""
        found = read_files(list(map(self.inside, files)), self.limits)
        return Sent(prompt, [replace(file, text=clean(file.text)) for file in found])

    async def read(self, message: Said) -> Sent:
        """Read a message, while others go on."""
        return await asyncio.to_thread(self.read_now, message)

    async def seen(self, history: Sequence[Turn], sent: Sent) -> list[Turn]:
        """Put the pictures of a conversation in place, the newest ones, as far as the model takes them."""
        room = self.limits.pictures - sum(bool(file.picture) for file in sent.files)
        turns: list[Turn] = []
        for turn in reversed(history):
            pictures = await asyncio.to_thread(self.pictures_of, turn, room) if room > 0 else []
            room -= len(pictures)
            turns.insert(0, {**turn, "pictures": pictures} if pictures else turn)
        return turns

    def pictures_of(self, turn: Turn, most: int) -> list[str]:
        """Read the pictures of a message again; one that is gone by now is left out."""
        pictures: list[str] = []
        for path in files_of({"files": [block["file"] for block in blocks_of(turn) if "file" in block]}):
            with suppress(InputError):
                pictures.append(read_picture(self.inside(path)))
        return list(filter(None, pictures))[:most]

    def inside(self, path: str) -> Path:
        """Take the path of a file only where visitors' files are, whoever named it.

        Raises:
            InputError: if it is elsewhere.

        """
        real = Path(path).resolve()
        if not real.is_relative_to(self.folder):
            raise InputError(GONE.format(real.name))
        return real


def text_of(message: Said) -> str:
    """Give what was written."""
    return (message if isinstance(message, str) else str((message or {}).get("text") or "")).strip()


def files_of(message: Said) -> list[str]:
    """Give the paths of the files of a message."""
    files: list[Any] = (message.get("files") if isinstance(message, Mapping) else None) or []
    return [file if isinstance(file, str) else str(file["path"]) for file in files]


def content_of(message: Said) -> str | list[Any]:
    """Give a message in the form in which a conversation holds it."""
    files = [{"path": path} for path in files_of(message)]
    return [*files, *filter(None, [text_of(message)])] if files else text_of(message)


def said_in(turn: Turn) -> Said:
    """Give a message of a conversation as it was sent, so that it can be sent again."""
    blocks = blocks_of(turn)
    text, files = (
        "".join(block.get("text", "") for block in blocks),
        [block["file"] for block in blocks if "file" in block],
    )
    return {"text": text, "files": files} if files else text


def without_paths(conversation: Sequence[Turn]) -> list[Turn]:
    """Put a note in the place of each file, for what is saved. The text of a file stays, as it is a part of its own."""
    return [
        {**turn, "content": [noted(block) for block in blocks_of(turn)]}
        if any("file" in block for block in blocks_of(turn))
        else turn
        for turn in conversation
    ]


def noted(block: Block) -> Block:
    """Name a file, and give anything else as it is."""
    return Block(type="text", text=NOTE.format(Path(block["file"]["path"]).name)) if "file" in block else block
