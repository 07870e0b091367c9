"""Files: written whole or not at all, and believed in nothing when read."""
