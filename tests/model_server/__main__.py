"""Serves the tiny model: `python -m tests.model_server FOLDER TOKENS PORT` prints its address."""

import sys
from pathlib import Path

import xllamacpp

from tests.model_server.tiny_model import make_model

folder, tokens, port = Path(sys.argv[1]), *map(int, sys.argv[2:])
parameters = xllamacpp.CommonParams()
parameters.model.path = str(make_model(folder / "tiny.gguf"))
parameters.model_alias = {"tiny"}
parameters.n_ctx = tokens
parameters.n_parallel = 1
parameters.n_gpu_layers = 0
parameters.cpuparams.n_threads = 1
parameters.warmup = False
parameters.hostnames = ["127.0.0.1"]
parameters.port = port
parameters.sampling.temp = 0
server = xllamacpp.Server(parameters)
print(server.listening_address, flush=True)  # noqa: T201 (whoever started it waits for the line)
sys.stdin.read()  # until it is closed
