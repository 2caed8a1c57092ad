"""Run every benchmark, one after the other, and write REPORT.md.

`python -m benchmarks.report` takes about an hour; `--quick` does with one round for each figure. With names, as
in `python -m benchmarks.report noop gate`, it measures these again and leaves the other rows as they are.
"""

import argparse
import os
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path

from benchmarks import (
    ROOT,
    ageing,
    batching,
    cpu,
    earlier,
    first_test,
    fleet,
    gate,
    idle,
    image,
    noop,
    ray_serve,
    replicas,
    scaffold,
    sign_in,
    soak,
    start,
    stop,
    streams,
    tricks,
    updates,
)
from benchmarks.figures import QUICK_ROUNDS, ROUNDS, Figure

REPORT = ROOT / "benchmarks" / "REPORT.md"
BENCHMARKS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        *(noop, earlier, tricks, streams, cpu, batching, ageing, idle, start, scaffold, first_test),
        *(gate, sign_in, stop, replicas, ray_serve, updates, fleet, image, soak),
    )
}
PACKAGES = ("gradio", "fastapi", "uvicorn", "copier", "scikit-learn")

INTRODUCTION = """\
# Benchmarks

Written by `uv run python -m benchmarks.report`; nothing here is typed by hand. What is compared runs side by side,
alternating, in one run: "median (lowest-highest)" is over {rounds} pairs or runs, twice as many in figures 9 and 17b; a
number of figures 12 and 13a is the sum of {turns} turns, in which one process has the layer and has it not. Absolute
numbers are there for orientation; compare them only within their row.

* "naive" is one `gr.Interface` with all defaults, started by `demo.launch()`.
* The generated app is a project rendered from this template at the time of the run, with its default settings but for
  two: `APP_QUEUE_SIZE=256` in figures 1 and 2, because 200 users would meet the limit of the default queue, and
  `APP_MODEL_WORKERS=0 APP_MODEL_CONCURRENCY=1` in figure 6, which the project documents for one accelerator.
  Its model, and but for streams and start its page, is replaced by the function that is measured.
* Load comes from a process of its own on the same machine and speaks the protocol of Gradio's page: join the queue,
  read the session's event stream. Every user waits for its answer before it asks again. One failed request fails
  the run.
* The naive app grows slower with every event. Figure 1 therefore has three rows, and each is held against its target:
  1a sends as many requests to both apps, 1b looks only at the first ones that a new naive server answers, 1c at both
  after some thousand events. Measuring begins when the app says that it is ready, not at its first page.
* In figure 2 all 200 users arrive in the same moment and ask four times each, so its 95th percentile lies in their
  first wave.
* Figure 15 has nginx, as a project of the target `docker` configures it, in front of both sides. An event takes two
  requests, and only the process that took the first can answer the second, so a session at the wrong one is a failure.
* Figure 18 makes projects of every preset at version 0.1.0, makes the edits of figure 17 in each, breaks ten, and
  updates all to this commit. The check is a file test: what a project's own tests cost comes on top.
* Figures 16a to 16c have a real Ray on the same machine. Its model sleeps, as a core does that waits for an
  accelerator, and is asked over HTTP by the client that a page has.
* Figure 19 builds the images of a project by podman, on a base made from Debian packages, as a machine without a
  registry of images can.
* Figures 20 render and serve release 0.2.0 beside today's template. Figure 21 is a server that has answered and is then
  left alone. Figures 22 compare the last third of a load with the first; the weekly workflow runs two hours of it.
* Figures 23 leave out all of what makes serving cheaper, put back one by one, and put back all. `none` has what only
  concerns the start. The naive app of 23b streams the same tokens, one user at a time.
* Figure 7 sends all of its 10,000 events. Figure 11, the time of the whole CI run, is measured by CI itself.

Machine: {machine}.

"""


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("benchmarks", nargs="*", metavar="NAME", help=f"only these of {', '.join(BENCHMARKS)}")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"pairs of measurements (default {ROUNDS})")
    parser.add_argument("--quick", action="store_const", dest="rounds", const=QUICK_ROUNDS, help="one round only")
    parser.add_argument("--output", type=Path, default=REPORT, help="where to write the report")
    arguments = parser.parse_args()
    if unknown := [name for name in arguments.benchmarks if name not in BENCHMARKS]:
        parser.error(f"there is no benchmark {unknown[0]}; there are {', '.join(BENCHMARKS)}")
    rounds: int = arguments.rounds
    figures: list[Figure] = []
    for name in arguments.benchmarks or BENCHMARKS:
        for figure in BENCHMARKS[name].figures(rounds):
            print(figure.sentence, flush=True)
            figures.append(figure)
    kept = rows(arguments.output) if arguments.benchmarks else {}
    arguments.output.write_text(write(figures, rounds, kept), encoding="utf-8")
    print(f"{sum(figure.reached for figure in figures)} of {len(figures)} reached, see {arguments.output}")


def rows(report: Path) -> dict[str, str]:
    """Read the rows of a report, by the numbers of their figures."""
    lines = report.read_text(encoding="utf-8").splitlines()
    return {line.split()[1]: line for line in lines if line.startswith("| ") and line[2].isdigit()}


def write(figures: Sequence[Figure], rounds: int, kept: Mapping[str, str]) -> str:
    """Put all in one table, with the rows of what was not measured."""
    measured = {
        figure.key: f"| {figure.key} | {figure.what} | {figure.target} | {figure.measured} "
        f"| {'yes' if figure.reached else '**no**'} | {figure.detail} | `{figure.command}` |"
        for figure in figures
    }
    table = {**kept, **measured}
    body = [table[key] for key in sorted(table, key=lambda key: (int(key.rstrip("abcdefgh")), key))]
    head = [
        "| # | Figure | Reach | Measured | Reached | Absolute, medians | Command |",
        "|---|---|---|---|---|---|---|",
    ]
    introduction = INTRODUCTION.format(rounds=rounds, turns=gate.TURNS, machine=machine())
    return introduction + "\n".join([*head, *body]) + "\n"


def machine() -> str:
    """Describe what it ran on: enough to judge the numbers, nothing that tells whose it is."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = f"load average {os.getloadavg()[2]:.1f} over the last 15 minutes"
    return f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}, {versions}; {load}"


if __name__ == "__main__":
    main()
