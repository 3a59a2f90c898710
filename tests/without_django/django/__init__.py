"""Stands before the real Django in `make test-engines`: the lower rooms must not need it."""

raise ModuleNotFoundError(
    "No module named 'django': this test run proves that it is not needed", name="django"
)
