"""Callers of a model behind Ray: `python ask_model.py CALLERS REQUESTS`, in a project, with its settings.

They ask as the page does, by `services/remote.py`. Prints `begun` after some answers, then seconds and failures.
"""

import itertools
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from services.remote import ModelUnavailableError
from utils.models import remote_model
from utils.settings import get_settings

BITMAP = [0.0] * 64


def main(callers: int, requests: int) -> None:
    """Ask, each caller one question after the other.

    Raises:
        RuntimeError: if the settings name no model.

    """
    remote = remote_model(get_settings())
    if remote is None:
        raise RuntimeError("APP_MODEL_URL is missing")
    answered = itertools.count(1)

    def ask(_: int) -> bool:
        try:
            results = remote.ask("predict", {"items": [BITMAP]})["results"]
        except ModelUnavailableError:
            return False
        if next(answered) == callers:
            print("begun", flush=True)
        return len(results) == 1

    started = time.perf_counter()
    with ThreadPoolExecutor(callers) as pool:
        failed = sum(not good for good in pool.map(ask, range(requests)))
    print(time.perf_counter() - started, failed, flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
