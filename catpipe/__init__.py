"""Feed-forward networks trained as a pipeline of pure functions."""
