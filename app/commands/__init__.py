"""The commands of the distributed runtime, one module each."""
