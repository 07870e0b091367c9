"""Drawn pictures of cats and of other things, made from a seed."""
