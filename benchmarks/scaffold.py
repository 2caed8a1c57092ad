"""Figure 9: how many files are yours in the smallest project, and what `copier copy` of the default one costs."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks import ROOT
from benchmarks.figures import Figure, main, middle
from benchmarks.servers import environment

MODULE = "benchmarks.scaffold"
IMPORT = ["-c", "import copier"]
KEPT = {"server", "tests"}
"""Folders that hold what the template keeps, and tests."""


def figures(rounds: int) -> list[Figure]:
    """Measure. The template is cloned first: as a user's copy of it, it is packed and has no uncommitted change."""
    with tempfile.TemporaryDirectory() as scratch:
        template = Path(scratch) / "template"
        subprocess.run(["git", "clone", "--quiet", "--no-local", ROOT, template], check=True)  # noqa: S607
        imports: list[float] = []
        copies: list[float] = []
        for number in range(-1, 2 * rounds):
            project = Path(scratch) / f"project{number}"
            copy = ["-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", str(template), str(project)]
            costs = cpu_seconds(IMPORT), cpu_seconds(copy)
            if number >= 0:  # The first pair compiles bytecode.
                imports.append(costs[0])
                copies.append(costs[1])
        smallest = Path(scratch) / "smallest"
        answers = ("-d", "app_type=interface", "-d", "start_from=skeleton", str(template), str(smallest))
        cpu_seconds(["-m", "copier", "copy", "--quiet", "--defaults", "--vcs-ref", "HEAD", *answers])
        found = [path.relative_to(smallest) for path in smallest.rglob("*") if path.is_file()]
        yours = [path for path in found if path.parts[0] not in KEPT]
    return [
        Figure(
            "9a",
            "files of the smallest project (`interface`, skeleton) outside of `server/` and `tests/`",
            at_least=None,
            at_most=14,
            rounds=[len(yours)],
            module=MODULE,
            detail=f"{len(found)} with them",
            unit="files",
        ),
        Figure(
            "9b",
            "`copier copy` of the default project: CPU of the whole command, children included, over `import copier`",
            at_least=None,
            at_most=300,
            rounds=[1000 * (copy - alone) for copy, alone in zip(copies, imports, strict=True)],
            module=MODULE,
            detail=f"{middle(copies)} s, import alone {middle(imports)} s",
            unit="ms",
        ),
    ]


def cpu_seconds(arguments: list[str]) -> float:
    """Run Python once and give its processor time, with that of its children."""
    process = subprocess.Popen([sys.executable, *arguments], env=environment())
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main(figures, __doc__)
