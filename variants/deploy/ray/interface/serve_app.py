"""The model behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs the model of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
"""

import asyncio
from functools import partial
from typing import Any, cast

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError
from services.model import Bitmap, Scores
from utils.settings import get_settings

GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)


def count(requests: list[list[Bitmap]]) -> int:
    """Tell how many bitmaps a batch has: a request may bring several."""
    return sum(map(len, requests))


@serve.deployment
class Model:
    """One replica of the model."""

    def __init__(self) -> None:
        """Load the model."""
        model.load_classifier()

    def reconfigure(self, options: dict[str, float]) -> None:
        """Follow `user_config` of `serve_config.yaml`, also when it changes later."""
        batches = cast("Any", self.predict)
        batches.set_max_batch_size(get_settings().max_batch)
        batches.set_batch_wait_timeout_s(options["batch_wait_timeout_s"])

    @serve.batch(batch_size_fn=count)
    async def predict(self, requests: list[list[Bitmap]]) -> list[list[Scores]]:
        """Classify what several requests bring in one call of the model, one batch after the other."""
        # In a thread: Ray asks this replica for its health meanwhile.
        scores = iter(await asyncio.to_thread(model.predict, [bitmap for bitmaps in requests for bitmap in bitmaps]))
        return [[next(scores) for _ in bitmaps] for bitmaps in requests]


async def predict(replicas: DeploymentHandle, bitmaps: list[Bitmap]) -> list[Scores]:
    """Ask one of the replicas.

    Raises:
        QueueFullError: if `max_queued_requests` wait already.
        NoAnswerError: if the replica has died.

    """
    try:
        return await replicas.predict.remote(bitmaps)
    except BackPressureError as error:
        raise QueueFullError from error
    except GONE as error:
        raise NoAnswerError from error


{% set ask, more = 'predict', ', settings.max_batch' %}{% include root ~ 'variants/deploy/ray/shared/serve_app.txt' -%}
