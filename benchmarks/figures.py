"""Figures: numbers measured in pairs, and what is told about them."""

import argparse
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass

ROUNDS = 3
QUICK_ROUNDS = 1


@dataclass(frozen=True)
class Figure:
    """One number, measured several times, and the number to reach."""

    key: str
    what: str
    at_least: float | None
    at_most: float | None
    rounds: Sequence[float]
    module: str
    detail: str = ""
    """The absolute numbers behind the ratio, for orientation."""
    unit: str = "x"

    @property
    def value(self) -> float:
        """The median of all rounds."""
        return statistics.median(self.rounds)

    @property
    def reached(self) -> bool:
        """Whether the median is on the right side of the target."""
        over = self.at_least is None or self.value >= self.at_least
        return over and (self.at_most is None or self.value <= self.at_most)

    @property
    def target(self) -> str:
        """The target, readable."""
        if self.at_least is not None:
            return f">= {self.at_least:g} {self.unit}"
        return f"<= {self.at_most:g} {self.unit}"

    @property
    def measured(self) -> str:
        """Median and range, readable."""
        low, high = min(self.rounds), max(self.rounds)
        spread = f" ({low:.3g}-{high:.3g})" if len(self.rounds) > 1 else ""
        return f"{self.value:.3g}{spread} {self.unit}"

    @property
    def command(self) -> str:
        """What measures this figure again."""
        return f"uv run python -m {self.module}"

    @property
    def sentence(self) -> str:
        """All of it in one line."""
        verdict = "reached" if self.reached else "MISSED"
        return f"{self.key}. {self.what}: {self.measured}, target {self.target}: {verdict}. {self.detail}"


def p95(values: Sequence[float]) -> float:
    """Give the 95th percentile."""
    return statistics.quantiles(values, n=20, method="inclusive")[-1]


def ratios(top: Sequence[float], bottom: Sequence[float]) -> list[float]:
    """Divide pair by pair: the two numbers of a pair were measured one after the other."""
    return [a / b for a, b in zip(top, bottom, strict=True)]


def middle(values: Sequence[float], digits: int = 3) -> str:
    """Give a median for the column of details."""
    return f"{statistics.median(values):.{digits}g}"


def main(figures: Callable[[int], list[Figure]], description: str | None) -> None:
    """Be the command line of a benchmark: measure, print."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"pairs of measurements (default {ROUNDS})")
    parser.add_argument("--quick", action="store_const", dest="rounds", const=QUICK_ROUNDS, help="one round only")
    for figure in figures(parser.parse_args().rounds):
        print(figure.sentence)
