"""A filter: softens a picture and says what became of it."""

from PIL import Image, ImageFilter

from services.errors import InputError


def soften(picture: Image.Image | None, radius: float, grey: bool) -> tuple[Image.Image, dict[str, int]]:
    """Blur a picture, in grey if asked for; tell its size and the number of its colours."""
    if picture is None:
        raise InputError("Upload a picture first.")
    soft = picture.convert("L" if grey else "RGB").filter(ImageFilter.GaussianBlur(radius))
    width, height = soft.size
    return soft, {"width": width, "height": height, "colours": len(soft.getcolors(width * height) or [])}
