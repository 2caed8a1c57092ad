"""What the model gets of a file, without Gradio."""

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from services import attachments
from services.attachments import Attachment, Limits, read_files, to_text
from services.errors import InputError
from tests.pdfs import locked, pdf, picture

SEES = Limits(pictures=2)


@pytest.fixture
def read(tmp_path: Path) -> "Read":
    return Read(tmp_path)


class Read:
    """Reads a file of this name that holds these bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, name: str, data: bytes | str, limits: Limits = SEES) -> Attachment:
        return read_files([self.path(name, data)], limits)[0]

    def path(self, name: str, data: bytes | str) -> Path:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path


def decoded(file: Attachment) -> Image.Image:
    head, _, data = file.picture.partition(",")
    assert head == "data:image/jpeg;base64"
    return Image.open(BytesIO(base64.b64decode(data)))


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain", "plain"),
        ("Gr\u00fc\u00dfe \u6771\u4eac".encode(), "Gr\u00fc\u00dfe \u6771\u4eac"),
        ("\ufeffa mark".encode(), "a mark"),
        ("Gr\u00fc\u00dfe".encode("utf-16"), "Gr\u00fc\u00dfe"),
        (b"\xfe\xff\0b\0e", "be"),
        ("20 \u20ac of Windows".encode("cp1252"), "20 \u20ac of Windows"),
        (b"a\tb\r\nc", "a\tb\nc"),
        ("cut \u20ac".encode()[:-1], "cut "),
        (b"\x00\x01\x02", ""),
        (b"\x81\x8d\xff", ""),
        (b"PK\x03\x04\x14", ""),
    ],
)
def test_a_text_is_read_however_it_was_written(data: bytes, text: str) -> None:
    assert to_text(data) == text


def test_a_text_comes_with_its_name(read: Read) -> None:
    assert read("notes.md", "# Title\n") == Attachment("notes.md", "# Title")
    # The name says nothing: this is what an editor saved as a picture.
    assert read("notes.png", "no picture").text == "no picture"
    assert read("drawing.svg", "<svg/>").text == "<svg/>"


def test_the_text_of_a_pdf_comes_page_by_page(read: Read) -> None:
    found = read("report.pdf", pdf("Sales are up.", "Costs are down."))
    assert found == Attachment("report.pdf", "Sales are up.\n\nCosts are down.", pages=2)


def test_a_page_without_text_is_not_left_out_in_silence(read: Read) -> None:
    text = read("report.pdf", pdf("Sales are up.", "")).text
    assert text == "Sales are up.\n\n[There is no text on page 2. It may be a scan.]"


def test_a_pdf_that_is_locked_against_changes_alone_is_read(read: Read) -> None:
    assert read("paper.pdf", locked(pdf("Open to all."), "")).text == "Open to all."


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("a.txt", b"", "a.txt is empty"),
        ("a.txt", b" \n", "a.txt is empty"),
        ("a.docx", b"PK\x03\x04\x14\x00", "a.docx holds nothing that can be read. Attach a text, a PDF or a picture"),
        ("a.heic", b"\0\0\0\x1cftypheic", "a.heic holds nothing that can be read"),
        ("a.txt", b"x" * 101, "With a.txt, the files hold more than 100 characters"),
        ("a.pdf", pdf("x" * 101), "With a.pdf, the files hold more than 100 characters"),
        ("a.pdf", pdf("one", "two", "three"), "a.pdf has 3 pages. At most 2"),
        ("a.pdf", pdf(""), "a.pdf holds pictures of pages and no text"),
        ("a.pdf", locked(pdf("secret"), "secret"), "a.pdf is locked by a password"),
        ("a.pdf", b"%PDF-1.4\nrubbish", "a.pdf is damaged"),
        ("a.png", picture()[:60], "a.png is damaged"),
        ("a.png", picture(mode="I;16"), "a.png has more than 8 bits"),
    ],
)
def test_a_file_that_cannot_be_taken_is_one_sentence(read: Read, name: str, data: bytes, said: str) -> None:
    with pytest.raises(InputError, match="^" + said.replace(".", r"\.")) as caught:
        read(name, data, Limits(chars=100, pages=2, pictures=1))
    assert str(read.folder) not in str(caught.value)


def test_a_file_that_is_gone_is_asked_for_again(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.txt is not kept any more"):
        read_files([tmp_path / "a.txt"], SEES)


def test_a_pdf_that_takes_for_ever_is_given_up(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachments, "PDF_SECONDS", 0.01)
    with pytest.raises(InputError, match="takes too long"):
        read("a.pdf", pdf("slow"))


def test_the_files_of_a_message_are_bounded_together(read: Read) -> None:
    both = [read.path("a.txt", "x" * 60), read.path("b.txt", "x" * 60)]
    assert len(read_files(both, Limits(chars=120))) == 2
    with pytest.raises(InputError, match=r"With b\.txt"):
        read_files(both, Limits(chars=119))
    with pytest.raises(InputError, match="At most 1 files"):
        read_files(both, Limits(files=1))


def test_pictures_go_to_a_model_that_sees_and_no_more_than_it_takes(read: Read) -> None:
    found = read("photo.png", picture())
    assert (found.text, decoded(found).size) == ("", (40, 20))
    with pytest.raises(InputError, match=r"photo\.png is a picture, and the model sees none"):
        read("photo.png", picture(), Limits())
    two = [read.path(name, picture()) for name in ("a.png", "b.png")]
    with pytest.raises(InputError, match=r"b\.png is one too many: 1 pictures"):
        read_files(two, Limits(pictures=1))


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
def test_a_picture_is_read_in_every_usual_format(read: Read, kind: str) -> None:
    assert decoded(read("photo", picture(kind))).size == (40, 20)


def test_a_picture_is_upright_and_not_too_large_and_tells_not_where_it_was_taken(read: Read) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by the camera
    exif[0x010E] = "at home"
    seen = decoded(read("photo.jpg", picture("JPEG", (3000, 1500), exif=exif)))
    assert seen.size == (768, 1536)
    assert not seen.getexif()


def test_what_is_transparent_is_white(read: Read) -> None:
    assert decoded(read("logo.png", picture(mode="RGBA"))).getpixel((5, 5)) == (255, 255, 255)


def test_a_picture_with_too_many_pixels_is_refused(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 300)
    with pytest.raises(InputError, match="too many pixels"):
        read("photo.png", picture())
