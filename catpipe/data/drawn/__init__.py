"""Pictures of cats and others, drawn from a seed."""
