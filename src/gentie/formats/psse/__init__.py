"""PSS/E RAW cases, revisions 30 to 35: the file, the tables made of it, and what was lost."""

from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import RawTables, raw_tables

__all__ = ["RawTables", "raw_tables", "read_raw"]
