"""Tests of what is in `catpipe/experiments`."""
