"""Tests of what is shown of runs."""
