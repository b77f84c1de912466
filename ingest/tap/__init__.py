"""The inline tap: a byte splice, and a passive parser in another process."""
