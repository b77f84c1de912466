"""A seeded fleet over weeks, lived through the core, with the account of what was planted, found, missed and false."""
