"""Reports of runs: figures."""
