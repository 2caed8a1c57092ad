"""The target `ray` with a real Ray on this machine: the page in front, the model behind, and replicas that die."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import openai
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from scripts.ray_serve import REPLICA, Cluster, configuration, install, served
from tests.conftest import ROOT, choices, copier, run
from tests.test_first_start import started

# One Ray at a time: each takes a gigabyte and both cores for a while.
pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("ray")]

PATIENCE = 120
"""Seconds after which a test gives up. No assertion depends on how fast something is."""
OPTIONS: dict[str, dict[str, Any]] = {
    "chat": {
        "autoscaling_config": {"min_replicas": 1, "max_replicas": 2, "target_ongoing_requests": 2, "upscale_delay_s": 1}
    },
    "interface": {"user_config": {"batch_wait_timeout_s": 0.2}},
    "streaming": {"max_ongoing_requests": 1, "max_queued_requests": 1},
}
"""What differs from `serve_config.yaml`: scaling that a few callers can see, a wait that fits the slow model below, and
room for one answer at a time."""
SLOW_MODEL = """

def _slowly(predict):  # Stands in for an accelerator, and tells what it was asked.
    import functools, os, pathlib, time

    @functools.wraps(predict)
    def slow(bitmaps):
        time.sleep(0.2)
        with pathlib.Path(os.environ["BATCHES"]).open("a") as file:
            file.write(f"{len(bitmaps)}\\n")
        return predict(bitmaps)

    return slow


predict = _slowly(predict)
"""
CHECK_OPTIONS = """
import yaml
from ray.serve.config import AutoscalingConfig
from ray.serve.schema import (
    DeploymentSchema, HTTPOptionsSchema, LoggingConfig, RayActorOptionsSchema, ServeApplicationSchema, ServeDeploySchema
)

def known(kind, values):
    assert set(values) <= set(kind.model_fields), set(values) - set(kind.model_fields)

config = yaml.safe_load(open("serve_config.yaml"))
ServeDeploySchema.model_validate(config)
known(ServeDeploySchema, config)
known(HTTPOptionsSchema, config["http_options"])
known(LoggingConfig, config["logging_config"])
for application in config["applications"]:
    known(ServeApplicationSchema, application)
    for deployment in application["deployments"]:
        known(DeploymentSchema, deployment)
        known(AutoscalingConfig, deployment.get("autoscaling_config", {}))
        known(RayActorOptionsSchema, deployment["ray_actor_options"])
"""
"""Ray takes no notice of a key that it does not know, so a slip of the pen would change nothing and go unseen."""


@dataclass(frozen=True)
class Running:
    """A project whose model is behind Ray, and its page."""

    app_type: str
    project: Path
    folder: Path
    cluster: Cluster
    page: str

    def visitor(self) -> Client:
        """Visit the page as a program, with a session of its own."""
        return Client(self.page, verbose=False, download_files=self.folder)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of one environment for all apps."""
    return tmp_path_factory.mktemp("environment") / "venv"


def project_of(app_type: str, folder: Path) -> Path:
    """Make a project as a person would."""
    answers = [f"--data=app_type={app_type}", "--data=deploy_target=ray"]
    copier("copy", "--defaults", *answers, ROOT, "app", "--vcs-ref", "HEAD", cwd=folder)
    return folder / "app"


@pytest.fixture(scope="module")
def running(
    request: pytest.FixtureRequest, environment: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Running]:
    """Start a project: Ray as its README says, and the page as `docker` would, with the address of the model."""
    app_type: str = request.param
    folder = tmp_path_factory.mktemp(app_type)
    project = project_of(app_type, folder)
    python = install(project, environment)
    both = {"APP_MODEL_KEY": "secret", "BATCHES": str(folder / "batches")}
    if app_type == "interface":
        model = project / "services" / "model.py"
        model.write_text(model.read_text(encoding="utf-8") + SLOW_MODEL, encoding="utf-8")
    config = configuration(project, **OPTIONS.get(app_type, {}))
    with (
        served(project, python, folder, config, APP_EMBEDDED_DELAY="0.05", **both) as cluster,
        started(project, str(python), "app.py", APP_MODEL_URL=cluster.url, **both) as page,
    ):
        yield Running(app_type, project, folder, cluster, page)


def only(*app_types: str) -> pytest.MarkDecorator:
    """Run a test with these apps."""
    return pytest.mark.parametrize("running", app_types, indirect=True)


@cache
def drawing(folder: Path) -> dict[str, Any]:
    """Give a picture of a three, as the image editor would."""
    ink = "009ga1000083g4000005e200002gf70000003f2004600d7006d15g3000agf500"
    pixels = 255 - np.array([int(each, 17) for each in ink]).reshape(8, 8) * 15
    path = folder / "three.png"
    Image.fromarray(pixels.astype(np.uint8)).resize((200, 200)).save(path)
    return {"background": handle_file(path), "layers": [], "composite": handle_file(path)}


def ask(running: Running, client: Client) -> str:
    """Ask what the model is for, and give the gist of the answer."""
    if running.app_type == "interface":
        return client.predict(drawing(running.folder), api_name="/predict")["label"]
    if running.app_type == "blocks":
        client.predict(api_name="/load_sample")
        return str(client.predict(api_name="/summarise")["data"][1][0])
    if running.app_type == "chat":
        return client.predict("How many words are here?", "", 100, api_name="/chat")
    return client.predict("How many words are here?", 100, api_name="/stream")[0]


GIST = {"interface": "3", "blocks": "city", "chat": "embedded stand-in", "streaming": "embedded stand-in"}


@only(*choices("app_type"))
def test_every_app_answers_through_its_page(running: Running) -> None:
    assert GIST[running.app_type] in ask(running, running.visitor())
    # Without the address, the page would compute in its own process. Ray writes its log a moment later.
    path = {"interface": "/v1/predict", "blocks": "/v1/summarise"}.get(running.app_type, "/v1/chat/completions")
    deadline = time.monotonic() + PATIENCE
    while f"POST {path} 200" not in (running.folder / "serve.log").read_text(encoding="utf-8"):
        assert time.monotonic() < deadline


@only(*choices("app_type"))
def test_a_stranger_gets_no_answer_of_the_model(running: Running) -> None:
    base = running.cluster.url.removesuffix("/v1")
    assert httpx.get(f"{base}/healthz", timeout=PATIENCE).json() == {"status": "ok"}
    for path in ("/v1/predict", "/v1/summarise", "/v1/chat/completions"):
        for sent in ({}, {"authorization": "Bearer wrong"}):
            answer = httpx.post(f"{base}{path}", headers=sent, json={}, timeout=PATIENCE)
            assert answer.status_code == 401


@only(*choices("app_type"))
def test_ray_knows_every_option_of_the_configuration(running: Running, environment: Path) -> None:
    run(environment / "bin" / "python", "-c", CHECK_OPTIONS, cwd=running.project)


@only("chat")
def test_openai_s_client_and_plain_http_get_the_same_answer(running: Running) -> None:
    question: Any = [{"role": "user", "content": "Hello"}]
    client = openai.OpenAI(base_url=running.cluster.url, api_key="secret", timeout=PATIENCE)
    with client.chat.completions.create(model="any", messages=question, max_tokens=5, stream=True) as chunks:
        pieces = [chunk.choices[0].delta.content or "" for chunk in chunks]
    client.close()
    assert len(list(filter(None, pieces))) == 5
    answer = httpx.post(
        f"{running.cluster.url}/chat/completions",
        headers={"authorization": "Bearer secret"},
        json={"messages": question, "max_tokens": 5},
        timeout=PATIENCE,
    )
    assert answer.json()["choices"][0]["message"]["content"] == "".join(pieces)


@only("chat")
def test_replicas_come_with_the_load(running: Running) -> None:
    long = {"messages": [{"role": "user", "content": "word " * 400}], "max_tokens": 400}
    url, headers = f"{running.cluster.url}/chat/completions", {"authorization": "Bearer secret"}

    def ask_long(_: int) -> int:
        return httpx.post(url, json=long, headers=headers, timeout=PATIENCE).status_code

    deadline = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(6) as callers:
        jobs = [callers.submit(ask_long, number) for number in range(6)]
        while len(running.cluster.members(REPLICA)) == 1:
            assert time.monotonic() < deadline
        assert [job.result() for job in jobs] == [200] * 6


@only("interface")
def test_questions_of_several_callers_share_a_batch(running: Running) -> None:
    batches = running.folder / "batches"
    batches.write_text("", encoding="utf-8")
    headers = {"authorization": "Bearer secret"}

    def predict(_: int) -> int:
        body = {"items": [[0.0] * 64]}
        answer = httpx.post(f"{running.cluster.url}/predict", json=body, headers=headers, timeout=PATIENCE)
        return len(answer.json()["results"])

    with ThreadPoolExecutor(16) as callers:
        assert list(callers.map(predict, range(48))) == [1] * 48
    sizes = [int(line) for line in batches.read_text(encoding="utf-8").split()]
    assert sum(sizes) == 48
    assert max(sizes) > 1


@only("interface")
def test_a_replica_that_dies_under_load_costs_no_answer(running: Running) -> None:
    visitors = [running.visitor() for _ in range(8)]
    begun = threading.Semaphore(0)

    def several(client: Client) -> list[str]:
        answers = [ask(running, client)]
        begun.release()
        return [*answers, *(ask(running, client) for _ in range(9))]

    with ThreadPoolExecutor(len(visitors)) as callers:
        jobs = [callers.submit(several, visitor) for visitor in visitors]
        assert begun.acquire(timeout=PATIENCE)
        victim = running.cluster.kill_replica()
        assert [job.result() for job in jobs] == [["3"] * 10] * len(visitors)
    assert victim not in running.cluster.members(REPLICA)


@only("blocks")
def test_a_replica_that_dies_takes_no_session_with_it(running: Running) -> None:
    visitors = [running.visitor() for _ in range(4)]
    cities = ["Oslo", "Lisbon", "Nairobi", "Oslo"]
    for visitor, city in zip(visitors, cities, strict=True):
        visitor.predict(api_name="/load_sample")
        visitor.predict("city", "is", city, api_name="/filter_rows")
    running.cluster.kill_replica()

    def common(visitor: Client) -> str:
        return str(visitor.predict(api_name="/summarise")["data"][1][-1])

    with ThreadPoolExecutor(len(visitors)) as callers:
        assert list(callers.map(common, visitors)) == cities


@only("streaming")
def test_stop_reaches_the_model(running: Running) -> None:
    client = running.visitor()
    # The model writes one answer at a time, and this one would take minutes.
    job = client.submit("word " * 1500, 512, api_name="/stream")
    next(job)
    job.cancel()
    assert ask(running, running.visitor())


@only("streaming")
def test_a_full_model_says_so_at_once_and_nothing_hangs(running: Running) -> None:
    long = {"messages": [{"role": "user", "content": "word " * 400}], "max_tokens": 400, "stream": True}
    url, headers = f"{running.cluster.url}/chat/completions", {"authorization": "Bearer secret"}

    def short(_: int) -> httpx.Response:
        return httpx.post(url, json=long | {"max_tokens": 1}, headers=headers, timeout=PATIENCE)

    with httpx.Client(timeout=PATIENCE, headers=headers) as http, ThreadPoolExecutor(4) as callers:
        with http.stream("POST", url, json=long) as answering:
            lines = answering.iter_lines()  # Held: what is collected as garbage ends the answer.
            assert next(lines)
            # One is answered and one may wait; all others are turned away while the long answer has not ended.
            done = as_completed([callers.submit(short, number) for number in range(4)])
            for refused in (next(done).result() for _ in range(3)):
                assert refused.status_code == 503
                assert "Queue is full" in refused.json()["error"]["message"]
                assert int(refused.headers["retry-after"]) >= 1
        # Who reads the long answer has gone, which makes room.
        assert next(done).result().status_code == 200
