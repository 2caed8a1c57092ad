"""Tests of the template, one file a promise."""
