"""Many projects made from Copier templates: `uv run fleet report` and `uv run fleet update`."""
