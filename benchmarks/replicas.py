"""Figure 15: two processes behind nginx, which brings every visitor back to the same one, against one process."""

import tempfile
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.load import Load, load
from benchmarks.servers import generated, render_for_load, running
from scripts.nginx import in_front

USERS = 32
REQUESTS = 1600
SETTINGS = {"APP_TRUSTED_PROXIES": '["127.0.0.1"]', "APP_MODEL_WORKERS": "0", "APP_LOG_LEVEL": "warning"}


def figures(rounds: int) -> list[Figure]:
    """Measure. The event itself takes no time, so what is shared is the work of the server."""
    single: list[Load] = []
    double: list[Load] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        folder.chmod(0o755)  # nginx gives up its rights
        fronts = [folder / "one", folder / "two"]
        for front in fronts:
            front.mkdir()
        project = render_for_load(folder / "project", deploy_target="docker")
        command = generated(project, "bench_app.py", "predict", **SETTINGS)
        with (
            running(command) as first,
            running(command) as second,
            in_front(project, fronts[0], first.url) as one,
            in_front(project, fronts[1], first.url, second.url) as two,
        ):
            load(replace(first, url=two), "--spread", users=USERS, requests=10 * USERS)
            for _ in range(rounds):
                single.append(load(replace(first, url=one), "--spread", users=USERS, requests=REQUESTS))
                double.append(load(replace(first, url=two), "--spread", users=USERS, requests=REQUESTS))
    rates = [one.rate for one in double]
    return [
        Figure(
            "15",
            "two processes behind nginx with affinity: answers a second, against one, no failure",
            at_least=1.5,
            at_most=None,
            rounds=ratios(rates, [one.rate for one in single]),
            module="benchmarks.replicas",
            detail=f"{middle(rates)} answers/s, one process {middle([one.rate for one in single])}",
        )
    ]


if __name__ == "__main__":
    main(figures, __doc__)
