"""Figures 3 and 4: twenty readers of a language model (50 tokens x 10 ms), against naive and against plain FastAPI."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle, p95, ratios
from benchmarks.load import Load, load
from benchmarks.servers import APPS, generated, naive, plain_sse, render, running

USERS = 20
MODULE = "benchmarks.streams"


def figures(rounds: int) -> list[Figure]:
    """Measure. The generated app is the streaming project itself; only its model is another."""
    first: list[Load] = []
    ours: list[Load] = []
    bare: list[Load] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render(Path(scratch) / "project", app_type="streaming")
        shutil.copy(APPS / "work.py", project / "services" / "work.py")
        shutil.copy(APPS / "stream_model.py", project / "services" / "model.py")
        for _ in range(rounds):
            with running(naive("stream")) as server:
                first.append(load(server, users=USERS, requests=2 * USERS))
            with running(generated(project, "app.py")) as server:
                options = ["--event", "stream", "--inputs", '["x", 100, null]']
                load(server, *options, users=USERS, requests=USERS)
                ours.append(load(server, *options, users=USERS, requests=15 * USERS))
            with running(plain_sse()) as server:
                load(server, "--plain", users=USERS, requests=USERS)
                bare.append(load(server, "--plain", users=USERS, requests=15 * USERS))
    rates, firsts = [one.rate for one in ours], [p95(one.first_chunks) for one in ours]
    naive_firsts = [p95(one.first_chunks) for one in first]
    return [
        Figure(
            "3a",
            "20 streams at once: streams per second, against naive",
            at_least=19,
            at_most=None,
            rounds=ratios(rates, [one.rate for one in first]),
            module=MODULE,
            detail=f"{middle(rates)} streams/s, naive {middle([one.rate for one in first])}",
        ),
        Figure(
            "3b",
            "the same: first chunk, 95th percentile, against naive",
            at_least=None,
            at_most=0.05,
            rounds=ratios(firsts, naive_firsts),
            module=MODULE,
            detail=f"{middle(firsts)} s, naive {middle(naive_firsts)} s",
        ),
        Figure(
            "4",
            "the same: streams per second, against plain FastAPI event streams",
            at_least=0.9,
            at_most=None,
            rounds=ratios(rates, [one.rate for one in bare]),
            module=MODULE,
            detail=f"{middle(rates)} streams/s, FastAPI {middle([one.rate for one in bare])}",
        ),
    ]


if __name__ == "__main__":
    main(figures, __doc__)
