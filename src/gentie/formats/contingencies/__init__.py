"""Files of contingencies: PSS/E ``.con`` and MATPOWER's tables of changes."""
