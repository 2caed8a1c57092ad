"""From an answer to the Markdown that shows it."""

from html import escape

from utils.answers import Answer

FORMULAS: list[dict[str, str | bool]] = [
    {"left": "$$", "right": "$$", "display": True},
    {"left": "\\[", "right": "\\]", "display": True},
    {"left": "\\(", "right": "\\)", "display": False},
    {"left": "$", "right": "$", "display": False},
]
"""How models write LaTeX."""


def to_markdown(answer: Answer, text: str) -> str:
    """Show an answer, whose whole text this is: thinking folded and tools above it, sources below."""
    parts = [
        f"*{answer.notice}*" if answer.notice else "",
        f"<details><summary>Thinking</summary>\n\n{escape(answer.thinking)}\n\n</details>" if answer.thinking else "",
        *[f"**Tool {step.name}**\n```\n{step.arguments}\n{step.result}\n```" for step in answer.steps],
        text,
        "\n".join(f"- [{source.title or source.url}]({source.url})" for source in answer.sources),
    ]
    return "\n\n".join(part for part in parts if part)
