"""The fixtures of the plumbing, over a tiny app of its own."""

from tests.server.fixtures import app_test, browser, make_app, make_settings, serve

__all__ = ["app_test", "browser", "make_app", "make_settings", "serve"]
