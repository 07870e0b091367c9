"""How long a test waits for what must come."""

FOREVER = 120  # seconds: many times what the busiest machine takes, so that more is a hang
