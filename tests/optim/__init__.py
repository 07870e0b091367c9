"""Tests of what is in `catpipe/optim`."""
