"""Figure 19: how large the image of a project is, and how long it takes to build again after a change of code."""

import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.figures import Figure, main
from benchmarks.servers import render
from scripts.engine import BASE, Engine

MODULE = "benchmarks.image"
APPS = {"19a": "blocks", "19b": "interface"}
NAME = "localhost/measured"


def figures(rounds: int) -> list[Figure]:
    """Measure: each image once, and a rebuild of the first a few times."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        engine = Engine(folder)
        projects = {app_type: locked(folder / app_type, app_type) for app_type in APPS.values()}
        found = [size(engine, projects[app_type], app_type, key) for key, app_type in APPS.items()]
        seconds = [rebuild(engine, projects[APPS["19a"]]) for _ in range(rounds)]
    again = Figure(
        "19c",
        "the image of `blocks` again, after a change of `app.py`",
        at_least=None,
        at_most=20,
        rounds=seconds,
        module=MODULE,
        unit="s",
    )
    return [*found, again]


def locked(folder: Path, app_type: str) -> Path:
    """Render a project as its README says, up to the build."""
    project = render(folder, app_type=app_type, deploy_target="docker")
    subprocess.run(["uv", "lock", "--quiet"], cwd=project, check=True)  # noqa: S607
    return project


def size(engine: Engine, project: Path, app_type: str, key: str) -> Figure:
    """Build an image, and weigh it without its base."""
    engine.build(project, NAME)
    image, base = engine.size(NAME), engine.size(BASE)
    return Figure(
        key,
        f"the image of `{app_type}` over its base image",
        at_least=None,
        at_most=350,
        rounds=[image - base],
        module=MODULE,
        detail=f"{image:.0f} MB, base {base:.0f} MB",
        unit="MB",
    )


def rebuild(engine: Engine, project: Path) -> float:
    """Change the page, and give the seconds that the next build takes."""
    page = project / "app.py"
    page.write_text(page.read_text(encoding="utf-8") + "\n# A change.\n", encoding="utf-8")
    started = time.perf_counter()
    engine.build(project, NAME)
    return time.perf_counter() - started


if __name__ == "__main__":
    main(figures, __doc__)
