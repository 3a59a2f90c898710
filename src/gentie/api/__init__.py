"""The interface for programs: JSON under `/api/v1`, the same rows and refusals as the pages."""
