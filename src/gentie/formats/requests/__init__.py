"""Requests for interconnection as a CSV file: one row per technology.

``request,bus,technology,mw,mwh,deliverability``, and optionally ``net_mw``: what the site may
deliver at its point, by default the sum of its technologies. A hybrid repeats its ``request``.
"""

from gentie.formats.requests.reading import read_requests, requests_fit
from gentie.formats.requests.request import (
    TECHNOLOGIES,
    Component,
    Deliverability,
    Request,
    natural_order,
)
from gentie.formats.requests.writing import write_requests

__all__ = [
    "TECHNOLOGIES",
    "Component",
    "Deliverability",
    "Request",
    "natural_order",
    "read_requests",
    "requests_fit",
    "write_requests",
]
