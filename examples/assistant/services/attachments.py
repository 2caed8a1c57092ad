"""What a language model can take of a file: the text of a text or a PDF, or a picture. Anything else is refused.

What a file is, is told by what stands in it: names are only for people.
"""

import base64
import codecs
import json
import subprocess
import sys
import threading
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageOps

from services.errors import InputError

TAKEN = "Attach a text, a PDF or a picture (PNG, JPEG, WebP, GIF)"
GONE = "{} is not kept any more. Attach it again."
PICTURES = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")
"""Formats that Pillow reads by itself: EPS and its like would start programs."""
LONGEST_SIDE = 1536
"""Pixels; model servers make larger pictures smaller anyway, and each costs time and tokens."""
PDF_SECONDS = 20
PDFS = threading.BoundedSemaphore(2)
"""So many are read at once; others wait."""
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


@dataclass(frozen=True)
class Limits:
    """How much of files goes into one message."""

    files: int = 5
    chars: int = 20_000
    """Of all texts together."""
    pages: int = 50
    """Of a PDF."""
    pictures: int = 0
    """0 if the model sees none."""


@dataclass(frozen=True)
class Attachment:
    """What the model gets of a file: one of the two."""

    name: str
    text: str = ""
    picture: str = ""
    """As a `data:` address, which is how it goes to model servers."""
    pages: int = 0
    """Of a PDF."""


def read_files(paths: Sequence[Path], limits: Limits) -> list[Attachment]:
    """Read the files of a message. It takes seconds, so call it in a thread.

    Raises:
        InputError: for the first file that cannot be taken, in a sentence that names it.

    """
    if len(paths) > limits.files:
        raise InputError(f"At most {limits.files} files can be taken with a message (APP_UPLOAD_FILES).")
    found: list[Attachment] = []
    for path in paths:
        found.append(read_file(path, limits))
        if sum(bool(file.picture) for file in found) > limits.pictures:
            raise InputError(too_many_pictures(path.name, limits))
        if sum(len(file.text) for file in found) > limits.chars:
            raise InputError(too_much_text(path.name, limits))
    return found


def read_file(path: Path, limits: Limits) -> Attachment:
    """Read one file.

    Raises:
        InputError: if it cannot be taken.

    """
    try:
        with path.open("rb") as file:
            begin = file.read(4 * limits.chars + 4)  # No character of a text takes more than four bytes.
    except OSError:
        raise InputError(GONE.format(path.name)) from None
    if b"%PDF-" in begin[:1024]:
        return read_pdf(path, limits)
    if picture := read_picture(path):
        return Attachment(path.name, picture=picture)
    text = to_text(begin).strip()
    if not text:
        reason = "holds nothing that can be read" if begin.strip() else "is empty"
        raise InputError(f"{path.name} {reason}. {TAKEN}.")
    return Attachment(path.name, text)


def to_text(data: bytes) -> str:
    """Read bytes as text: UTF-8, what a mark at the start says, or what Windows writes. Empty if it is no text."""
    marked = next((encoding for mark, encoding in MARKS.items() if data.startswith(mark)), "utf-8")
    for encoding in (marked, "cp1252"):
        try:
            # Not final: a long file was cut, perhaps within a character.
            text = codecs.getincrementaldecoder(encoding)().decode(data)
        except UnicodeDecodeError:
            continue
        odd = any(unicodedata.category(char) == "Cc" and char not in "\t\n\r\f" for char in text)
        return "" if odd else text.replace("\r\n", "\n")
    return ""


def read_pdf(path: Path, limits: Limits) -> Attachment:
    """Read the text of a PDF in another process, which is ended if it takes too long.

    Raises:
        InputError: if there is none, or too much.

    """
    # With -P, no file of this folder is taken for a package of the same name.
    program = [sys.executable, "-P", str(Path(__file__).with_name("pdf.py"))]
    command = [*program, str(path), str(limits.pages), str(limits.chars)]
    try:
        with PDFS:
            done = subprocess.run(  # noqa: S603 (no shell)
                command, capture_output=True, text=True, check=False, timeout=PDF_SECONDS
            )
    except subprocess.TimeoutExpired:
        raise InputError(f"{path.name} takes too long to read. Save it anew, or paste its text.") from None
    if done.returncode:
        raise InputError(f"{path.name} is damaged and cannot be read. Save it anew, or paste its text.")
    said = json.loads(done.stdout)
    match said.get("problem"):
        case "locked":
            raise InputError(f"{path.name} is locked by a password. Attach one that is not.")
        case "pages":
            raise InputError(
                f"{path.name} has {said['pages']} pages. At most {limits.pages} can be taken (APP_UPLOAD_PAGES)."
            )
        case "chars":
            raise InputError(too_much_text(path.name, limits))
        case "scan":
            raise InputError(f"{path.name} holds pictures of pages and no text. Run a text recognition over it first.")
        case _:
            return Attachment(path.name, said["text"], pages=said["pages"])


def read_picture(path: Path) -> str:
    """Give a picture as a `data:` address: upright, not too large, without what cameras note. Empty if it is none.

    Raises:
        InputError: if it is damaged, or larger than is allowed.

    """
    try:
        with Image.open(path, formats=PICTURES) as picture:
            is_deep = picture.mode.startswith(("I", "F"))
            picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # A JPEG is made smaller while it is decoded.
            upright = ImageOps.exif_transpose(picture).convert("RGBA")
    except Image.UnidentifiedImageError:
        return ""
    except Image.DecompressionBombError:
        raise InputError(f"{path.name} has too many pixels (APP_MAX_PIXELS).") from None
    except (OSError, SyntaxError, ValueError):
        raise InputError(f"{path.name} is damaged and cannot be read. Save it anew.") from None
    if is_deep:  # Pillow would make white of most of it.
        raise InputError(f"{path.name} has more than 8 bits a colour. Save it as a usual PNG or JPEG.")
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    # On white: behind what is transparent, black ink on black could stand.
    paper = Image.new("RGBA", upright.size, "white")
    paper.alpha_composite(upright)
    written = BytesIO()
    paper.convert("RGB").save(written, "JPEG", quality=90)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getvalue()).decode()}"


def too_much_text(name: str, limits: Limits) -> str:
    """Say that the texts are too long."""
    return f"With {name}, the files hold more than {limits.chars} characters (APP_UPLOAD_CHARS). Attach less."


def too_many_pictures(name: str, limits: Limits) -> str:
    """Say that the model cannot see this picture."""
    if limits.pictures:
        return f"{name} is one too many: {limits.pictures} pictures can be taken (APP_UPLOAD_PICTURES)."
    return f"{name} is a picture, and the model sees none. Describe it, or attach its text."
