"""This project beside named peers, each pair in one run: `make bench ONLY=n1`."""
