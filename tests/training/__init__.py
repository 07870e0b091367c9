"""Tests of what is in `catpipe/training`."""
