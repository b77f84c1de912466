"""The gap audit: what a charging station has of 2.0.1, by what its traffic shows, and what is still to be done."""
