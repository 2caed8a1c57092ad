"""The function behind Ray Serve: `uv run --env-file serve.env --group serve serve run serve_config.yaml`.

Ray runs `describe` of `services/model.py`, in as many processes as `serve_config.yaml` says, and not the page.
"""

import asyncio
from functools import partial

from fastapi import FastAPI
from ray import serve
from ray.exceptions import RayActorError, RayTaskError
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

    async def describe(self, text: str) -> dict[str, int]:
        """Count what is in a text."""
        # In a thread: Ray asks this replica for its health meanwhile.
        return await asyncio.to_thread(model.describe, text)


async def describe(replicas: DeploymentHandle, text: str) -> dict[str, int]:
    """Ask one of the replicas.

    Raises:
        QueueFullError: if `max_queued_requests` wait already.
        NoAnswerError: if the replica has died.
        Exception: what the function raised.

    """
    try:
        return await replicas.describe.remote(text)
    except BackPressureError as error:
        raise QueueFullError from error
    except GONE as error:
        raise NoAnswerError from error
    except RayTaskError as error:
        raise error.cause from error


{% set ask, more = 'describe', '' %}{% include root ~ 'variants/deploy/ray/shared/serve_app.txt' -%}
