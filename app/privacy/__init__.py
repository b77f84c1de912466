"""The keys of the pseudonyms in people's hands: exchanged, sealed, looked up with, retired, destroyed."""
