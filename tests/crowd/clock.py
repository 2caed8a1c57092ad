"""Ask a server whether it lives, again and again, and print how long each answer took, until this is ended."""

import sys
import time

import httpx

with httpx.Client(base_url=sys.argv[1], timeout=90) as http:
    while True:
        began = time.perf_counter()
        status = http.get("/healthz").status_code
        sys.stdout.write(f"{status} {time.perf_counter() - began}\n")
        sys.stdout.flush()
        time.sleep(0.02)
