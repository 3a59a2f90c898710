"""Search: one question to the guide, the grid, the studies and the rules. It has no rows."""
