"""The endpoint of the model refuses strangers and large bodies, and says when to come back. Ray is not needed here."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError, create_endpoint

KEY = {"authorization": "Bearer secret key"}


def endpoint(key: str = "", request_kb: int = 100) -> TestClient:
    """Build an endpoint with a route that does as it is told."""
    app = create_endpoint(EndpointOptions("Model", key, request_kb))
    problems = {"full": QueueFullError(), "dead": NoAnswerError()}

    @app.post("/v1/count")
    async def count(numbers: list[int]) -> int:
        return len(numbers)

    @app.post("/v1/ask/{word}")
    async def ask(word: str) -> str:
        if word in problems:
            raise problems[word]
        return word

    return TestClient(app)


@pytest.fixture
def closed() -> Iterator[TestClient]:
    """Give an endpoint that wants a key."""
    with endpoint(key="secret key") as client:
        yield client


def test_with_the_key_the_model_answers(closed: TestClient) -> None:
    assert closed.post("/v1/ask/hello", headers=KEY).json() == "hello"


@pytest.mark.parametrize("sent", [{}, {"authorization": "Bearer other"}, {"authorization": "Basic secret key"}])
@pytest.mark.parametrize("path", ["/v1/ask/hello", "/v1/models", "/openapi.json", "/docs"])
def test_without_the_key_nothing_is_said(closed: TestClient, sent: dict[str, str], path: str) -> None:
    for answer in (closed.post(path, headers=sent), closed.get(path, headers=sent)):
        assert answer.status_code == 401
        assert answer.json()["error"]["code"] == "invalid_api_key"


def test_health_needs_no_key(closed: TestClient) -> None:
    assert closed.get("/healthz").json() == {"status": "ok"}


def test_without_a_key_in_the_settings_everyone_is_let_in() -> None:
    client = endpoint()
    assert client.post("/v1/ask/hello").json() == "hello"
    assert client.get("/v1/ask/hello").status_code == 405


def test_what_is_too_large_is_refused_before_it_is_read() -> None:
    client = endpoint(request_kb=1)
    assert client.post("/v1/ask/hello", content=b"x" * 1000).is_success
    answer = client.post("/v1/ask/hello", content=b"x" * 1001)
    assert (answer.status_code, "1 kB" in answer.text) == (413, True)


def test_a_body_of_unknown_length_is_refused() -> None:
    answer = endpoint().post("/v1/ask/hello", content=iter([b"x"]))
    assert answer.status_code == 411


@pytest.mark.parametrize(("word", "message"), [("full", "Queue is full"), ("dead", "restarting")])
def test_what_may_pass_is_a_503_that_says_when_to_come_back(word: str, message: str) -> None:
    answer = endpoint().post(f"/v1/ask/{word}")
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert message in answer.json()["error"]["message"]
    assert (answer.json()["error"]["code"] == "queue_full") == (word == "full")


def test_of_many_bad_values_the_first_is_named_and_none_is_sent_back() -> None:
    client = endpoint()
    assert client.post("/v1/count", json=[1, 2]).json() == 2
    answer = client.post("/v1/count", json=[1, *["secret"] * 1000])
    assert answer.status_code == 422
    assert answer.json()["error"]["message"].startswith("body.1: ")
    assert len(answer.content) < 300
    assert "secret" not in answer.text
