"""Benchmarks: each prints its figure and a ratio against a named baseline taken in the same run."""
