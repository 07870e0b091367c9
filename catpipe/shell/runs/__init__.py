"""Run files: what a run is, where it came from, and how two differ."""
