"""Everything with an effect: files, screen, clock."""
