"""Laws that hold for the whole house."""
