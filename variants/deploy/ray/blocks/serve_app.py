"""The statistics behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs `summarise` of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
"""

import asyncio
from functools import partial

import pandas as pd
from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError
from ray.serve import Application
from ray.serve.exceptions import BackPressureError, DeploymentUnavailableError, ReplicaUnavailableError
from ray.serve.handle import DeploymentHandle

from services import model
from services.api import create_api
from services.endpoint import EndpointOptions, NoAnswerError, QueueFullError
from utils.settings import get_settings

GONE = (RayActorError, DeploymentUnavailableError, ReplicaUnavailableError)


@serve.deployment
class Model:
    """One replica of what computes."""

    async def summarise(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Describe each column."""
        # In a thread: Ray asks this replica for its health meanwhile.
        return await asyncio.to_thread(model.summarise, frame)


async def summarise(replicas: DeploymentHandle, frame: pd.DataFrame) -> pd.DataFrame:
    """Ask one of the replicas.

    Raises:
        QueueFullError: if `max_queued_requests` wait already.
        NoAnswerError: if the replica has died.

    """
    try:
        return await replicas.summarise.remote(frame)
    except BackPressureError as error:
        raise QueueFullError from error
    except GONE as error:
        raise NoAnswerError from error


{% set ask, more = 'summarise', '' %}{% include root ~ 'variants/deploy/ray/shared/serve_app.txt' -%}
