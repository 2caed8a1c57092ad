"""Tables, as text, Markdown and JSON."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from fleet.report import Report, Row
from fleet.rollout import HEAD as OUTCOME
from fleet.rollout import Rollout

FORMATS = ("text", "json", "markdown")
HEAD = ("repository", "version", "behind", "policy", "conflicts", "state")


def show(report: Report, style: str) -> str:
    """Write a report."""
    if style == "json":
        rows = [asdict(row) for row in report.rows]
        return json.dumps({"repositories": rows, "problems": report.problems}, indent=2, ensure_ascii=False)
    several = len({row.template for row in report.rows}) > 1
    return table(HEAD, [cells(row, several=several) for row in report.rows], style, report.problems)


def cells(row: Row, *, several: bool) -> list[str]:
    """Give what a table shows of a project; templates and answers files are named where they differ."""
    name = row.repository if row.answers_file == ".copier-answers.yml" else f"{row.repository} ({row.answers_file})"
    version = f"{row.template} {row.version}" if several else row.version
    return [name, version, str(row.behind), str(row.policy), expected(row), row.state]


def expected(row: Row) -> str:
    """Say how many files an update would leave in conflict."""
    if row.conflicts is None:
        return "cannot update" if row.refusal else "not tried"
    count = len(row.conflicts)
    return f"{count} file{'s' if count > 1 else ''}" if count else "none"


def outcome(result: Rollout, style: str) -> str:
    """Write what came of an update."""
    if style == "json":
        rows = [dict(zip(OUTCOME, row, strict=True)) for row in result.rows]
        return json.dumps({"repositories": rows, "problems": result.problems}, indent=2, ensure_ascii=False)
    return table(OUTCOME, result.rows, style, result.problems)


def table(head: Sequence[str], rows: Sequence[Sequence[str]], style: str, problems: dict[str, str]) -> str:
    """Write a table. Markdown is a document and lists the problems too; text leaves them to stderr."""
    if style == "markdown":
        lines = [marked(head), marked(["---"] * len(head)), *map(marked, rows)]
        return "\n".join([*lines, *(["", *(f"* {name}: {problem}" for name, problem in problems.items())])]).rstrip()
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [head, *rows]
    )


def marked(row: Sequence[str]) -> str:
    """Write a row of a Markdown table."""
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
