"""Tests of what is in `catpipe/adapters`."""
