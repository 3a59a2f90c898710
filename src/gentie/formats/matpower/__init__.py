"""MATPOWER ``.m`` cases: the file, the network made of it, and what was lost on the way."""

from gentie.formats.matpower.building import network_from, reference_of
from gentie.formats.matpower.case import MatpowerCase
from gentie.formats.matpower.fidelity.report import fidelity_report
from gentie.formats.matpower.reader import read_matpower

__all__ = ["MatpowerCase", "fidelity_report", "network_from", "read_matpower", "reference_of"]
