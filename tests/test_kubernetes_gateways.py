"""What docs/deploy.md says about affinity, in a real Envoy: the proxy of Envoy Gateway and of Istio.

The tests put into Envoy what those make of a policy. Whether they do is not tried: that takes a cluster.
"""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from scripts.nginx import free_port
from tests.conftest import ROOT, render, run
from tests.test_first_start import started

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("gateways")]

SESSIONS, WITHOUT_AFFINITY = 40, 8
TYPES = "type.googleapis.com/envoy.extensions.filters"
Part = dict[str, Any]


@pytest.fixture(scope="module")
def project(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Render a project whose sessions have something to lose."""
    answers = {"app_type": "blocks", "deploy_target": "kubernetes"}
    return render(template, tmp_path_factory.mktemp("gateways") / "app", answers)


@pytest.fixture(scope="module")
def replicas(project: Path) -> Iterator[list[str]]:
    """Start two processes of the app."""
    settings = {"APP_TRUSTED_PROXIES": '["127.0.0.1"]'}
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                started(project, sys.executable, "app.py", APP_UPLOAD_DIR=str(project.parent / name), **settings)
            )
            for name in ("one", "two")
        ]


def documented(project: Path, kind: str) -> Part:
    """Give what a policy of the documentation says about load balancing."""
    page = (project / "docs" / "deploy.md").read_text(encoding="utf-8")
    for block in page.split("```yaml\n")[1:]:
        for policy in yaml.safe_load_all(block.split("```")[0]):
            if policy["kind"] == kind:
                spec = policy["spec"]
                return spec.get("trafficPolicy", spec)["loadBalancer"]["consistentHash"]
    pytest.fail(f"there is no {kind} in docs/deploy.md")


def affinity_of_envoy_gateway(project: Path) -> tuple[str, list[Part]]:
    """Give what Envoy Gateway makes of the policy."""
    cookie = documented(project, "BackendTrafficPolicy")["cookie"]
    attributes = [{"name": name, "value": value} for name, value in cookie.get("attributes", {}).items()]
    return "MAGLEV", [{"cookie": {"name": cookie["name"], "ttl": cookie["ttl"], "attributes": attributes}}]


def affinity_of_istio(project: Path) -> tuple[str, list[Part]]:
    """Give what Istio makes of the policy."""
    return "RING_HASH", [{"cookie": documented(project, "DestinationRule")["httpCookie"]}]


@contextmanager
def envoy(folder: Path, apps: list[str], policy: str, hashed: list[Part]) -> Iterator[str]:
    """Start Envoy in front of running apps and wait until it listens."""
    program = shutil.which("envoy")
    if program is None:
        pytest.skip("no envoy found: its package is for Linux")
    port = free_port()
    router = {"name": "router", "typed_config": {"@type": f"{TYPES}.http.router.v3.Router"}}
    route = {"match": {"prefix": "/"}, "route": {"cluster": "app", "timeout": "0s", "hash_policy": hashed}}
    manager = {
        "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "use_remote_address": True,
        "http_filters": [router],
        "route_config": {"virtual_hosts": [{"name": "app", "domains": ["*"], "routes": [route]}]},
    }
    endpoints = [{"endpoint": {"address": address(int(app.rpartition(":")[2]))}} for app in apps]
    cluster = {"name": "app", "lb_policy": policy}
    cluster["load_assignment"] = {"cluster_name": "app", "endpoints": [{"lb_endpoints": endpoints}]}
    listener = {"address": address(port), "filter_chains": [{"filters": [{"name": "http", "typed_config": manager}]}]}
    config = folder / "envoy.json"
    config.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    arguments = ["-c", config, "--concurrency", "1", "--use-dynamic-base-id", "--log-level", "warning"]
    process = subprocess.Popen([program, *arguments])
    try:
        url = f"http://127.0.0.1:{port}"
        while True:
            assert process.poll() is None, "envoy has exited"
            try:
                if httpx.get(f"{url}/readyz", timeout=30).status_code == 200:
                    break
            except httpx.HTTPError:
                continue
        yield url
    finally:
        process.terminate()
        process.wait(60)


def address(port: int) -> Part:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def sessions(url: str, count: int) -> list[str]:
    """Let visitors take three steps each, and tell how it went."""
    found = run(sys.executable, "-m", "tests.sessions", url, str(count), cwd=ROOT).stdout.splitlines()
    assert len(found) == count
    return found


@pytest.mark.parametrize("affinity", [affinity_of_envoy_gateway, affinity_of_istio])
def test_with_the_documented_policy_every_session_is_right(
    affinity: Any,  # noqa: ANN401 (one of the two above)
    project: Path,
    replicas: list[str],
    tmp_path: Path,
) -> None:
    with envoy(tmp_path, replicas, *affinity(project)) as url:
        found = sessions(url, SESSIONS)
        assert found.count("right") == SESSIONS, [word for word in found if word != "right"]
        # A cookie for the whole site, which scripts cannot read, for as long as the browser runs.
        cookie = httpx.get(f"{url}/gradio_api/info").headers["set-cookie"].lower().replace(" ", "")
        assert {"path=/", "httponly"} <= set(cookie.split(";"))
        assert "max-age" not in cookie
    assert all(any((project.parent / name).iterdir()) for name in ("one", "two"))


def test_without_a_policy_sessions_go_wrong(replicas: list[str], tmp_path: Path) -> None:
    with envoy(tmp_path, replicas, "ROUND_ROBIN", []) as url:
        assert sessions(url, WITHOUT_AFFINITY).count("right") < WITHOUT_AFFINITY


def test_a_visitor_cannot_say_under_which_name_the_app_is(replicas: list[str], tmp_path: Path) -> None:
    with envoy(tmp_path, replicas[:1], "ROUND_ROBIN", []) as url:
        says = {"X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https", "Forwarded": "host=evil.example"}
        assert httpx.get(f"{url}/config", headers=says).status_code == 400
        assert httpx.get(f"{url}/config").json()["root"] == url
        assert httpx.get(f"{url}/config", headers={"X-Forwarded-Proto": "https"}).json()["root"] == url
