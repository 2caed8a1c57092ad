"""What `copier update` relies on: git keeps every file that the template gave, and no rule ignores one."""

import subprocess

from server.settings import PROJECT_DIR

GIVEN = ("AGENTS.md", "README.md", "app.py", "pyproject.toml", ".env.example", "services", "server", "utils", "tests")


def git(*arguments: str) -> list[str]:
    """Run git in the project and give the names that it prints; a project that is not in git cannot be updated yet."""
    if not (PROJECT_DIR / ".git").exists():
        return []
    command = ["git", "ls-files", "-z", "--ignored", "--exclude-standard", *arguments]
    done = subprocess.run(command, cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and "__pycache__" not in name]


def test_no_rule_of_git_ignores_a_file_that_is_kept_in_it() -> None:
    # Copier compares in repositories of its own, where a global rule counts too: an edit would be gone without a word.
    for name in git("--cached"):
        raise AssertionError(f"copier update would undo your edits of {name}: git check-ignore --no-index -v {name}")


def test_no_file_of_the_template_is_ignored() -> None:
    for name in git("--others", "--", *GIVEN):
        raise AssertionError(f"copier update would overwrite {name}, which git does not keep: git add --force {name}")
