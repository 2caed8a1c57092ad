"""The statistics as other programs see them. Ray is not needed; `serve_app.py` puts replicas behind the same route."""

from collections.abc import Iterator
from typing import Any

import pandas as pd
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from app import build_demo
from server import application
from services import model, tables
from services.api import create_api, packed
from services.endpoint import EndpointOptions, QueueFullError
from services.errors import InputError
from services.statistics import Statistics
from tests.conftest import MakeSettings
from tests.server.client import AppTest, EventError
from tests.serving import serving
from utils.models import remote_model


class Replicas:
    """Stands in for Ray: computes here, or is full."""

    def __init__(self) -> None:
        self.full = False
        self.seen: list[pd.DataFrame] = []

    async def summarise(self, frame: pd.DataFrame) -> pd.DataFrame:
        if self.full:
            raise QueueFullError
        self.seen.append(frame)
        return model.summarise(frame)


@pytest.fixture
def replicas() -> Replicas:
    return Replicas()


@pytest.fixture
def api(replicas: Replicas) -> FastAPI:
    return create_api(replicas.summarise, EndpointOptions("Statistics"))


@pytest.fixture
def client(api: FastAPI) -> Iterator[TestClient]:
    with TestClient(api) as client:
        yield client


def mixed() -> pd.DataFrame:
    """Give a table with every kind of column and some gaps."""
    return pd.DataFrame(
        {
            "name": ["Ada", "Bo", None, "4"],
            "whole": [36, 20, -(2**62), 44],
            "gaps": pd.Series([1, None, 2**60 + 1, 2**60], dtype="Int64"),
            "real": [1.0, 2.0, 2.0, None],
            "endless": [float("inf"), 0.1, None, -1e300],
            "nothing": pd.Series([None] * 4, dtype="float64"),
            "member": [True, False, True, True],
            "maybe": pd.Series([True, None, False, True], dtype="object"),
            "since": pd.to_datetime(["2020-01-01", "2021-06-30T12:00:00.25", None, "2022-03-04"], format="ISO8601"),
            "at": pd.to_datetime(["2020-01-01T00:00:00+02:00", None, None, None]),
        }
    )


TABLES = {"mixed": mixed(), "no rows": mixed().head(0), "sample": tables.sample_table().frame}


@pytest.mark.parametrize("frame", TABLES.values(), ids=TABLES)
def test_a_table_that_travelled_has_the_same_statistics(
    frame: pd.DataFrame, api: FastAPI, replicas: Replicas, make_settings: MakeSettings
) -> None:
    with serving(api) as url:
        summary = Statistics(remote_model(make_settings(model_url=url))).summarise(frame)
    assert summary.equals(model.summarise(frame))
    [seen] = replicas.seen
    assert [model.kind_of(seen[name]) for name in seen] == [model.kind_of(frame[name]) for name in frame]


def column(**changes: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"name": "a", "kind": "number", "values": [1, None]} | changes


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [column(kind="colour")],
        [column(values=["x"])],
        [column(kind="yes/no")],
        [column(kind="date", values=["yesterday"])],
        [column(), column(name="b", values=[])],
        [column(), column()],
    ],
)
def test_what_is_no_table_is_refused(client: TestClient, replicas: Replicas, bad: list[object]) -> None:
    assert client.post("/v1/summarise", json={"columns": bad}).status_code == 422
    assert replicas.seen == []


def test_without_an_address_the_statistics_are_computed_here(make_settings: MakeSettings) -> None:
    statistics = Statistics(remote_model(make_settings()))
    assert statistics.remote is None
    assert statistics.summarise(mixed()).equals(model.summarise(mixed()))


def test_a_table_over_the_limit_is_not_sent(make_settings: MakeSettings) -> None:
    statistics = Statistics(remote_model(make_settings(model_url="http://model/v1", model_request_kb=1)))
    with pytest.raises(InputError, match="at most 1 kB"):
        statistics.summarise(tables.sample_table().frame)


def test_what_travels_is_plain_json() -> None:
    [name, *_, since, _at] = packed(mixed())["columns"]
    assert name == {"name": "name", "kind": "text", "values": ["Ada", "Bo", None, "4"]}
    assert since["values"] == ["2020-01-01T00:00:00", "2021-06-30T12:00:00.250000", None, "2022-03-04T00:00:00"]


def test_the_page_asks_the_endpoint_and_says_when_it_is_full(
    api: FastAPI, replicas: Replicas, make_settings: MakeSettings
) -> None:
    with serving(api) as url:
        settings = make_settings(model_url=url, model_retries=0)
        with AppTest(application.create_app(build_demo(settings), settings)) as test:
            test.call("load_sample")
            [summary] = test.call("summarise")
            assert [row[0] for row in summary["data"]] == ["month", "city", "temperature", "rain"]
            replicas.full = True
            other = test.another()
            other.call("load_sample")
            with pytest.raises(EventError, match="Queue is full"):
                other.call("summarise")
