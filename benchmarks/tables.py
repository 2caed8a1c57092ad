"""Opening of a large CSV file against pandas alone: `uv run python -m benchmarks.tables [MEGABYTES]`.

The app keeps every cell as text and reads numbers and dates beside it; `pandas.read_csv` reads numbers alone. Both read
the same file in the same process in turn, and the quickest of five counts.
"""

import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from copier import run_copy

from benchmarks import ROOT

TURNS = 5
WORDS = ("Oslo", "Lisbon", "Nairobi", "Quito", "Perth", "Turin", "Bergen", "Lima")


def mixed(chance: random.Random) -> str:
    """Make a row of what people have: an id, a date, words, numbers, gaps, and codes with zeros in front."""
    note = " ".join(chance.choices(WORDS, k=3))
    gap = "" if chance.random() < 0.1 else str(chance.randint(0, 9999))  # noqa: PLR2004
    day = f"20{chance.randint(10, 24)}-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}"
    start = f"{chance.randint(1, 10**9)},{day},{chance.choice(WORDS)},{note}"
    return f"{start},{chance.random():.4f},{gap},{chance.randint(0, 99999):06}"


def numbers(chance: random.Random) -> str:
    """Make a row of nothing but numbers, where pandas has the least to do for each byte."""
    return ",".join([*(f"{chance.gauss(0, 100):.3f}" for _ in range(7)), str(chance.randint(0, 10**6))])


def words(chance: random.Random) -> str:
    """Make a row of text that is never twice the same."""
    return ",".join(f"{chance.choice(WORDS)} {chance.getrandbits(48):x}" for _ in range(6))


KINDS: dict[str, Callable[[random.Random], str]] = {"mixed": mixed, "numbers": numbers, "words": words}


def write(path: Path, row: Callable[[random.Random], str], megabytes: float) -> None:
    """Write a file of a size."""
    chance = random.Random(7)  # noqa: S311 (made-up data)
    lines = [row(chance) for _ in range(20_000)]
    header = ",".join(f"column{number}" for number in range(lines[0].count(",") + 1))
    size = sum(map(len, lines)) + len(lines)
    with path.open("w", encoding="utf-8") as file:
        file.write(header + "\n")
        for _ in range(max(1, round(megabytes * 1_000_000 / size))):
            file.write("\n".join(lines) + "\n")


def seconds(read: Callable[[Path], object], path: Path) -> float:
    """Time one reading."""
    start = time.perf_counter()
    read(path)
    return time.perf_counter() - start


def main(megabytes: float = 50) -> None:
    """Print a line for each kind of file."""
    with tempfile.TemporaryDirectory() as folder:
        project, path = Path(folder) / "app", Path(folder) / "table.csv"
        run_copy(str(ROOT), project, data={"app_type": "blocks"}, defaults=True, quiet=True, vcs_ref="HEAD")
        sys.path.insert(0, str(project))
        from services.tables import read_table  # noqa: PLC0415  # pyright: ignore[reportMissingImports]

        for kind, row in KINDS.items():
            write(path, row, megabytes)
            size = path.stat().st_size / 1_000_000
            turns = [(seconds(read_table, path), seconds(pd.read_csv, path)) for _ in range(TURNS)]
            ours, theirs = (min(column) for column in zip(*turns, strict=True))
            print(f"{kind}: {size:.0f} MB in {ours:.2f} s, pandas.read_csv {theirs:.2f} s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:]))
