"""Figure 8: from `python app.py` of the default project to the first 200 on `/`, against the shortest Gradio app."""

import tempfile
import time
from dataclasses import replace
from pathlib import Path

from benchmarks import ROOT
from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.servers import Command, generated, render, running


def figures(rounds: int) -> list[Figure]:
    """Measure; bytecode is compiled before."""
    shortest = Command(["-m", "benchmarks.apps.three_lines"], ROOT, (("GRADIO_SERVER_PORT", "{port}"),))
    with tempfile.TemporaryDirectory() as scratch:
        app = replace(generated(render(Path(scratch) / "project"), "app.py"), ready="/")
        seconds_until_page(shortest)
        seconds_until_page(app)
        plain: list[float] = []
        ours: list[float] = []
        for _ in range(rounds):
            plain.append(seconds_until_page(shortest))
            ours.append(seconds_until_page(app))
    return [
        Figure(
            "8",
            "from `python app.py` to the first 200 on `/`, against three lines of `gr.Interface(...).launch()`",
            at_least=None,
            at_most=0.55,
            rounds=ratios(ours, plain),
            module="benchmarks.start",
            detail=f"{middle(ours)} s, three lines {middle(plain)} s",
        )
    ]


def seconds_until_page(command: Command) -> float:
    """Start once."""
    started = time.perf_counter()
    with running(command):
        return time.perf_counter() - started


if __name__ == "__main__":
    main(figures, __doc__)
