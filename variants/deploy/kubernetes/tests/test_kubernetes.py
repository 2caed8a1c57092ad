"""Every overlay builds, is what a cluster takes, and agrees with the app. Needs `kubectl` on the path, no cluster."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from server import running
from server.asked import EXACT, Kind
from server.settings import PROJECT_DIR, ServerSettings

OVERLAYS = sorted(path.parent for path in (PROJECT_DIR / "deploy/kubernetes/overlays").glob("*/kustomization.yaml"))
GATEWAY_API = "gateway.networking.k8s.io"
UNITS = {"Mi": 2**20, "Gi": 2**30}
VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
Manifest = dict[str, Any]


class Overlay:
    """What one overlay gives to the cluster."""

    def __init__(self, folder: Path, kubectl: str) -> None:
        built = subprocess.run([kubectl, "kustomize", folder], capture_output=True, text=True, check=False)
        assert built.returncode == 0, built.stderr
        self.manifests: list[Manifest] = list(yaml.safe_load_all(built.stdout))
        self.pod: Manifest = self.of("Deployment")["spec"]["template"]["spec"]
        self.app: Manifest = next(container for container in self.pod["containers"] if container["name"] == "app")

    def all(self, kind: str) -> list[Manifest]:
        return [manifest for manifest in self.manifests if manifest["kind"] == kind]

    def of(self, kind: str) -> Manifest:
        """Give the app's own manifest of a kind; that of a ConfigMap has a hash behind its name."""
        return next(each for each in self.all(kind) if re.fullmatch(r"app(-\w{10})?", each["metadata"]["name"]))

    def environment(self) -> dict[str, str]:
        """Give what the pod's environment has, without what is secret."""
        named = {each["name"]: each["value"] for each in self.app["env"] if "value" in each}
        return self.of("ConfigMap")["data"] | named

    def ports(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self.app["ports"]}


@pytest.fixture(scope="module", params=OVERLAYS, ids=lambda folder: folder.name)
def overlay(request: pytest.FixtureRequest) -> Overlay:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        pytest.skip("no kubectl found")
    return Overlay(request.param, kubectl)


@pytest.fixture
def settings(overlay: Overlay, monkeypatch: pytest.MonkeyPatch) -> ServerSettings:
    """Give the settings of the app in the pod."""
    for name in os.environ:
        if name.startswith("APP_"):
            monkeypatch.delenv(name)
    for name, value in overlay.environment().items():
        monkeypatch.setenv(name, value)
    return ServerSettings(_env_file=None)


def test_every_field_is_one_that_kubernetes_knows(overlay: Overlay) -> None:
    for manifest in overlay.manifests:
        group = manifest["apiVersion"].rpartition("/")[0]
        # What a cluster learns from others, nothing in this project can check.
        of_others = group == GATEWAY_API or ("." in group and not group.endswith(".k8s.io"))
        if not of_others:
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)


def test_every_setting_is_one_that_the_app_knows(overlay: Overlay) -> None:
    known = {f"APP_{name}".upper() for name in ServerSettings.model_fields} | {"APP_METRICS_PORT"}
    for name in [*overlay.environment(), *(each["name"] for each in overlay.app["env"])]:
        assert name in known or not name.startswith("APP_"), name


def test_answers_under_way_come_to_their_end_before_the_pod_is_killed(
    overlay: Overlay, settings: ServerSettings
) -> None:
    before = overlay.app["lifecycle"]["preStop"]["sleep"]["seconds"]
    longest = before + settings.shutdown_grace + running.HOP_SECONDS + running.CLOSE_SECONDS
    assert overlay.pod["terminationGracePeriodSeconds"] > longest


def test_the_gateway_hears_of_the_end_before_the_app_does(overlay: Overlay) -> None:
    assert overlay.app["lifecycle"]["preStop"]["sleep"]["seconds"] >= 5


def test_a_long_answer_is_not_cut(overlay: Overlay) -> None:
    for route in overlay.all("HTTPRoute"):
        for rule in route["spec"]["rules"]:
            assert rule["timeouts"]["request"] == "0s"


def test_the_app_answers_to_the_names_of_its_route(overlay: Overlay, settings: ServerSettings) -> None:
    for route in overlay.all("HTTPRoute"):
        for name in route["spec"]["hostnames"]:
            assert name in settings.allowed_hosts, f"APP_ALLOWED_HOSTS lacks {name}"


def test_probes_ask_what_the_app_answers(overlay: Overlay) -> None:
    probes = {kind: overlay.app[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")}
    assert {probe["path"] for probe in probes.values()} == {path for path, kind in EXACT.items() if kind is Kind.PROBE}
    assert {probe["port"] for probe in probes.values()} == {"http"}
    # One that is warming up or stopping gets no visitors, but it is not killed for that.
    assert (probes["readiness"]["path"], probes["liveness"]["path"]) == ("/readyz", "/healthz")


def test_the_app_listens_where_it_is_looked_for(overlay: Overlay, settings: ServerSettings) -> None:
    ports = overlay.ports()
    assert settings.port == ports["http"]
    assert overlay.environment()["APP_METRICS_PORT"] == str(ports["metrics"])
    notes = overlay.of("Deployment")["spec"]["template"]["metadata"]["annotations"]
    assert notes["prometheus.io/port"] == str(ports["metrics"])
    # With links, a Service that is called `app` sets APP_PORT in every pod of its namespace.
    assert overlay.pod["enableServiceLinks"] is False


def test_figures_are_not_public(overlay: Overlay) -> None:
    for service in overlay.all("Service"):
        assert {port["targetPort"] for port in service["spec"]["ports"]} == {"http"}
    policy = overlay.of("NetworkPolicy")["spec"]
    assert policy["podSelector"]["matchLabels"] == overlay.of("Deployment")["spec"]["selector"]["matchLabels"]
    assert policy["policyTypes"] == ["Ingress"]
    for rule in policy["ingress"]:
        assert len(rule["ports"]) == 1
        assert all(rule["from"])


def test_the_pod_keeps_to_the_restricted_security_standard(overlay: Overlay) -> None:
    pod = overlay.pod
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert pod["securityContext"]["runAsNonRoot"]
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert set().union(*pod["volumes"]) - {"name"} <= VOLUMES
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        own = container["securityContext"]
        assert own["allowPrivilegeEscalation"] is False
        assert own["capabilities"] == {"drop": ["ALL"]}
        assert not own.keys() & {"privileged", "procMount", "runAsUser", "runAsNonRoot", "seccompProfile"}
        assert not any("hostPort" in port for port in container.get("ports", []))


def test_the_pod_can_change_nothing_but_its_temporary_folder(overlay: Overlay) -> None:
    assert overlay.app["securityContext"]["readOnlyRootFilesystem"]
    assert overlay.app["volumeMounts"] == [{"name": "tmp", "mountPath": "/tmp"}]
    assert overlay.pod["automountServiceAccountToken"] is False


def test_the_temporary_folder_holds_many_uploads(overlay: Overlay, settings: ServerSettings) -> None:
    [tmp] = [volume["emptyDir"] for volume in overlay.pod["volumes"] if volume["name"] == "tmp"]
    size = int(tmp["sizeLimit"][:-2]) * UNITS[tmp["sizeLimit"][-2:]]
    assert size >= 10 * settings.max_upload_mb * 1_000_000


def test_a_node_can_be_drained(overlay: Overlay) -> None:
    budget = overlay.of("PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] >= 1
    assert "minAvailable" not in budget  # with one pod, that would be never
    assert budget["unhealthyPodEvictionPolicy"] == "AlwaysAllow"


def test_several_pods_share_what_sign_ins_need(overlay: Overlay) -> None:
    scaled = bool(overlay.all("HorizontalPodAutoscaler"))
    replicas = overlay.of("Deployment")["spec"].get("replicas")
    assert (replicas is None) == scaled  # or every `apply` would undo what the autoscaler did
    needed = "store_url" in ServerSettings.model_fields and (scaled or replicas != 1)
    found = [each["valueFrom"]["secretKeyRef"] for each in overlay.app["env"] if each["name"] == "APP_STORE_URL"]
    assert found == [{"name": "app", "key": "APP_STORE_URL"}] or not needed
