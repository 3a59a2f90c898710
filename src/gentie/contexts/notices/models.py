"""Notices: what people are told, kept."""
