"""Figure 17: the edits that an update loses, and what an update of the default project costs."""

import shutil
import tempfile
from pathlib import Path

from benchmarks.figures import Figure, main, middle
from benchmarks.scaffold import IMPORT, cpu_seconds
from scripts.history import NEXT, commit, presets, releases, tagged_copy
from scripts.updates import EDITS, case, render

MODULE = "benchmarks.updates"


def figures(rounds: int) -> list[Figure]:
    """Measure, in a clone whose tags are the releases and, above them, the files of today."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        template = tagged_copy(folder / "template")
        return [kept(template, folder), cost(template, folder, rounds)]


def kept(template: Path, folder: Path) -> Figure:
    """Count what is lost, and what a person has to settle because both sides changed the same lines."""
    lost = conflicts = cases = 0
    for version in releases():
        for preset in presets(template, version):
            place = folder / f"{version}-{preset}"
            place.mkdir()
            verdict = case(template, version, preset, place, NEXT)[1]
            lost, conflicts, cases = lost + len(verdict.lost), conflicts + verdict.conflicts, cases + 1
    return Figure(
        "17a",
        "`copier update` from every release with every preset of it: edits lost",
        at_least=None,
        at_most=0,
        rounds=[lost],
        module=MODULE,
        detail=f"{cases} projects with {len(EDITS)} edits each, {conflicts} conflicts",
        unit="edits",
    )


def cost(template: Path, folder: Path, rounds: int) -> Figure:
    """Update the same project again and again, from the newest release, beside the import alone."""
    origin = render(template, folder / "origin", list(releases())[-1], {})
    commit(origin, "Scaffold")
    imports: list[float] = []
    updates: list[float] = []
    for number in range(-1, 2 * rounds):
        project = folder / f"project{number}"
        shutil.copytree(origin, project)
        update = ["-m", "copier", "update", "--quiet", "--defaults", str(project)]
        costs = cpu_seconds(IMPORT), cpu_seconds(update)
        if number >= 0:  # The first pair compiles bytecode.
            imports.append(costs[0])
            updates.append(costs[1])
    return Figure(
        "17b",
        "`copier update` of the default project: CPU of the whole command, children included, over `import copier`",
        at_least=None,
        at_most=1,
        rounds=[update - alone for update, alone in zip(updates, imports, strict=True)],
        module=MODULE,
        detail=f"{middle(updates)} s, import alone {middle(imports)} s",
        unit="s",
    )


if __name__ == "__main__":
    main(figures, __doc__)
