"""Guide: what connecting means, in plain words, and how to find it."""
