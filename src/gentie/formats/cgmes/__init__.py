"""CGMES 2.4.15 cases, read and written through pypowsybl (the extra ``gentie[exchange]``)."""
