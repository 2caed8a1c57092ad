"""Figure 10: from `copier copy` to the first green test of the generated project, with a warm package cache."""

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, main
from benchmarks.servers import environment, render

LIMIT_SECONDS = 300
ONE_TEST = "tests/test_services.py"


def figures(rounds: int) -> list[Figure]:
    """Measure, once more than told: the first time fills the package cache."""
    seconds = [seconds_to_green() for _ in range(rounds + 1)]
    return [
        Figure(
            "10",
            "from `copier copy` to the first green generated test, warm package cache",
            at_least=None,
            at_most=60,
            rounds=seconds[1:],
            module="benchmarks.first_test",
            detail=f"with the cache as it was before: {seconds[0]:.3g} s",
            unit="s",
        )
    ]


def seconds_to_green() -> float:
    """Copy, install, and run tests until one has passed."""
    variables = environment()
    variables.pop("VIRTUAL_ENV", None)
    with tempfile.TemporaryDirectory() as scratch:
        started = time.perf_counter()
        project = render(Path(scratch) / "project")
        subprocess.run(["uv", "sync", "--quiet"], cwd=project, env=variables, check=True, timeout=LIMIT_SECONDS)  # noqa: S607
        tests = subprocess.Popen(
            ["uv", "run", "pytest", "-v", "-p", "no:cacheprovider", ONE_TEST],  # noqa: S607
            cwd=project,
            env=variables,
            stdout=subprocess.PIPE,
            text=True,
        )
        with tests:
            lines = tests.stdout or ()
            seen = [line for line in lines if " PASSED" in line][:1]
        if not seen or tests.returncode:
            raise RuntimeError("no test of the generated project passed")
        return time.perf_counter() - started


if __name__ == "__main__":
    main(figures, __doc__)
