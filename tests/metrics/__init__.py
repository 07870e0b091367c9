"""Tests of what is in `catpipe/metrics`."""
