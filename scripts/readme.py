"""Write the question table into the README: `uv run python -m scripts.readme`."""

import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
START, END = "<!-- questions: start -->", "<!-- questions: end -->"
ASKED_WHEN = {"{{ app_type in ['chat', 'streaming'] }}": "`chat`, `streaming`"}


def question_table() -> str:
    """Make a Markdown table of the questions that are asked."""
    questions: dict[str, Any] = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    rows = ["| Question | Answers, the default first | Asked for |", "|---|---|---|"]
    for key, question in questions.items():
        if key.startswith("_") or False in (question.get("when"), question.get("ask")):
            continue
        values = list(question.get("choices", {}).values())
        default = question["default"]
        several = question.get("multiselect", False)
        first = [] if several else [default]
        answers = ", ".join(f"`{value}`" for value in [*first, *(value for value in values if value not in first)])
        answers = f"none, or any of {answers}" if several else answers
        rows.append(f"| `{key}` | {answers if values else f'text: {default}'} | {asked_for(question)} |")
    return "\n".join(rows)


def asked_for(question: dict[str, Any]) -> str:
    """Say which projects are asked.

    Raises:
        KeyError: if the condition is new; name it in `ASKED_WHEN`.

    """
    return ASKED_WHEN[question["when"]] if "when" in question else "all"


def with_table(text: str) -> str:
    """Give the README with today's table."""
    return re.sub(f"{START}.*{END}", lambda _: f"{START}\n{question_table()}\n{END}", text, flags=re.DOTALL)


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")
