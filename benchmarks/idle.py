"""Figure 21: what an app costs that nobody uses."""

import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, main
from benchmarks.load import load
from benchmarks.servers import generated, render_for_load, running

SECONDS = 20


def figures(rounds: int) -> list[Figure]:
    """Measure a server that has answered some events and is then left alone."""
    shares: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        project = render_for_load(Path(scratch) / "project")
        for _ in range(rounds):
            with running(generated(project, "bench_app.py", "predict", APP_MODEL_WORKERS="0")) as server:
                load(server, users=5, requests=50)
                before, started = server.cpu_seconds(), time.perf_counter()
                time.sleep(SECONDS)
                shares.append(100 * (server.cpu_seconds() - before) / (time.perf_counter() - started))
    return [
        Figure(
            "21",
            f"an app that nobody uses: share of one core over {SECONDS} s",
            at_least=None,
            at_most=0.5,
            rounds=shares,
            module="benchmarks.idle",
            unit="%",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
