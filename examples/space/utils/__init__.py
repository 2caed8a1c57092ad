"""Yours: what stands between the page and the services."""
