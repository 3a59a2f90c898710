"""gentie: from "can I connect here?" to power sold in the market."""

__version__ = "0.1.0"
