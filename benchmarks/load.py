"""Putting load on a server, from a process of its own."""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import ROOT
from benchmarks.servers import Server

LOAD_SECONDS = 600
"""Longest time that one measurement may take."""


@dataclass(frozen=True)
class Load:
    """What N users saw of a server; times in seconds."""

    rate: float
    """Answers a second."""
    cpu: float
    """Processor time of the server process for each answer."""
    latencies: Sequence[float]
    first_chunks: Sequence[float]
    probes: Sequence[float]


def load(server: Server, *options: str, users: int, requests: int) -> Load:
    """Let a process of its own put load on a server.

    Raises:
        RuntimeError: if any request failed; a figure with failures in it would mean nothing.

    """
    counts = ["--users", str(users), "--requests", str(requests)]
    before = server.cpu_seconds()
    command = [sys.executable, "-m", "benchmarks.client", server.url, *counts, *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=LOAD_SECONDS, check=True)
    seen = json.loads(done.stdout)
    if seen["failures"]:
        raise RuntimeError(f"{len(seen['failures'])} requests failed, the first with {seen['failures'][0]}")
    answers = len(seen["latencies"])
    cpu = (server.cpu_seconds() - before) / answers
    return Load(answers / seen["seconds"], cpu, seen["latencies"], seen["first_chunks"], seen["probes"])
