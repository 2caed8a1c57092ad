"""Benchmarks: one command a figure, each printing what it measured. `python -m benchmarks.report` runs them all.

What is compared runs side by side, alternating, several rounds in one run: machines are noisy, ratios less so. Load
goes to this machine only, is bounded in count and time, and every server stops with the measurement that started it.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
