"""What can be wrong, told in one line."""

import re

CREDENTIALS = re.compile(r"://[^/@\s]*@")


class FleetError(Exception):
    """Something is wrong with one repository; the others go on."""

    def __str__(self) -> str:
        """Give the reason, without the passwords that addresses may hold."""
        return without_password(super().__str__())


class UsageError(FleetError):
    """The command cannot start as it was given."""


def one_line(text: object) -> str:
    """Join a message of several lines, so that a repository takes one line in every list."""
    return " ".join(str(text).split())


def without_password(text: str) -> str:
    """Leave out what stands before the host of an address."""
    return CREDENTIALS.sub("://", text)
