"""The questions as a person meets them: real prompts, driven by keys, compared with a reviewed transcript.

After a change that is meant: `UPDATE_SNAPSHOTS=1 uv run pytest tests/test_prompts.py`, then read the diff.
"""

import os
import re
from pathlib import Path

import pytest
from copier import run_copy

from tests.conftest import ROOT
from tests.prompts import DOWN, ENTER, Keys, typing

SNAPSHOTS = ROOT / "tests" / "snapshots"
NAME, TYPE, TARGET, AUTH, MODEL = ("called?", "kind of app", "Where will", "Who may", "Which model")
START, FEATURES = ("at the start", "What else")

JOURNEYS: dict[str, tuple[Keys, dict[str, str]]] = {
    "defaults": (
        [(NAME, ENTER), (TYPE, ENTER), (TARGET, ENTER), (AUTH, ENTER), (START, ENTER), (FEATURES, ENTER)],
        {"app_type": "blocks", "project_name": "My Gradio App"},
    ),
    "interface": (
        [
            (NAME, " 2" + ENTER),
            (TYPE, DOWN + ENTER),
            (TARGET, ENTER),
            (AUTH, ENTER),
            (START, DOWN + ENTER),
            (FEATURES, ENTER),
        ],
        {"app_type": "interface", "start_from": "skeleton", "project_name": "My Gradio App 2"},
    ),
    "password": (
        [(NAME, ENTER), (TYPE, ENTER), (TARGET, ENTER), (AUTH, DOWN + ENTER), (START, ENTER), (FEATURES, " " + ENTER)],
        {"auth_mode": "password", "features": "\n- rate_limit"},
    ),
    "chat-with-a-server": (
        [
            (NAME, ENTER),
            (TYPE, DOWN * 2 + ENTER),
            (TARGET, ENTER),
            (AUTH, ENTER),
            (MODEL, DOWN + ENTER),
            (START, ENTER),
            (FEATURES, ENTER),
        ],
        {"app_type": "chat", "model": "openai"},
    ),
}


@pytest.mark.parametrize("journey", JOURNEYS)
@pytest.mark.usefixtures("without_git")
def test_the_prompts_are_as_reviewed(journey: str, template: Path, tmp_path: Path) -> None:
    keys, expected = JOURNEYS[journey]
    with typing(keys) as screen:
        run_copy(str(template), tmp_path / "app", quiet=True)
    answers = (tmp_path / "app" / ".copier-answers.yml").read_text(encoding="utf-8")
    for key, value in expected.items():
        assert f"{key}: {value}\n".replace(": \n", ":\n") in answers
    shown = transcript(screen.getvalue())
    path = SNAPSHOTS / f"prompts-{journey}.txt"
    if "UPDATE_SNAPSHOTS" in os.environ:
        path.write_text(shown, encoding="utf-8")
    assert shown == path.read_text(encoding="utf-8")


def transcript(text: str) -> str:
    """Keep what a person reads: each question as it appears and as it ends up, not every redraw while typing."""
    shown: dict[str, list[str]] = {}
    for frame in text.split("🎤")[1:]:
        lines = [line.rstrip() for line in re.split(r"[\r\n]+", frame) if line.strip()]
        shown.setdefault(lines[0].strip(), []).append("\n".join(lines[1:]))
    parts: list[str] = []
    for question, frames in shown.items():
        # Now and then the answer is drawn beside the choices before it is drawn alone.
        head, _, last = frames[0].rpartition("\n")
        frames[0] = head if head and last.strip() == frames[-1].strip() else frames[0]
        parts += [f"? {question}", frames[0], *(["=>", frames[-1]] if frames[-1] != frames[0] else []), ""]
    return "\n".join(parts)
