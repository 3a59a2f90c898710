"""PowerModels JSON cases, read and written through PowerIO."""
