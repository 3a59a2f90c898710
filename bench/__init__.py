"""This project against named peers, in one run."""
