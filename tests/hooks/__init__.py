"""Tests of the hooks of README: `tests/test_hooks.py` copies them into a project, for here they cannot run."""
