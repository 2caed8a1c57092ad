"""Figures 16a to 16c: a model behind a real Ray Serve: batches, two replicas, and one that dies."""

import copy
import os
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, main, middle, ratios
from benchmarks.servers import APPS, render
from scripts.ray_serve import Cluster, configuration, install, served

CALLERS = 32
REQUESTS = {"batched": 640, "single": 64, "double": 128}
"""As many as take about as long on either side."""
REPLICAS = {"batched": 1, "single": 1, "double": 2}
KILLED_REQUESTS = 150
WAIT = 0.1
"""Seconds that a batch waits for more: the fixed cost of a batch of `apps/device.py`."""
SETTINGS = {"APP_MODEL_CONCURRENCY": str(CALLERS), "APP_MODEL_RETRIES": "4"}


def three_ways(project: Path) -> dict[str, Any]:
    """Serve the same model three times from one Ray: in batches, one by one, and one by one by two replicas."""
    config = configuration(project, num_replicas=1, user_config={"batch_wait_timeout_s": WAIT})
    config["logging_config"]["enable_access_log"] = False
    [application] = config["applications"]
    config["applications"] = []
    for name in REQUESTS:
        one = copy.deepcopy(application) | {"name": name, "route_prefix": f"/{name}"}
        model = one["deployments"][-1]
        # Accelerators work beside the cores, so three of them need none.
        model |= {"num_replicas": REPLICAS[name], "ray_actor_options": {"num_cpus": 0}}
        one["runtime_env"] = {"env_vars": {"APP_MAX_BATCH": "32" if name == "batched" else "1"}}
        config["applications"].append(one)
    return config


@dataclass(frozen=True)
class Callers:
    """Asks the model in one of three ways, from a process of its own."""

    cluster: Cluster
    project: Path
    python: Path

    def start(self, name: str, requests: int) -> subprocess.Popen[str]:
        """Begin to ask."""
        url = self.cluster.url.removesuffix("/v1") + f"/{name}/v1"
        return subprocess.Popen(
            [self.python, APPS / "ask_model.py", str(CALLERS), str(requests)],
            cwd=self.project,
            env=os.environ | SETTINGS | {"APP_MODEL_URL": url, "PYTHONPATH": str(self.project)},
            stdout=subprocess.PIPE,
            text=True,
        )

    def rate(self, name: str) -> float:
        """Give the answers a second.

        Raises:
            RuntimeError: if a request failed.

        """
        requests = REQUESTS[name]
        seconds, failed = self.start(name, requests).communicate()[0].split()[1:]
        if int(failed):
            raise RuntimeError(f"{failed} of {requests} failed")
        return requests / float(seconds)

    def failed_with_a_kill(self) -> int:
        """Kill one of two replicas under load, count what failed, and wait until there are two again."""
        replicas = "ServeReplica:double:Model"
        asking = self.start("double", KILLED_REQUESTS)
        if asking.stdout is None or asking.stdout.readline() != "begun\n":
            raise RuntimeError("nobody was answered")
        self.cluster.kill_replica(replicas)
        failed = int(asking.communicate()[0].split()[1])
        while len(self.cluster.members(replicas)) < REPLICAS["double"]:
            time.sleep(0.5)
        return failed


def figures(rounds: int) -> list[Figure]:
    """Measure."""
    rates: dict[str, list[float]] = {name: [] for name in REQUESTS}
    failures: list[float] = []
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        project = render(folder / "project", app_type="interface", deploy_target="ray")
        (project / "services" / "model.py").write_bytes((APPS / "device.py").read_bytes())
        python = install(project, folder / "venv")
        with served(project, python, folder, three_ways(project), **SETTINGS) as cluster:
            callers = Callers(cluster, project, python)
            for name in REQUESTS:
                callers.rate(name)
            for _ in range(rounds):
                for name, measured in rates.items():
                    measured.append(callers.rate(name))
            failures += [callers.failed_with_a_kill() for _ in range(rounds)]
    single = middle(rates["single"])
    return [
        Figure(
            "16a",
            "model behind Ray (100 ms + 2 ms a sample), 32 at once: answers a second in batches, against one by one",
            at_least=8,
            at_most=None,
            rounds=ratios(rates["batched"], rates["single"]),
            module="benchmarks.ray_serve",
            detail=f"{middle(rates['batched'])} answers/s, one by one {single}",
        ),
        Figure(
            "16b",
            "the same model, one by one, behind two replicas: answers a second, against one replica",
            at_least=1.8,
            at_most=None,
            rounds=ratios(rates["double"], rates["single"]),
            module="benchmarks.ray_serve",
            detail=f"{middle(rates['double'])} answers/s, one replica {single}",
        ),
        Figure(
            "16c",
            f"one of two replicas killed under load, the page asks again: failed of {KILLED_REQUESTS}",
            at_least=None,
            at_most=0,
            rounds=failures,
            module="benchmarks.ray_serve",
            unit="failed",
        ),
    ]


if __name__ == "__main__":
    main(figures, __doc__)
