"""Statistics, computed where the settings say: they take a second where a table is large."""

from typing import Any

import pandas as pd

from services import model
from services.api import packed
from services.remote import Remote


class Statistics:
    """Stands in front of `services.model.summarise`."""

    def __init__(self, remote: Remote | None) -> None:
        """Ask Ray Serve where there is a way to it, and compute here otherwise."""
        self.remote = remote

    def summarise(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Describe each column in one row, as text for people.

        Raises:
            InputError: if the table is larger than the model takes, or the model cannot answer at the moment.

        """
        if self.remote is None:
            return model.summarise(frame)
        answer: dict[str, Any] = self.remote.ask("summarise", packed(frame))
        return pd.DataFrame(answer["rows"])
