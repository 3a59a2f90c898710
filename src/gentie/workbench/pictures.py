"""The data of a small network picture around each constraint: before, with, and after.

The picture answers one question: what limits me? It holds the overloaded element, the outage, and
the neighbourhood through which the power goes; each line with its flow without the cluster, with
the cluster, and with everything done, always after the outage.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np

from gentie.engines.interconnection.cluster_study import ClusterStudy, Constraint
from gentie.engines.interconnection.elements import BASE
from gentie.formats.requests import Request
from gentie.rulebook.book import GridProfile

MOST_PLACES = 14
DECIMALS = 3


def constraint_pictures(
    cluster: ClusterStudy, requests: tuple[Request, ...], profile: GridProfile
) -> dict[str, Any]:
    """Places and lines around each constraint, by its identity.

    Returns:
        For each constraint ``places`` (point or star point with kV, coordinates and the requests
        there) and ``lines`` (element, ends, three flows in MW and three loadings in percent).
    """
    neighbourhood = _Neighbourhood(cluster, requests, profile)
    return {constraint.id: neighbourhood.picture(constraint) for constraint in cluster.constraints}


class _Neighbourhood:
    """Places and the elements between them, made once for all pictures of a study."""

    def __init__(
        self, cluster: ClusterStudy, requests: tuple[Request, ...], profile: GridProfile
    ) -> None:
        self.cluster, self.profile = cluster, profile
        network, points = cluster.case.network, cluster.case.points
        branches = network.branches
        # A place is a point, or the star point of a transformer (numbered below zero).
        place = points.point_of_bus.copy()
        place[place < 0] = -2 - np.flatnonzero(place < 0)
        self.ends = np.stack(
            [
                place[branches.from_bus[cluster.element_row]],
                place[branches.to_bus[cluster.element_row]],
            ]
        )
        self.elements_at: dict[int, list[int]] = defaultdict(list)
        for element, (a, z) in enumerate(self.ends.T):
            self.elements_at[int(a)].append(element)
            self.elements_at[int(z)].append(element)
        self.requests_at: dict[int, list[tuple[str, float]]] = defaultdict(list)
        for request in requests:
            point = int(points.point_of_bus[network.bus_row[request.bus]])
            self.requests_at[point].append((request.request, request.net_mw))

    def picture(self, constraint: Constraint) -> dict[str, Any]:
        element = int(np.searchsorted(self.cluster.element_row, constraint.branch_row))
        outage = (
            BASE
            if constraint.outage_row == BASE
            else int(np.searchsorted(self.cluster.element_row, constraint.outage_row))
        )
        places = self.places(element, outage, constraint)
        shown = sorted(
            {
                near
                for place in places
                for near in self.elements_at[place]
                if int(self.ends[0, near]) in places and int(self.ends[1, near]) in places
            }
        )
        return {
            "places": [self.described(place) for place in sorted(places, reverse=True)],
            "lines": [self.line(near, element, outage, constraint) for near in shown],
        }

    def places(self, element: int, outage: int, constraint: Constraint) -> set[int]:
        """The ends of element and outage, then neighbours by how much their flow changes."""
        places = {int(end) for end in self.ends[:, element]}
        if outage != BASE:
            places |= {int(end) for end in self.ends[:, outage]}
        change = np.abs(constraint.flows_mw[1] - constraint.flows_mw[0])
        while len(places) < MOST_PLACES:
            border = [
                (round(float(change[near]), 6), -near, int(end))
                for place in places
                for near in self.elements_at[place]
                for end in self.ends[:, near]
                if int(end) not in places
            ]
            if not border:
                break
            places.add(max(border)[2])
        return places

    def described(self, place: int) -> dict[str, Any]:
        network, points = self.cluster.case.network, self.cluster.case.points
        row = int(points.principal_bus[place]) if place >= 0 else -2 - place
        number = int(network.buses.number[row])
        latitude, longitude = self.profile.coordinates.get(number, (None, None))
        return {
            "id": f"point:{number}" if place >= 0 else f"star:{number}",
            "name": network.buses.name[row],
            "kv": float(network.buses.nominal_kv[row]) if place >= 0 else None,
            "latitude_deg": latitude,
            "longitude_deg": longitude,
            "requests": [name for name, _ in self.requests_at.get(place, ())],
            "requested_mw": round(sum(mw for _, mw in self.requests_at.get(place, ())), DECIMALS),
        }

    def line(self, near: int, element: int, outage: int, constraint: Constraint) -> dict[str, Any]:
        cluster = self.cluster
        side = 0 if outage == BASE else 1
        before, after = cluster.limits_before_mw[side, near], cluster.limits_after_mw[side, near]
        flows = constraint.flows_mw[:, near]
        is_out = near == outage
        limits = (before, before, after)
        return {
            "element": cluster.case.element(int(cluster.element_row[near])),
            "from": self.described(int(self.ends[0, near]))["id"],
            "to": self.described(int(self.ends[1, near]))["id"],
            "is_constraint": near == element,
            "is_outage": is_out,
            "flow_mw": [0.0 if is_out else round(float(flow), DECIMALS) + 0.0 for flow in flows],
            "loading_percent": [
                0.0
                if is_out or not np.isfinite(limit)
                else round(100.0 * abs(float(flow)) / float(limit), DECIMALS)
                for flow, limit in zip(flows, limits, strict=True)
            ],
        }
