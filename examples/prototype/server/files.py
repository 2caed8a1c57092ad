"""What visitors send to be kept: looked at before anything decodes it, counted, and deleted in time.

A file of a few kilobytes may unfold to gigabytes, and what Gradio keeps it may keep for ever. Nothing here imports
Gradio.
"""

import base64
import json
import logging
import os
import shutil
import subprocess
import time
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO, cast

from PIL import Image

from server.refusals import MB
from server.settings import ServerSettings

log = logging.getLogger("app.files")

MOST_READS = 1_000_000
"""Reads that the head of a picture may take; some formats have no count of their frames and are read to their end."""
PROBE_SECONDS = 10
STARTED = time.time()
OFTEN = 60
"""Seconds between two looks at the folder of uploads, at most."""
BLOB_SECONDS = 600
"""For how long an editor's picture waits in memory for its event, which comes with the same click."""


class TooMuchError(Exception):
    """More than a limit allows; the text is for the visitor."""

    for_visitor = True


# BEFORE ANYTHING DECODES IT


class Sparing:
    """A file of which only so much is read."""

    def __init__(self, file: BinaryIO) -> None:
        """Read from `file`."""
        self.file, self.left = file, MOST_READS

    def read(self, size: int = -1) -> bytes:
        """Read on.

        Raises:
            TooMuchError: if this has been asked for too often.

        """
        self.left -= 1
        if self.left < 0:
            raise TooMuchError("This picture has too many parts.")
        return self.file.read(size)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        """Give everything else that a file can do."""
        return getattr(self.file, name)


def bound_pictures(pixels: int) -> None:
    """Let Pillow itself refuse what is larger, wherever it comes from: it raises at twice what it warns of."""
    Image.MAX_IMAGE_PIXELS = pixels // 2
    warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)


def look_at_picture(file: BinaryIO, most: int) -> bool:
    """Read the head of a picture, in any format that Pillow opens.

    Args:
        file: Where to read.
        most: Pixels that the picture may have, all frames, pages or layers together.

    Returns:
        Whether it is a picture at all.

    Raises:
        TooMuchError: if it has more.

    """
    try:
        with Image.open(cast("BinaryIO", Sparing(file))) as picture:
            pixels = picture.width * picture.height
            if pixels <= most:  # pragma: no branch (Frames are counted only then; Pillow may refuse first.)
                pixels *= int(getattr(picture, "n_frames", 1))
    except (TooMuchError, Image.DecompressionBombError) as error:
        text = str(error) if isinstance(error, TooMuchError) else "This picture is too large."
        raise TooMuchError(f"{text} At most {most / MB:g} megapixels can be taken (APP_MAX_PIXELS).") from None
    except Exception:  # noqa: BLE001 (whatever a format makes of what is none of its files: nothing decodes it later)
        return False
    if pixels > most:
        raise TooMuchError(
            f"This picture has {pixels / MB:,.1f} megapixels, all frames and pages together. "
            f"At most {most / MB:g} can be taken (APP_MAX_PIXELS)."
        )
    return True


def look_at_media(path: Path, most: int) -> None:
    """Ask ffprobe how long a sound or film is. What does not say is bounded where it is decoded.

    Raises:
        TooMuchError: if it is longer than `most` seconds, or finding out takes too long.

    """
    program = shutil.which("ffprobe")
    if program is None:  # Then nothing but WAV is decoded, which is as long as its file is large.
        return
    options = ["-v", "error", "-protocol_whitelist", "file", "-show_entries", "format=duration", "-of", "csv=p=0"]
    try:
        found = subprocess.run(  # noqa: S603 (no shell, and the path is Gradio's)
            [program, *options, f"file:{path}"], capture_output=True, text=True, check=False, timeout=PROBE_SECONDS
        ).stdout
    except subprocess.TimeoutExpired:
        raise TooMuchError("How long this file plays could not be found out.") from None
    try:
        seconds = float(found)
    except ValueError:
        return
    if seconds > most:
        text = f"This file plays {seconds:,.0f} seconds. At most {most} can be taken (APP_MAX_MEDIA_SECONDS)."
        raise TooMuchError(text)


def look_at_uploads(paths: Collection[Path], settings: ServerSettings, *, media: bool) -> None:
    """Look at files that have come, and delete one that is too much.

    Raises:
        TooMuchError: for the first one.

    """
    for path in paths:
        try:
            with path.open("rb") as file:
                is_picture = look_at_picture(file, settings.max_pixels)
            if media and not is_picture:
                look_at_media(path, settings.max_media_seconds)
        except FileNotFoundError:  # Moved only after the answer, where its folder is on another disk.
            continue
        except TooMuchError:
            path.unlink(missing_ok=True)
            raise


def look_at_data(body: bytes, most: int) -> None:
    """Look at the pictures that stand in a JSON body as `data:` addresses.

    Raises:
        TooMuchError: for the first one that is too large.

    """
    try:
        value: object = json.loads(body)
    except (ValueError, RecursionError):  # Gradio does not take it either.
        return
    for text in texts_in(value):
        head, comma, data = text.partition(";base64,")
        if comma and head.startswith("data:"):
            try:
                raw = base64.b64decode(data)
            except ValueError:
                continue
            look_at_picture(BytesIO(raw), most)


def texts_in(value: object) -> Iterator[str]:
    """Find all texts in a value, however deep."""
    rest: list[Any] = [value]
    while rest:
        item = rest.pop()
        if isinstance(item, dict):
            rest += cast("dict[str, Any]", item).values()
        elif isinstance(item, list):
            rest += cast("list[Any]", item)
        elif isinstance(item, str):
            yield item


# HOW MUCH IS KEPT


class Ledger:
    """Counts bytes by visitor and in total."""

    def __init__(self, each: int, total: int) -> None:
        """Start with nothing; both bounds are bytes."""
        self.each, self.total = each, total
        self.of: Counter[str] = Counter()
        self.sum = 0
        self.reclaim: Callable[[], object] = bool
        """Called before somebody is refused: what is no longer there may still be counted."""

    def add(self, visitor: str, size: int) -> None:
        """Count bytes; less, where `size` is below zero."""
        self.sum += size
        self.of[visitor] += size
        if self.of[visitor] <= 0:
            del self.of[visitor]

    def is_full_for(self, visitor: str, size: int) -> bool:
        """Tell whether this is more than one visitor may have."""
        if self.of[visitor] + size > self.each:
            self.reclaim()
        return self.of[visitor] + size > self.each

    def is_full(self, size: int) -> bool:
        """Tell whether this is more than all together may have."""
        if self.sum + size > self.total:
            self.reclaim()
        return self.sum + size > self.total


@dataclass(eq=False)
class Gift:
    """What one request leaves on the disk: counted for its visitor until the time of its files is over."""

    visitor: str
    size: int
    until: float
    names: tuple[str, ...] = ()
    """The files, where they are known."""


class Stored:
    """The files of all visitors: how much they take, and when they go."""

    def __init__(self, settings: ServerSettings) -> None:
        """Look after the folder of uploads and results."""
        self.folder, self.ttl = settings.upload_dir, settings.file_ttl
        self.ledger = Ledger(settings.stored_mb_per_visitor * MB, settings.stored_mb * MB)
        self.gifts: list[Gift] = []
        self.named: dict[tuple[str, tuple[str, ...]], Gift] = {}
        """Those whose files are known, by visitor and files."""
        self.on_disk = 0
        """Bytes in the folder, when it was looked at last."""
        self.own: set[str] = set()
        """Files that the page has brought, which stay."""

    def keep(self, names: Iterable[str]) -> None:
        """Let the files of the page stay: those that it names, and those that were written while it was built."""
        written = [str(path) for path, status in files_below(self.folder) if status.st_ctime >= STARTED]
        self.own = {os.path.realpath(name) for name in (*names, *written)}

    def problem(self, visitor: str, size: int) -> str:
        """Say why a visitor cannot leave so many bytes more, or nothing."""
        if self.ledger.is_full_for(visitor, size):
            return "You have sent too many files. Older ones are deleted in time (APP_STORED_MB_PER_VISITOR)."
        if self.on_disk + size > self.ledger.total:
            log.warning("the folder of uploads is full: see APP_STORED_MB and APP_FILE_TTL")
            return "There is no room for more files. Try again later (APP_STORED_MB)."
        return ""

    def expect(self, visitor: str, size: int) -> Gift:
        """Make room before the bytes come, so that many at once find no more of it than there is."""
        gift = Gift(visitor, size, time.monotonic() + self.ttl)
        self.gifts.append(gift)
        self.count(gift, size)
        return gift

    def settle(self, gift: Gift, size: int, names: Iterable[str] = ()) -> None:
        """Count what has really come, and what a visitor sends again only once.

        Gradio keeps equal files in one place, and the page of an image editor sends its parts with every click.
        """
        self.count(gift, size - gift.size)
        gift.size, gift.names = size, tuple(names)
        if not gift.names:
            return
        before = self.named.get((gift.visitor, gift.names))
        self.named[gift.visitor, gift.names] = gift
        if before is not None:
            self.forget(before)

    def count(self, gift: Gift, change: int) -> None:
        """Change what is counted for one request."""
        self.on_disk += change
        self.ledger.add(gift.visitor, change)

    def forget_old(self) -> None:
        """Count no more what has been here for as long as a file stays."""
        now = time.monotonic()
        for gift in [gift for gift in self.gifts if gift.until < now]:
            self.forget(gift)
            if self.named.get((gift.visitor, gift.names)) is gift:
                del self.named[gift.visitor, gift.names]

    def forget(self, gift: Gift) -> None:
        """Count no more what one request has left."""
        self.gifts.remove(gift)
        self.ledger.add(gift.visitor, -gift.size)

    def sweep(self) -> None:
        """Delete what is older than `APP_FILE_TTL`, whoever left it, and see how much there is. Runs in a thread."""
        counted, before, left = self.on_disk, time.time() - self.ttl, 0
        for path, status in files_below(self.folder):
            # Copying keeps the time of the original, and a rename that of writing: what counts is when it came here.
            if status.st_ctime < before and os.path.realpath(path) not in self.own:
                path.unlink(missing_ok=True)
            else:
                left += status.st_size
        self.on_disk += left - counted  # What has come meanwhile stays counted.
        forget_empty_folders(self.folder)


def files_below(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Give the files that visitors left; those of cached examples belong to the page."""
    for name, folders, files in os.walk(folder):
        if Path(name) == folder:
            folders[:] = [each for each in folders if each != "examples"]
        for each in files:
            path = Path(name, each)
            try:
                yield path, path.lstat()
            except FileNotFoundError:  # Somebody else was faster.
                continue


def forget_empty_folders(folder: Path) -> None:
    """Delete folders that hold nothing, but for those that were just made."""
    for path in folder.iterdir():
        try:
            if path.is_dir() and path.stat().st_mtime < time.time() - OFTEN:
                path.rmdir()  # Fails if there is something in it.
        except OSError:
            continue


class Blobs:
    """The pictures of image editors, which Gradio holds in memory until an event asks for them."""

    def __init__(self, settings: ServerSettings, ledger: Ledger) -> None:
        """Count them in `ledger`."""
        self.ledger, self.ttl = ledger, min(settings.file_ttl, BLOB_SECONDS)
        self.held: dict[tuple[str, str], list[Gift]] = {}
        """By editor and the id that the page gave."""

    def note(self, editors: Mapping[str, dict[str, Any]], name: str, visitor: str, size: int) -> None:
        """Count a picture, if an editor has taken it."""
        for editor in (editor for editor, storage in editors.items() if name in storage):
            self.held.setdefault((editor, name), []).append(Gift(visitor, size, time.monotonic() + self.ttl))
            self.ledger.add(visitor, size)

    def sweep(self, editors: Mapping[str, dict[str, Any]]) -> None:
        """Count less for what events have taken, and drop what no event has asked for in time."""
        now = time.monotonic()
        for (editor, name), gifts in list(self.held.items()):
            storage = editors.get(editor, {})
            if name in storage and gifts[-1].until >= now:
                continue
            storage.pop(name, None)
            del self.held[editor, name]
            for gift in gifts:
                self.ledger.add(gift.visitor, -gift.size)
