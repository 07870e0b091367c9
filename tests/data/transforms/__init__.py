"""Tests of what is in `catpipe/data`."""
