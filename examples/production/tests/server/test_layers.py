"""Who may import whom. The test walks the folders, so it holds whatever files are in them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from server.settings import PROJECT_DIR

MAY_NOT = {
    "services": {"gradio", "server", "utils", "app", "handlers"},
    "server": {"services", "utils", "app", "handlers"},
    "utils": {"app", "handlers"},
}
"""What the files of a folder must not import. `services/` is plain Python; `server/` knows nothing of your app."""
FILES = [path for folder in MAY_NOT for path in sorted((PROJECT_DIR / folder).rglob("*.py"))]


def module_of(path: Path) -> str:
    """Name the module of a file."""
    return ".".join(path.relative_to(PROJECT_DIR).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path, *, at_start: bool = False) -> Iterator[str]:
    """Give the modules that a file imports; with `at_start` without those that only type checkers see."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    blocks = [node for node in ast.walk(tree) if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)]
    typing_only = {inner for block in blocks for inner in ast.walk(block)} if at_start else set[ast.AST]()
    for node in ast.walk(tree):
        if node in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_no_arrow_runs_up(path: Path) -> None:
    folder = path.relative_to(PROJECT_DIR).parts[0]
    wrong = {name for name in imports(path) if name.partition(".")[0] in MAY_NOT[folder]}
    assert not wrong, f"{path.relative_to(PROJECT_DIR)} imports {', '.join(sorted(wrong))}"


def test_no_imports_go_in_a_circle() -> None:
    known = {module_of(path): path for path in FILES}
    # A package runs first whatever of it is imported; that it imports its own parts is no circle.
    arrows = {name: {to for to in imports(path, at_start=True) if to in known} for name, path in known.items()}
    done: set[str] = set()

    def follow(name: str, way: tuple[str, ...]) -> None:
        assert name not in way, f"a circle: {' -> '.join([*way[way.index(name) :], name])}"
        if name not in done:
            for to in sorted(arrows[name]):
                if to != name:
                    follow(to, (*way, name))
            done.add(name)

    for name in known:
        follow(name, ())


@pytest.mark.parametrize(
    "path", [path for path in FILES if path.is_relative_to(PROJECT_DIR / "services")], ids=module_of
)
def test_a_service_brings_no_gradio_along(path: Path) -> None:
    code = f"import sys, {module_of(path)}; sys.exit('gradio' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, check=False).returncode == 0
