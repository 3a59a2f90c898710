"""The file with which an operator is set up, and the table of its stations."""

from gentie.formats.operator.description import Administrator, Description, grid_sources
from gentie.formats.operator.reading import read_description
from gentie.formats.operator.stations import read_stations

__all__ = ["Administrator", "Description", "grid_sources", "read_description", "read_stations"]
