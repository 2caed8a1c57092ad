"""Take the guards of a project away, one by one: the test that is named for each must miss it.

`uv run python -m scripts.mutate` tries the guards of which a file changed since they were last seen red; with names, as
in `python -m scripts.mutate house password`, those of these files of `tests/guards/`, and with `--all` every one. It
prints the survivors, notes in `tests/guards/seen.json` what it has seen, and exits 1 if anything survived.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
import warnings
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any

import yaml
from copier import run_copy
from copier.errors import DirtyLocalWarning

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "tests" / "guards"
SEEN = FOLDER / "seen.json"
Guard = Mapping[str, str]
GUARDS: dict[str, dict[str, Guard]] = {
    path.stem: tomllib.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.toml"))
}
"""By auth mode, feature or name in `OTHERS`, and by name."""
IN_FEATURES = {"auth_mode": "password"}
OTHERS: dict[str, dict[str, Any]] = {
    "bounds": {},
    "data": {"app_type": "blocks"},
    "house": {},
    "speed": {},
    "hurts": {},
    "life": {},
    "models": {"app_type": "chat", "model": "openai"},
    "pages": IN_FEATURES,
    "pictures": {},
    "hurts_members": {"auth_mode": "password", "deploy_target": "docker"},
    "ray": {"deploy_target": "ray"},
    "streaming": {"app_type": "streaming"},
}
PATIENCE = 100
"""Seconds that a test may take without its guard."""
HUNG = 124
"""What `timeout` ends with."""
RED = 1
"""What pytest ends with if tests failed, and nothing else went wrong."""


def answers_for(mode: str) -> dict[str, Any]:
    """Give the answers of the project whose guards are taken away one by one."""
    questions = yaml.safe_load((ROOT / "copier.yml").read_text(encoding="utf-8"))
    if mode in questions["auth_mode"]["choices"].values():
        return {"app_type": "interface", "auth_mode": mode}
    # A feature is taken where people sign in: there it has most to hold.
    return {"app_type": "interface"} | OTHERS.get(mode, IN_FEATURES | {"features": [mode]})


def digest(guard: Guard, project: Path) -> str:
    """Tell apart what was tried: the guard, its file, its test, and the Gradio that both stand on."""
    texts = [(project / guard[name]).read_text(encoding="utf-8") for name in ("file", "test")]
    parts = [version("gradio"), *(guard[name] for name in sorted(guard)), *texts]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]


def seen_before() -> dict[str, str]:
    """Read which guards were seen red, and with which files."""
    return json.loads(SEEN.read_text(encoding="utf-8")) if SEEN.is_file() else {}


def survives(guard: Guard, intact: Path, project: Path) -> str:
    """Take a guard out of a copy of a project and run its test. Give what the test printed if it noticed nothing.

    A process that hangs says where and has a second try: on a machine that is busy one in some thousand does. A test
    that hangs twice has noticed nothing.
    """
    shutil.copytree(intact, project)
    path = project / guard["file"]
    text = path.read_text(encoding="utf-8")
    if guard["code"] not in text:
        return f"the guard is not in {guard['file']} any more"
    path.write_text(text.replace(guard["code"], guard["instead"]), encoding="utf-8")
    tests = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", guard["test"], "-k", guard["name"]]
    patient = ["timeout", "--signal=ABRT", "--kill-after=10", str(PATIENCE), *tests]
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    environment = kept | {"PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1"}
    for _ in range(2):
        result = subprocess.run(  # noqa: S603 (tests of a project made here)
            patient, cwd=project, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        printed = result.stdout.decode(errors="replace")[-6000:]
        if result.returncode != HUNG:
            break
        warnings.warn(f"without {guard['code']!r} the tests hung:\n{printed}", stacklevel=1)
    return "" if result.returncode == RED else f"the tests ended with {result.returncode}:\n{printed}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Try them, print the survivors, and note what was seen red."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"only these of {', '.join(GUARDS)}")
    parser.add_argument("--all", action="store_true", help="also those that were seen red with the files of now")
    parser.add_argument("--workers", type=int, default=os.cpu_count(), help="how many at once")
    options = parser.parse_args(arguments)
    if unknown := sorted({*options.names} - {*GUARDS}):
        parser.error(f"no such file in tests/guards: {', '.join(unknown)}; there are {', '.join(GUARDS)}")
    chosen = options.names or list(GUARDS)
    before = seen_before()
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(options.workers) as pool:
        base = Path(scratch)
        intact = {mode: rendered(base / mode, answers_for(mode)) for mode in chosen}
        known = {f"{mode}/{name}": digest(GUARDS[mode][name], intact[mode]) for mode in chosen for name in GUARDS[mode]}
        due = [key for key in known if options.all or options.names or before.get(key) != known[key]]

        def tried(place: tuple[int, str]) -> str:
            number, key = place
            mode, _, name = key.partition("/")
            found = survives(GUARDS[mode][name], intact[mode], base / f"without-{number}")
            shutil.rmtree(base / f"without-{number}")
            print(f"{'SURVIVED' if found else 'red'} {key}", flush=True)
            with writing:  # At once, so that a run that is broken off has not been for nothing.
                note({key: "" if found else known[key]})
            return found

        writing = Lock()
        found = dict(zip(due, pool.map(tried, enumerate(due)), strict=True))
    survivors = {key: printed for key, printed in found.items() if printed}
    for key, printed in survivors.items():
        print(f"\n{key} survived: {printed}")
    print(f"{len(due)} tried, {len(survivors)} survived, {len(known) - len(due)} seen red before with these very files")
    return 1 if survivors else 0


def note(found: Mapping[str, str]) -> None:
    """Write down what was seen red, by guard; one that survived, or is no guard any more, is taken out."""
    there = {f"{mode}/{name}" for mode, guards in GUARDS.items() for name in guards}
    seen = {key: value for key, value in {**seen_before(), **found}.items() if value and key in there}
    beside = SEEN.with_suffix(".new")
    beside.write_text(json.dumps(dict(sorted(seen.items())), indent=1) + "\n", encoding="utf-8")
    beside.replace(SEEN)


def rendered(folder: Path, answers: dict[str, Any]) -> Path:
    """Render a project of the template as it stands."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DirtyLocalWarning)
        run_copy(str(ROOT), folder, data=answers, defaults=True, vcs_ref="HEAD", quiet=True)
    return folder


if __name__ == "__main__":
    sys.exit(main())
