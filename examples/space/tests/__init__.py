"""Tests, from the fast to the real: services, events in process, queue over HTTP, browser."""
