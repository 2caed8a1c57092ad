"""Reading of pictures as they are meant, whatever camera or program made them, and the canvas of the page."""

from io import BytesIO
from pathlib import Path
from typing import Any, cast

import gradio as gr
import numpy as np
import pillow_heif
from gradio.components.image_editor import EditorData
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from server.errors import translated
from services.errors import InputError

Pixels = NDArray[np.uint8]
"""Shape (height, width, 4): red, green, blue and how opaque, each from 0 to 255."""
USE = "Use PNG, JPEG, WebP, GIF, TIFF or HEIC."
SIGNS = {b"%PDF": "PDF", b"<svg": "SVG", b"<?xml": "SVG", b"8BPS": "Photoshop", b"II\x1a\x00\x00\x00HEAPCCDR": "CR3"}
"""What a file begins with that is often taken for a picture."""

cast("Any", pillow_heif).register_heif_opener()  # What telephones of Apple write.


def read_picture(source: str | bytes, name: str = "") -> Pixels:
    """Read a picture: upright, in 8 bits, and of an animation the first frame.

    Args:
        source: Path of the file, or its bytes.
        name: The name of the file at its owner, to say which kind it is.

    Raises:
        InputError: if it cannot be read. The text names the format, and no path.

    """
    kind = Path(name).suffix.removeprefix(".").upper()
    try:
        with Image.open(BytesIO(source) if isinstance(source, bytes) else source) as image:
            kind = image.format or kind
            image.load()
            return np.asarray(to_rgba(ImageOps.exif_transpose(image), kind))
    except InputError:
        raise
    except UnidentifiedImageError:
        start = source[:16] if isinstance(source, bytes) else first_bytes(Path(source))
        kind = next((named for sign, named in SIGNS.items() if start.startswith(sign)), kind)
        raise InputError(f"{kind or 'This kind of'} files cannot be read. {USE}") from None
    except Image.DecompressionBombError:
        raise InputError(f"The {kind} picture has too many pixels. Scale it down and try again.") from None
    except (OSError, SyntaxError, ValueError, EOFError):  # What Pillow says about broken bytes.
        raise InputError(f"The {kind} picture is broken. Save it again, or use another one.") from None


def to_rgba(image: Image.Image, kind: str) -> Image.Image:
    """Convert a picture of any mode to red, green, blue and alpha in 8 bits.

    Raises:
        InputError: if its values have no fixed range.

    """
    if image.mode == "F":
        raise InputError(f"The {kind} picture holds measurements and no colours. {USE}")
    if image.mode.startswith("I"):
        # Pillow would cut off what is above 255, which makes nearly everything white.
        grey = np.asarray(image, dtype=np.float64)
        depth = 255 if grey.max(initial=0) < 256 else 65535  # noqa: PLR2004
        image = Image.fromarray((grey * (255 / depth)).clip(0, 255).astype(np.uint8))
    if image.mode == "CMYK":
        image = image.convert("RGB")
    return image.convert("RGBA")


def first_bytes(path: Path) -> bytes:
    """Read what a file begins with."""
    with path.open("rb") as file:
        return file.read(16)


class Canvas(gr.ImageEditor):
    """Gradio's editor, which reads the files that programs send by `read_picture`."""

    is_template = True  # The page knows it as what it is derived from.

    @translated("picture")
    def preprocess(self, payload: EditorData | None) -> Any:  # noqa: ANN401
        """Give what the handler gets: arrays of shape (height, width, 4), or None."""
        if payload is None or payload.id is not None:  # Drawn on the page, whose browser read the picture.
            return super().preprocess(payload)
        parts = {"background": payload.background, "composite": payload.composite or payload.background}
        return {
            "layers": [pixels(layer) for layer in payload.layers or ()],
            **{name: None if file is None else pixels(file) for name, file in parts.items()},
        }


def pixels(file: Any) -> Pixels:  # noqa: ANN401
    """Read one file of an editor."""
    return read_picture(file.path, file.orig_name or file.path)
