"""The filter, without Gradio."""

import pytest
from PIL import Image

from services.errors import InputError
from services.model import soften


@pytest.mark.parametrize(("grey", "mode"), [(True, "L"), (False, "RGB")])
def test_a_picture_keeps_its_size(grey, mode):
    soft, facts = soften(Image.new("RGB", (30, 20), "red"), 2, grey)
    assert (soft.mode, facts) == (mode, {"width": 30, "height": 20, "colours": 1})


def test_no_picture_is_said():
    with pytest.raises(InputError, match="Upload a picture first"):
        soften(None, 1, False)
