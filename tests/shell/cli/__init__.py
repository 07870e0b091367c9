"""Tests of what is in `catpipe/shell/cli`."""
