"""Files as visitors attach them, made here."""

from io import BytesIO

from PIL import Image
from pypdf import PdfReader, PdfWriter


def pdf(*pages: str) -> bytes:
    """Make a PDF with a line of text on each page; a page without one is like a scan."""
    parts = ["<< /Type /Catalog /Pages 2 0 R >>", "", "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    kids: list[str] = []
    for text in pages:
        stream = f"BT /F 12 Tf 72 700 Td ({text}) Tj ET" if text else ""
        parts.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
        resources = "/Resources << /Font << /F 3 0 R >> >>"
        parts.append(f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] {resources} /Contents {len(parts)} 0 R >>")
        kids.append(f"{len(parts)} 0 R")
    parts[1] = f"<< /Type /Pages /Kids [{' '.join(kids)}] /Count {len(kids)} >>"
    body, places = "%PDF-1.4\n", []
    for number, part in enumerate(parts, 1):
        places.append(f"{len(body):010} 00000 n \n")
        body += f"{number} 0 obj\n{part}\nendobj\n"
    table = f"xref\n0 {len(places) + 1}\n0000000000 65535 f \n{''.join(places)}"
    end = f"trailer\n<< /Size {len(places) + 1} /Root 1 0 R >>\nstartxref\n{len(body)}\n%%EOF\n"
    return (body + table + end).encode()


def locked(plain: bytes, password: str) -> bytes:
    """Lock a PDF."""
    writer, written = PdfWriter(PdfReader(BytesIO(plain))), BytesIO()
    writer.encrypt(password, "of the owner", algorithm="RC4-128")
    writer.write(written)
    return written.getvalue()


def picture(kind: str = "PNG", size: tuple[int, int] = (40, 20), mode: str = "RGB", **more: object) -> bytes:
    """Make a picture of one colour."""
    written = BytesIO()
    Image.new(mode, size).save(written, kind, **more)
    return written.getvalue()
