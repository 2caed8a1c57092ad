"""Figures 22: mixed load for a while. Memory and latency stay where they were once the server has warmed up.

`python -m benchmarks.soak --minutes 120` is what the weekly workflow runs; the report does with ten minutes.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure
from benchmarks.load import load
from benchmarks.servers import Server, generated, render_for_load, running

MINUTES = 10
USERS, REQUESTS = 20, 400
MODULE = "benchmarks.soak"


def figures(_: int) -> list[Figure]:
    """Measure for as long as the report takes."""
    return measured(MINUTES)


def measured(minutes: float) -> list[Figure]:
    """Put load on one server, with new sessions all the time, and look at it after each turn."""
    memory: list[float] = []
    latency: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        # Sessions end soon, so that what they leave behind would be seen.
        app = generated(project, "bench_app.py", "predict", APP_MODEL_WORKERS="0", APP_SESSION_TTL="60")
        with running(app) as server:
            end = time.monotonic() + 60 * minutes
            while time.monotonic() < end or len(memory) < 4:  # noqa: PLR2004 (two turns to begin with, two to compare)
                seen = load(server, "--probe", "/healthz", users=USERS, requests=REQUESTS)
                latency.append(statistics.median(seen.latencies))
                memory.append(megabytes(server))
    return [
        later(memory, "22a", f"memory after {minutes:g} minutes of load, against the first third", "MB"),
        later([1000 * one for one in latency], "22b", "the same: median of the latency", "ms"),
    ]


def later(values: list[float], key: str, what: str, unit: str) -> Figure:
    """Compare the last third with the first one, without the first turn of all."""
    third = max(1, (len(values) - 1) // 3)
    first, last = statistics.median(values[1 : 1 + third]), statistics.median(values[-third:])
    return Figure(
        key,
        what,
        at_least=None,
        at_most=1.05,
        rounds=[last / first],
        module=MODULE,
        detail=f"{first:.3g} {unit}, then {last:.3g} {unit}, {len(values)} turns",
    )


def megabytes(server: Server) -> float:
    """Give the memory that a server holds (Linux only)."""
    [line] = [line for line in Path(f"/proc/{server.pid}/status").read_text().splitlines() if line.startswith("VmRSS")]
    return int(line.split()[1]) / 1000


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=MINUTES)
    for figure in measured(parser.parse_args().minutes):
        print(figure.sentence)


if __name__ == "__main__":
    main()
