"""The files of the target `ray` agree with each other, and with what runs them."""

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.conftest import ROOT, choices, render, run

SCHEMA = ROOT.parent / "shared" / "data" / "rayservice-kuberay-1.7.0.schema.json"
APPS = choices("app_type")


@pytest.fixture(scope="module")
def projects(template: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Render every app behind Ray."""
    folder = tmp_path_factory.mktemp("ray")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", "")  # without git, this is faster
        return {app: render(template, folder / app, {"app_type": app, "deploy_target": "ray"}) for app in APPS}


def config(project: Path) -> dict[str, Any]:
    """Read how Ray serves the model."""
    return yaml.safe_load((project / "serve_config.yaml").read_text(encoding="utf-8"))


def manifest(project: Path) -> dict[str, Any]:
    """Read the manifest for KubeRay."""
    return yaml.safe_load((project / "deploy" / "ray" / "rayservice.yaml").read_text(encoding="utf-8"))


def deployments(project: Path) -> dict[str, Any]:
    """Give the deployments by name."""
    return {each["name"]: each for each in config(project)["applications"][0]["deployments"]}


@pytest.mark.parametrize("app", APPS)
def test_the_manifest_serves_what_serve_config_says(app: str, projects: dict[str, Path]) -> None:
    inside = yaml.safe_load(manifest(projects[app])["spec"]["serveConfigV2"])
    assert inside["http_options"].pop("host") == "0.0.0.0"
    outside = config(projects[app])
    assert outside["http_options"].pop("host") == "127.0.0.1"
    assert inside == outside


@pytest.mark.skipif(not SCHEMA.is_file(), reason="the schema of KubeRay is not part of this repository")
def test_the_manifest_follows_the_schema_of_kuberay(projects: dict[str, Path], tmp_path: Path) -> None:
    paths = [project / "deploy" / "ray" / "rayservice.yaml" for project in projects.values()]
    run("check-jsonschema", "--schemafile", SCHEMA, *paths, cwd=ROOT)
    broken = tmp_path / "rayservice.yaml"
    broken.write_text(paths[0].read_text(encoding="utf-8").replace("headGroupSpec", "headGroup"), encoding="utf-8")
    assert run("check-jsonschema", "--schemafile", SCHEMA, broken, cwd=ROOT, check=False).returncode == 1


def test_names_of_the_manifest_fit_kubernetes(template: Path, tmp_path: Path) -> None:
    answers = {"app_type": "chat", "deploy_target": "ray", "project_name": "3 " + "wide and " * 6}
    name = manifest(render(template, tmp_path / "app", answers))["metadata"]["name"]
    assert len(name) <= 41
    assert name[0].isalpha()
    assert name[-1].isalnum()


@pytest.mark.parametrize("app", APPS)
def test_a_node_stays_for_as_long_as_a_replica_may_end_its_work(app: str, projects: dict[str, Path]) -> None:
    [group] = manifest(projects[app])["spec"]["rayClusterConfig"]["workerGroupSpecs"]
    longest = deployments(projects[app])["Model"]["graceful_shutdown_timeout_s"]
    assert longest < group["template"]["spec"]["terminationGracePeriodSeconds"]


@pytest.mark.parametrize("app", APPS)
def test_the_model_has_a_bounded_queue_and_scales_and_the_endpoint_waits_for_all_of_it(
    app: str, projects: dict[str, Path]
) -> None:
    endpoint, model = (deployments(projects[app])[name] for name in ("Endpoint", "Model"))
    scaling = model["autoscaling_config"]
    assert scaling["min_replicas"] < scaling["max_replicas"]
    assert scaling["target_ongoing_requests"] < model["max_ongoing_requests"]
    room = model["max_queued_requests"] + scaling["max_replicas"] * model["max_ongoing_requests"]
    assert 0 < room < endpoint["max_ongoing_requests"]


@pytest.mark.parametrize("app", APPS)
def test_ray_is_in_the_image_of_the_model_only(app: str, projects: dict[str, Path]) -> None:
    project = tomllib.loads((projects[app] / "pyproject.toml").read_text(encoding="utf-8"))
    assert not any(
        "ray" in name for name in [*project["project"]["dependencies"], *project["dependency-groups"]["dev"]]
    )
    assert project["dependency-groups"]["serve"][0].startswith("ray[serve]")
    page, node = (
        (projects[app] / path).read_text(encoding="utf-8") for path in ("Dockerfile", "deploy/ray/Dockerfile")
    )
    assert "--group" not in page
    assert "uv sync --locked --group serve" in node


@pytest.mark.parametrize("app", APPS)
def test_ray_runs_no_gradio(app: str, projects: dict[str, Path]) -> None:
    code = "import services.api, services.model, services.endpoint, sys; sys.exit('gradio' in sys.modules)"
    run("python", "-c", code, cwd=projects[app])
    assert "gradio" not in (projects[app] / "serve_app.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("app", APPS)
def test_compose_brings_page_and_model_together(app: str, projects: dict[str, Path]) -> None:
    project = projects[app]
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "compose.ray.yaml", cwd=project)
    services = yaml.safe_load((project / "compose.ray.yaml").read_text(encoding="utf-8"))["services"]
    port = config(project)["http_options"]["port"]
    assert services["app"]["environment"]["APP_MODEL_URL"] == f"http://model:{port}/v1"
    model = services["model"]
    assert "ports" not in model
    assert (model["read_only"], model["cap_drop"], model["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"])
    # What the image puts in place of the host that the file names.
    assert "s/host: 127.0.0.1/host: 0.0.0.0/" in (project / "deploy" / "ray" / "Dockerfile").read_text(encoding="utf-8")
    longest = deployments(project)["Model"]["graceful_shutdown_timeout_s"]
    assert float(model["stop_grace_period"].removesuffix("s")) > longest
    assert "# APP_MODEL_MEMORY=" in (project / ".env.example").read_text(encoding="utf-8")


def test_the_environment_of_ray_is_the_same_everywhere(projects: dict[str, Path]) -> None:
    node = (projects["chat"] / "deploy" / "ray" / "Dockerfile").read_text(encoding="utf-8")
    lines = (projects["chat"] / "serve.env").read_text(encoding="utf-8").splitlines()
    for line in (line for line in lines if line.startswith("RAY_")):
        assert line in node


def test_the_answer_to_model_outlives_ray(template: Path, tmp_path: Path) -> None:
    answers = {"app_type": "chat", "deploy_target": "ray", "model": "embedded"}
    project = render(template, tmp_path / "app", answers)
    kept = yaml.safe_load((project / ".copier-answers.yml").read_text(encoding="utf-8"))
    assert kept["model"] == "embedded"
    assert (project / "services" / "remote.py").is_file()
    assert "answering" not in json.dumps(kept)
