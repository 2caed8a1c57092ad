"""The comparison itself sees what differs, and nothing else."""

from tests.conformance import pages  # noqa: F401 (fills the registry)
from tests.conformance.differences import ALLOWED, allowed
from tests.conformance.kit import CASES
from tests.conformance.views import Seen, differences, plain_text, plain_url


def test_each_kind_of_difference_is_named() -> None:
    plain = Seen(["a", "b"], ["x=1"], files=["f 1"], answers={"python /f": "1"})
    ours = Seen(
        ["a", "c"], ["x=2"], ["p.png"], ["GET /x 404"], ["bad"], ["worse"], ["f 2"], ["note"], {"python /f": "2"}
    )
    kinds = {line.partition(":")[0] for line in differences(plain, ours)}
    assert kinds == {"text", "fields", "pictures", "requests", "console", "errors", "files", "notes", "answers"}
    assert "text: only plain: b" in differences(plain, ours)
    assert not differences(plain, plain)
    assert differences(Seen(["a", "b"]), Seen(["b", "a"])) == ["text: the order differs"]
    assert differences(Seen(["a"]), Seen(["a", "a"])) == ["text: only here: a"]
    assert differences(Seen([]), Seen(["Loading"])) == ["text: only here: Loading"]
    assert not differences(Seen(["Loading"]), Seen([]))


def test_what_differs_from_run_to_run_does_not_count() -> None:
    assert plain_text("took 0.31s at http://127.0.0.1:8123/x?y=1") == "took  at /x"
    assert plain_url("http://localhost:1/gradio_api/file=/tmp/a/0123456789abcdef0123/b.png") == "/gradio_api/file=b.png"
    assert plain_url("https://pictures.example.com/cat.png") == "https://pictures.example.com/cat.png"


def test_an_allowed_difference_is_allowed_on_its_pages_alone() -> None:
    assert allowed("deep_link_button", "requests: only here: GET /gradio_api/deep_link 404")
    assert not allowed("textbox", "requests: only here: GET /gradio_api/deep_link 404")
    for each in ALLOWED:
        assert each.pages <= set(CASES)
