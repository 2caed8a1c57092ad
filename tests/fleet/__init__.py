"""Tests of the command `fleet`: reports, and updates that leave a repository green or untouched."""
