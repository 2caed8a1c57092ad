"""Pictures of every kind are read as they are meant, from files and through the event of the page."""

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import numpy as np
import pillow_heif
import pytest
from gradio.components.image_editor import EditorData
from gradio.data_classes import FileData
from PIL import Image

from services import model
from services.errors import InputError
from tests.conftest import MakeApp
from tests.server.client import AppTest, EventError
from utils.pictures import Canvas, read_picture
from utils.preprocess import Drawing, to_bitmap

Make = Callable[[Image.Image], tuple[Image.Image, dict[str, object]]]


def five() -> Image.Image:
    """Paint a five, dark on light: a digit that means something else, or nothing, when it is turned or inverted."""
    pixels = 255 - np.kron(np.pad(model.sample("5"), 2), np.ones((20, 20))) * (255 / 16)
    return Image.fromarray(pixels.astype(np.uint8))


def deep(picture: Image.Image) -> Image.Image:
    """Give 16 bits to a grey picture, of which nothing is below 256."""
    return Image.fromarray(np.asarray(picture).astype(np.uint16) * 250 + 1000)


def on_nothing(picture: Image.Image, colour: str) -> Image.Image:
    """Paint the ink alone, on a transparent ground."""
    ink = Image.new("RGBA", picture.size, colour)
    ink.putalpha(Image.eval(picture, lambda value: 255 - value))
    return ink


def turned(picture: Image.Image) -> bytes:
    """Save a picture as a camera does that was held upright."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return saved(picture.transpose(Image.Transpose.ROTATE_90), "JPEG", exif=exif)


def saved(picture: Image.Image, kind: str, **options: object) -> bytes:
    """Save a picture."""
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def photographed(picture: Image.Image) -> bytes:
    """Save a picture as telephones of Apple do, whatever Pillow itself can save here."""
    file = io.BytesIO()
    cast("Any", pillow_heif).from_pillow(picture.convert("RGB")).save(file)
    return file.getvalue()


PICTURES: dict[str, Callable[[], bytes]] = {
    "grey.png": lambda: saved(five(), "PNG"),
    "turned.jpg": lambda: turned(five()),
    "deep.png": lambda: saved(deep(five()), "PNG"),
    "deep.tiff": lambda: saved(deep(five()), "TIFF"),
    "wide.tiff": lambda: saved(Image.fromarray(np.asarray(five()).astype(np.int32)), "TIFF"),
    "bits.png": lambda: saved(five().point(lambda value: 255 * (value > 128)).convert("1"), "PNG"),
    "print.jpg": lambda: saved(five().convert("CMYK"), "JPEG"),
    "print.tiff": lambda: saved(five().convert("CMYK"), "TIFF"),
    "palette.png": lambda: saved(five().convert("P"), "PNG"),
    "palette.gif": lambda: saved(five(), "GIF"),
    "animation.gif": lambda: saved(five(), "GIF", save_all=True, append_images=[Image.new("L", five().size)]),
    "animation.webp": lambda: saved(
        five().convert("RGB"), "WEBP", save_all=True, append_images=[Image.new("RGB", five().size)], lossless=True
    ),
    "phone.heic": lambda: photographed(five()),
    "white.png": lambda: saved(on_nothing(five(), "white"), "PNG"),
    "black.png": lambda: saved(on_nothing(five(), "black"), "PNG"),
    "yellow.png": lambda: saved(on_nothing(five(), "yellow"), "PNG"),
}
REFUSED: dict[str, tuple[bytes, str]] = {
    "drawing.svg": (b'<svg xmlns="http://www.w3.org/2000/svg"/>', "SVG files cannot be read. Use PNG"),
    "letter.pdf": (b"%PDF-1.7", "PDF files cannot be read"),
    "photo.raw": (b"\0" * 99, "RAW files cannot be read"),
    "nothing": (b"", "This kind of files cannot be read"),
    "cut.png": (PICTURES["grey.png"]()[:200], "The PNG picture is broken"),
    "cut.jpg": (PICTURES["turned.jpg"]()[:700], "The JPEG picture is broken"),
    "cut.heic": (PICTURES["phone.heic"]()[:900], "picture is broken|HEIC files cannot be read"),
    "heights.tiff": (saved(Image.fromarray(np.zeros((8, 8), np.float32)), "TIFF"), "TIFF picture holds measurements"),
}


@pytest.fixture(scope="module")
def app_test(make_app: MakeApp) -> Iterator[AppTest]:
    """Visit the app, with the model in this process."""
    with AppTest(make_app(model_workers=0)) as test:
        yield test


@pytest.mark.parametrize("name", PICTURES)
def test_a_picture_of_any_kind_is_read_as_it_is_meant(name: str, app_test: AppTest, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(PICTURES[name]())
    pixels = read_picture(path.read_bytes(), name)
    assert (pixels.shape, pixels.dtype) == ((240, 240, 4), np.uint8)
    [scores] = model.predict([to_bitmap(Drawing(background=None, layers=[], composite=pixels))])
    assert max(scores, key=scores.__getitem__) == "5"
    file = app_test.upload(path)
    [label] = app_test.call("predict", {"background": file, "layers": [], "composite": file})
    assert label["label"] == "5"


@pytest.mark.parametrize("name", REFUSED)
def test_a_picture_that_cannot_be_read_is_named_and_no_path_is(name: str, app_test: AppTest, tmp_path: Path) -> None:
    path, (content, message) = tmp_path / name, REFUSED[name]
    path.write_bytes(content)
    for source in (content, str(path)):
        with pytest.raises(InputError, match=message):
            read_picture(source, name)
    file = app_test.upload(path)
    with pytest.raises(EventError, match=message) as shown:
        app_test.call("predict", {"background": file, "layers": [], "composite": file})
    assert "/" not in str(shown.value)


def test_a_picture_with_too_many_pixels_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(InputError, match="picture has too many pixels"):
        read_picture(PICTURES["grey.png"](), "grey.png")


@pytest.mark.parametrize(
    "empty",
    [None, {}, {"background": None, "layers": [], "composite": None}],
)
def test_an_empty_input_is_a_sentence(empty: object, app_test: AppTest) -> None:
    with pytest.raises(EventError, match=r"Draw a digit or upload a picture of one first\.\W*$"):
        app_test.call("predict", empty)


def test_a_background_alone_is_a_picture_and_a_layer_is_read_too(tmp_path: Path) -> None:
    path = tmp_path / "five.png"
    path.write_bytes(PICTURES["grey.png"]())
    file = FileData(path=str(path))
    drawing = Canvas().preprocess(EditorData(background=file, layers=[file], composite=None))
    assert drawing["composite"].shape == drawing["layers"][0].shape == (240, 240, 4)
    assert Canvas().preprocess(None) is None
