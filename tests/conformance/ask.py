"""Programs that ask a page: Gradio's clients for Python and for JavaScript."""

import hashlib
import json
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from .kit import Case, media
from .views import plain_text

PATIENCE = 20
"""Seconds that an answer may take."""
FILES = {
    "Image": "picture.png",
    "Imageslider": "picture.png",
    "Audio": "tone.wav",
    "Microphone": "tone.wav",
    "Video": "film.mp4",
    "File": "note.txt",
    "Uploadbutton": "note.txt",
    "Downloadbutton": "note.txt",
    "Model3D": "body.obj",
}
"""What is given to a component that takes a file."""
Calls = list[dict[str, Any]]


def connect(url: str, headers: dict[str, str], folder: Path) -> Client:
    """Connect a program in Python; its files go into a folder."""
    return Client(url, verbose=False, headers=headers or None, download_files=folder, analytics_enabled=False)


def calls_of(case: Case, told: dict[str, Any]) -> Calls:
    """Plan a call of each event that has a name: as the page says, or else with examples where there is no default."""
    calls: Calls = []
    for name, endpoint in sorted(told["named_endpoints"].items()):
        args = case.ask.get(name)
        if args is None:
            needed = [each for each in endpoint["parameters"] if not each.get("parameter_has_default")]
            args = {each["parameter_name"]: example(each) for each in needed}
        calls.append({"name": name, "args": args})
    return calls


def example(parameter: dict[str, Any]) -> Any:  # noqa: ANN401
    """Give an example for a parameter."""
    kind = parameter["component"]
    if kind in FILES:
        file: Any = {"$file": media(FILES[kind])}
        if kind == "Video":
            return file
        many = "list" in str(parameter.get("python_type", ""))
        return [file] if many else file
    if kind in {"Imageeditor", "Sketchpad", "Paint", "Imagemask"}:
        return {"background": {"$file": media("picture.png")}, "layers": [], "composite": None}
    if kind == "Gallery":
        return [{"image": {"$file": media("picture.png")}, "caption": None}]
    return parameter.get("example_input")


def in_python(value: Any) -> Any:  # noqa: ANN401
    """Put files into arguments."""
    if isinstance(value, list):
        return [in_python(each) for each in value]
    if isinstance(value, dict):
        return (
            handle_file(value["$file"]) if "$file" in value else {key: in_python(each) for key, each in value.items()}
        )
    return value


def answers_in_python(client: Client, calls: Calls) -> dict[str, str]:
    """Ask everything with the client for Python."""
    answers: dict[str, str] = {}
    for call in calls:
        args = {key: in_python(value) for key, value in call["args"].items()}
        try:
            answer = client.submit(api_name=call["name"], **args).result(timeout=PATIENCE)
            answers[f"python {call['name']}"] = plain_text(json.dumps(plain(answer), default=str, sort_keys=True))
        except Exception as error:  # noqa: BLE001 (a refusal is an answer too)
            answers[f"python {call['name']}"] = plain_text(f"refused: {type(error).__name__}: {error}")
    return answers


def plain(value: Any) -> Any:  # noqa: ANN401
    """Write an answer so that two servers can be compared: what is in files counts, not where they are."""
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, str) and value.startswith(tempfile.gettempdir()) and Path(value).is_file():
        return f"file {Path(value).name} {hashlib.sha256(Path(value).read_bytes()).hexdigest()[:16]}"
    return value


class JavaScript:
    """A program on Node that asks with the client for JavaScript."""

    def __init__(self, folder: Path) -> None:
        """Start it in a folder where the client is installed."""
        self.process = subprocess.Popen(
            ["node", "ask.mjs"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # closing a client writes there that its stream is closed
            text=True,
        )

    def ask(self, url: str, headers: dict[str, str], calls: Calls) -> dict[str, str]:
        """Ask everything."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps({"url": url, "headers": headers, "calls": calls}) + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        return {f"javascript {name}": plain_text(answer) for name, answer in said.items()}

    def close(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.communicate(timeout=30)
