"""The files of the target `docker` are valid, and agree with each other and with the app's settings."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scripts.nginx import DEFAULTS
from tests.conftest import choices, render, run

FILES = ["compose.yaml", "compose.replicas.yaml"]


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project whose visitors sign in, which needs the shared store."""
    answers = {"deploy_target": "docker", "auth_mode": "password", "python_version": "3.13"}
    return render(template, tmp_path_factory.mktemp("docker") / "app", answers)


def services(project: Path, name: str) -> dict[str, Any]:
    """Read the services of a compose file."""
    return yaml.safe_load((project / name).read_text(encoding="utf-8"))["services"]


def setting(project: Path, name: str) -> float:
    """Read a default of the settings."""
    found = re.search(rf"{name}: \w+ = Field\(default=([\d_.]+)", (project / "server" / "settings.py").read_text())
    assert found
    return float(found[1])


def seconds(text: str) -> float:
    """Read a duration, or the default of a variable that holds one."""
    return float(re.sub(r"\$\{\w+:-(.+)\}", r"\1", text).removesuffix("s"))


def test_the_compose_files_follow_the_specification(project: Path) -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *FILES, cwd=project)


def test_the_schema_would_notice_a_mistake(project: Path, tmp_path: Path) -> None:
    broken = tmp_path / "compose.yaml"
    text = (project / "compose.yaml").read_text(encoding="utf-8")
    broken.write_text(text.replace("condition: service_healthy", "condition: healthy"), encoding="utf-8")
    result = run(
        "check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.yaml", cwd=tmp_path, check=False
    )
    assert result.returncode == 1


def test_every_container_is_locked_down(project: Path) -> None:
    for service in [*services(project, FILES[0]).values(), services(project, FILES[1])["store"]]:
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert service["pids_limit"]
    assert "user" in services(project, FILES[0])["nginx"]
    assert "user" in services(project, FILES[1])["store"]


def test_only_nginx_can_be_reached(project: Path) -> None:
    found = services(project, FILES[0]) | {"store": services(project, FILES[1])["store"]}
    assert [name for name, service in found.items() if "ports" in service] == ["nginx"]


def test_nobody_is_stopped_before_the_answers_are_out(project: Path) -> None:
    app, nginx = (services(project, FILES[0])[name] for name in ("app", "nginx"))
    server = (project / "server" / "running.py").read_text(encoding="utf-8")
    closing = sum(float(number) for number in re.findall(r"^(?:HOP|CLOSE)_SECONDS = ([\d.]+)", server, re.MULTILINE))
    longest = setting(project, "shutdown_grace") + closing
    assert seconds(app["stop_grace_period"]) > longest
    # Compose stops nginx first, because it depends on the app.
    workers = re.search(r"worker_shutdown_timeout (\w+);", (project / "deploy/nginx/nginx.conf.template").read_text())
    assert workers
    assert longest <= seconds(workers[1]) < seconds(nginx["stop_grace_period"])


def test_nginx_gets_the_variables_that_its_configuration_has(project: Path) -> None:
    nginx = services(project, FILES[0])["nginx"]
    text = (project / "deploy" / "nginx" / "nginx.conf.template").read_text(encoding="utf-8")
    names = set(re.findall(r"\$\{(\w+)\}", text))
    assert names == set(DEFAULTS)
    for name in names:
        assert nginx["environment"][name] == "${" + f"{name}:-{DEFAULTS[name]}" + "}"
        assert re.match(nginx["environment"]["NGINX_ENVSUBST_FILTER"].replace("$$", "$"), name)
    assert setting(project, "max_upload_mb") == float(DEFAULTS["APP_MAX_UPLOAD_MB"])


def test_every_variable_of_the_compose_files_is_in_the_example(project: Path) -> None:
    example = (project / ".env.example").read_text(encoding="utf-8")
    for name in FILES:
        for variable in re.findall(r"\$\{(\w+):-", (project / name).read_text(encoding="utf-8")):
            assert f"# {variable}=" in example, variable


def test_the_image_has_the_python_that_was_answered_and_a_lock(project: Path) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    assert "ARG BASE_IMAGE=python:3.13-" in text
    assert "uv sync --locked" in text
    assert re.search(r'^CMD \["python", "app.py"\]$', text, re.MULTILINE)
    assert re.search(r"^USER \d+:\d+$", text, re.MULTILINE)


@pytest.mark.parametrize("mode", choices("auth_mode"))
def test_only_who_signs_in_needs_a_shared_store(mode: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": "docker", "auth_mode": mode})
    found = services(project, "compose.replicas.yaml")
    assert ("store" in found) == (mode != "none")
    assert ("APP_STORE_URL" in found["app"].get("environment", {})) == (mode != "none")
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", *FILES, cwd=project)


def test_the_page_about_targets_knows_all_of_them(project: Path) -> None:
    page = (project / "docs" / "deploy.md").read_text(encoding="utf-8")
    for target in choices("deploy_target"):
        assert f"| `{target}` |" in page, target
