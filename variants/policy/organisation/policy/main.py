"""`python -m server.policy` prints what in this project breaks the rules, one a line, and then exits with 1."""

import sys

from server.policy import AUTH_MODE, DEPLOY_TARGET, GRADIO, Facts, load_policy, violations
from server.settings import ServerSettings


def broken_by_project() -> list[str]:
    """Hold the project, as it is in git, against its rules.

    Settings count with their defaults, because others come from where the app runs; so do those that the rules require,
    and the start of the app looks at them. A project for another place than this machine can be reached from others.
    """
    policy = load_policy()
    settings = ServerSettings.model_construct().model_dump(mode="json")
    names = settings.keys() & policy.required_settings
    assumed = {name: policy.required_settings[name] for name in names} | {"public": DEPLOY_TARGET != "local"}
    return violations(policy, Facts(AUTH_MODE, GRADIO, settings | assumed))


def main() -> None:
    """Print, and exit."""
    found = broken_by_project()
    sys.stdout.writelines(f"{line}\n" for line in found)
    raise SystemExit(1 if found else 0)


if __name__ == "__main__":  # pragma: no cover (the tests call `main`)
    main()
