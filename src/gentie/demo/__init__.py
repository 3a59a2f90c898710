"""The demonstration: a fictional operator on a synthetic grid, and its cluster of requests."""
