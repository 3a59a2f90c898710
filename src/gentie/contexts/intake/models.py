"""Intake: requests from the first draft to their place in a cluster."""
