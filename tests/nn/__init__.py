"""Tests of what is in `catpipe/nn`."""
