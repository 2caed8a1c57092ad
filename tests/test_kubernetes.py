"""The target `kubernetes`: its manifests build, keep to the schemas, and start the app as a cluster would."""

import base64
import copy
import json
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import kubernetes_validate
import pytest
import yaml
from jsonschema import ValidationError, validate

from scripts.nginx import free_port
from tests.conftest import ROOT, choices, render, run

SCHEMA = ROOT.parent / "shared" / "data" / "httproute-gateway-api-1.6.1-standard.schema.json"
OVERLAYS = Path("deploy", "kubernetes", "overlays")
OF_OTHERS = {"HTTPRoute", "BackendTrafficPolicy", "DestinationRule", "GCPBackendPolicy"}
"""Kinds that are not part of Kubernetes."""
POD_ADDRESS = "10.1.2.3"
SECOND = """
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: my-gradio-app
resources: [../production]
"""
DEPLOYMENT, POD = "Deployment", "/spec/template/spec"
APP = f"{POD}/containers/0"
GUARDS: dict[str, tuple[str, str, Any]] = {
    "every_field_is_one_that_kubernetes_knows": (DEPLOYMENT, f"{APP}/readOnlyRootFilesystem", True),
    "answers_under_way_come_to_their_end": (DEPLOYMENT, f"{POD}/terminationGracePeriodSeconds", 36),
    "the_gateway_hears_of_the_end": (DEPLOYMENT, f"{APP}/lifecycle/preStop/sleep/seconds", 1),
    "a_long_answer_is_not_cut": ("HTTPRoute", "/spec/rules/0/timeouts/request", "30s"),
    "the_app_answers_to_the_names": ("HTTPRoute", "/spec/hostnames/0", "other.example.com"),
    "probes_ask_what_the_app_answers": (DEPLOYMENT, f"{APP}/livenessProbe/httpGet/path", "/readyz"),
    "the_app_listens_where": (DEPLOYMENT, f"{POD}/enableServiceLinks", True),
    "figures_are_not_public": ("Service", "/spec/ports/-", {"name": "metrics", "port": 9090, "targetPort": "metrics"}),
    "the_pod_keeps_to_the_restricted": (DEPLOYMENT, f"{APP}/securityContext/allowPrivilegeEscalation", True),
    "the_pod_can_change_nothing": (DEPLOYMENT, f"{APP}/securityContext/readOnlyRootFilesystem", False),
    "the_temporary_folder_holds": (DEPLOYMENT, f"{POD}/volumes/0/emptyDir/sizeLimit", "512Mi"),
    "a_node_can_be_drained": ("PodDisruptionBudget", "/spec/minAvailable", 1),
    "several_pods_share": (DEPLOYMENT, "/spec/replicas", 2),
    "every_setting_is_one_that_the_app_knows": (DEPLOYMENT, f"{APP}/env/-", {"name": "APP_HOTS", "value": "x"}),
}
"""By the test of a project that holds it: what takes a guard away: a kind, and a value that a JSON patch puts in."""


def kustomize(folder: Path) -> list[dict[str, Any]]:
    """Build an overlay."""
    return list(yaml.safe_load_all(run("kubectl", "kustomize", folder, cwd=folder).stdout))


def of(kind: str, manifests: list[dict[str, Any]]) -> dict[str, Any]:
    """Give the one manifest of a kind."""
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def with_replicas(project: Path) -> None:
    """Add an overlay in which the line for several pods counts, with the policies of all gateways."""
    folder = shutil.copytree(project / OVERLAYS / "production", project / OVERLAYS / "replicas")
    path = folder / "kustomization.yaml"
    text = path.read_text(encoding="utf-8")
    text = text.replace("# components:\n#   -", "components:\n  -").replace(
        "../../base\n", "../../base\n  - policies.yaml\n"
    )
    path.write_text(text, encoding="utf-8")
    policies = re.search(r"```yaml\n(.*?)```", (project / "docs" / "deploy.md").read_text(encoding="utf-8"), re.DOTALL)
    assert policies
    (folder / "policies.yaml").write_text(policies[1], encoding="utf-8")


def own_tests(project: Path) -> subprocess.CompletedProcess[str]:
    """Run what a project says about its manifests."""
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rA", "tests/server/test_kubernetes.py"]
    return run(*tests, cwd=project, check=False)


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project whose visitors sign in, with its own overlay and one for several pods."""
    answers = {"app_type": "streaming", "deploy_target": "kubernetes", "auth_mode": "password"}
    project = render(template, tmp_path_factory.mktemp("kubernetes") / "app", answers)
    with_replicas(project)
    return project


@pytest.fixture(scope="module")
def manifests(project: Path) -> list[dict[str, Any]]:
    return kustomize(project / OVERLAYS / "production")


def test_a_project_tests_its_manifests(project: Path) -> None:
    result = own_tests(project)
    assert re.search(rf"^{2 * len(GUARDS)} passed", result.stdout, re.MULTILINE), result.stdout


def test_each_guard_has_a_test_that_fails_without_it(project: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(project, tmp_path / "app")
    shutil.rmtree(broken / OVERLAYS / "replicas")
    for name, (kind, path, value) in GUARDS.items():
        patch = {"target": {"kind": kind}, "patch": json.dumps([{"op": "add", "path": path, "value": value}])}
        folder = broken / OVERLAYS / name
        folder.mkdir()
        (folder / "kustomization.yaml").write_text(f"{SECOND}patches: {json.dumps([patch])}\n", encoding="utf-8")
    failed = re.findall(r"^FAILED \S+::test_(\w+)\[(\w+)\]", own_tests(broken).stdout, re.MULTILINE)
    assert sorted(overlay for _, overlay in failed) == sorted(GUARDS)
    for test, overlay in failed:
        assert test.startswith(overlay)


@pytest.mark.parametrize("mode", choices("auth_mode"))
def test_several_pods_need_a_shared_store_where_people_sign_in(mode: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": "kubernetes", "auth_mode": mode})
    with_replicas(project)
    deployment = of("Deployment", kustomize(project / OVERLAYS / "replicas"))["spec"]
    assert "replicas" not in deployment
    env = deployment["template"]["spec"]["containers"][0]["env"]
    assert ("APP_STORE_URL" in {each["name"] for each in env}) == (mode != "none")


@pytest.mark.parametrize("version", ["1.30", "1.37"])
def test_the_oldest_kubernetes_of_the_documentation_takes_all_of_it(version: str, project: Path) -> None:
    assert f"Kubernetes {version}" in (project / "docs" / "deploy.md").read_text(encoding="utf-8")
    for manifest in kustomize(project / OVERLAYS / "replicas"):
        if manifest["kind"] not in OF_OTHERS:
            kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("broken", [{"replica": 1}, {"replicas": "two"}])
def test_the_schemas_of_kubernetes_would_notice_a_mistake(
    broken: dict[str, Any], manifests: list[dict[str, Any]]
) -> None:
    deployment = copy.deepcopy(of("Deployment", manifests))
    deployment["spec"] |= broken
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(deployment, "1.37", strict=True)


def test_kustomize_would_notice_a_patch_for_nothing(project: Path, tmp_path: Path) -> None:
    broken = shutil.copytree(project, tmp_path / "app")
    path = broken / "deploy" / "kubernetes" / "components" / "replicas" / "deployment.yaml"
    path.write_text(path.read_text(encoding="utf-8").replace("name: app\nspec", "name: other\nspec"), encoding="utf-8")
    built = run("kubectl", "kustomize", ".", cwd=broken / OVERLAYS / "replicas", check=False)
    assert built.returncode == 1
    assert "no matches for Id" in built.stdout


def test_one_pod_is_what_a_project_starts_with(manifests: list[dict[str, Any]]) -> None:
    assert of("Deployment", manifests)["spec"]["replicas"] == 1
    assert "HorizontalPodAutoscaler" not in {manifest["kind"] for manifest in manifests}


def test_a_changed_setting_starts_new_pods(project: Path, tmp_path: Path) -> None:
    changed = shutil.copytree(project, tmp_path / "app")
    path = changed / OVERLAYS / "production" / "config.env"
    path.write_text(path.read_text(encoding="utf-8") + "APP_QUEUE_SIZE=65\n", encoding="utf-8")
    names = set[str]()
    for each in (project, changed):
        built = kustomize(each / OVERLAYS / "production")
        name = of("ConfigMap", built)["metadata"]["name"]
        source = of("Deployment", built)["spec"]["template"]["spec"]["containers"][0]["envFrom"][0]
        assert source["configMapRef"]["name"] == name
        names.add(name)
    assert len(names) == 2


@pytest.mark.parametrize("name", ["123", "Null", "3D Viewer"])
def test_no_name_of_a_project_is_a_number_or_nothing(name: str, template: Path, tmp_path: Path) -> None:
    project = render(template, tmp_path / "app", {"deploy_target": "kubernetes", "project_name": name})
    slug = name.lower().replace(" ", "-")
    for manifest in kustomize(project / OVERLAYS / "production"):
        assert manifest["metadata"]["namespace"] == slug
        assert manifest["metadata"].get("labels", {"app.kubernetes.io/name": slug}) == {"app.kubernetes.io/name": slug}


def test_the_pod_agrees_with_the_image(project: Path, manifests: list[dict[str, Any]]) -> None:
    text = (project / "Dockerfile").read_text(encoding="utf-8")
    pod = of("Deployment", manifests)["spec"]["template"]["spec"]
    user = pod["securityContext"]
    assert f"\nUSER {user['runAsUser']}:{user['runAsGroup']}\n" in text
    assert f"\nEXPOSE {pod['containers'][0]['ports'][0]['containerPort']}\n" in text
    assert image_environment(project)["APP_UPLOAD_DIR"].startswith(pod["containers"][0]["volumeMounts"][0]["mountPath"])


# THE ROUTE, WHOSE SCHEMA IS NOT PART OF KUBERNETES


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    """Give the schema of routes, of the standard channel."""
    if not SCHEMA.exists():
        pytest.skip("the schema of HTTPRoute is not here: ../shared/data")
    return json.loads(SCHEMA.read_text(encoding="utf-8"))


def test_the_route_follows_the_gateway_api(manifests: list[dict[str, Any]], schema: dict[str, Any]) -> None:
    validate(of("HTTPRoute", manifests), schema)


@pytest.mark.parametrize(
    "broken",
    [{"hostname": "app.example.com"}, {"hostnames": "app.example.com"}, {"rules": [{"sessionPersistence": {}}]}],
)
def test_the_schema_of_routes_would_notice_a_mistake(
    broken: dict[str, Any], manifests: list[dict[str, Any]], schema: dict[str, Any]
) -> None:
    route = copy.deepcopy(of("HTTPRoute", manifests))
    route["spec"] |= broken
    with pytest.raises(ValidationError):
        validate(route, schema)


# THE APP, STARTED WITH WHAT THE POD WOULD GIVE IT


def image_environment(project: Path) -> dict[str, str]:
    """Read what the image sets, in the last ENV of its Dockerfile."""
    text = (project / "Dockerfile").read_text(encoding="utf-8").split("\nENV ")[-1]
    lines = re.match(r"(?:.*\\\n)*.*", text)
    assert lines
    return dict(pair.split("=", 1) for pair in shlex.split(lines[0].replace("\\\n", "")))


class Pod:
    """A project's process in the place of its pod."""

    def __init__(self, project: Path, folder: Path, **variables: str) -> None:
        self.spec = of("Deployment", manifests := kustomize(project / OVERLAYS / "production"))["spec"]["template"][
            "spec"
        ]
        self.app = self.spec["containers"][0]
        self.ports = {port["name"]: free_port() for port in self.app["ports"]}
        given = image_environment(project) | of("ConfigMap", manifests)["data"]
        given |= {each["name"]: each["value"] for each in self.app["env"]}
        mine = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "APP_UPLOAD_DIR": str(folder / "uploads")}
        mine |= {"APP_PORT": str(self.ports["http"]), "APP_METRICS_PORT": str(self.ports["metrics"])}
        self.process = subprocess.Popen([sys.executable, "app.py"], cwd=project, env=given | mine | variables)

    def get(self, path: str, port: str = "http", host: str = POD_ADDRESS) -> httpx.Response:
        """Ask, by default as the kubelet does, which knows the pod by its address."""
        url = f"http://127.0.0.1:{self.ports[port]}{path}"
        return httpx.get(url, headers={"Host": f"{host}:{self.ports[port]}"}, timeout=30)

    def passes(self, kind: str) -> bool:
        """Tell whether a probe of the manifest passes now."""
        probe = self.app[f"{kind}Probe"]["httpGet"]
        try:
            return 200 <= self.get(probe["path"], probe["port"]).status_code < 400
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def open_project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project that asks nobody who they are."""
    answers = {"app_type": "streaming", "deploy_target": "kubernetes"}
    return render(template, tmp_path_factory.mktemp("open") / "app", answers)


@contextmanager
def started(project: Path, folder: Path, **variables: str) -> Iterator[Pod]:
    """Start a pod's process and wait until its probes pass."""
    pod = Pod(project, folder, **variables)
    try:
        for kind in ("startup", "readiness", "liveness"):
            while not pod.passes(kind):
                assert pod.process.poll() is None, "the app has exited"
        yield pod
    finally:
        pod.process.kill()
        pod.process.wait(60)


@pytest.mark.slow
def test_probes_pass_and_visitors_need_the_right_name(open_project: Path, tmp_path: Path) -> None:
    with started(open_project, tmp_path) as pod:
        assert pod.get("/config").status_code == 400
        assert pod.get("/config", host="app.example.com").status_code == 200
        assert "app_queue_length" in pod.get("/metrics", "metrics").text
        assert pod.get("/metrics", host="app.example.com").status_code == 404


@pytest.mark.slow
def test_a_pod_that_is_taken_away_finishes_its_answers_in_time(open_project: Path, tmp_path: Path) -> None:
    with started(open_project, tmp_path, APP_EMBEDDED_DELAY="0.1") as pod:
        url, host = f"http://127.0.0.1:{pod.ports['http']}", {"Host": "app.example.com"}
        with httpx.Client(base_url=url, headers=host, timeout=60) as visitor:
            asked = {"data": ["Count these words, please.", 30, None]}
            event = visitor.post("/gradio_api/call/stream", json=asked).json()["event_id"]
            with visitor.stream("GET", f"/gradio_api/call/stream/{event}") as answer:
                lines = answer.iter_lines()
                assert "generating" in next(lines)
                pod.process.send_signal(signal.SIGTERM)
                while pod.passes("readiness"):
                    pass
                assert pod.passes("liveness")
                rest = list(lines)
        assert "event: complete" in rest
        left = pod.spec["terminationGracePeriodSeconds"] - pod.app["lifecycle"]["preStop"]["sleep"]["seconds"]
        assert pod.process.wait(left) == 0


@pytest.mark.slow
def test_people_sign_in_with_the_secret_that_the_documentation_makes(project: Path, tmp_path: Path) -> None:
    ours = shutil.copytree(project, tmp_path / "app")
    (ours / "secrets").mkdir()
    account = [sys.executable, "-m", "server.access.passwords", "ada"]
    lines = subprocess.run(account, cwd=ours, input="battery staple", capture_output=True, text=True, check=True).stdout
    (ours / "secrets" / "production.env").write_text(lines, encoding="utf-8")
    page = (ours / "docs" / "deploy.md").read_text(encoding="utf-8")
    command = re.search(r"^uv run (dotenv .* create secret .*)$", page, re.MULTILINE)
    assert command
    made = yaml.safe_load(run("bash", "-c", f"{command[1]} --dry-run=client -o yaml", cwd=ours).stdout)
    reference = of("Deployment", kustomize(ours / OVERLAYS / "production"))["spec"]["template"]["spec"]["containers"][0]
    assert made["metadata"]["name"] == reference["envFrom"][1]["secretRef"]["name"]
    secret = {name: base64.b64decode(value).decode() for name, value in made["data"].items()}
    (ours / "secrets" / "production.env").unlink()  # not part of an image
    with started(ours, tmp_path, **secret) as pod:
        assert pod.get("/config", host="app.example.com").status_code == 401
        url, host = f"http://127.0.0.1:{pod.ports['http']}", {"Host": "app.example.com"}
        with httpx.Client(base_url=url, headers=host) as visitor:
            assert visitor.post("/login", data={"username": "ada", "password": "battery staple"}).status_code == 200


@pytest.mark.slow
def test_without_its_secret_a_pod_says_what_is_missing(
    project: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    pod = Pod(project, tmp_path)
    pod.process.wait(60)
    assert pod.process.returncode == 1
    assert "APP_SESSION_SECRET: missing." in capfd.readouterr().err
