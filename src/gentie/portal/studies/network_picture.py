"""The small network around a constraint, drawn three times: before, with, and after the cluster.

One layout serves all three. It starts from the places' coordinates, spreads them by their distance
in the network (stress majorization), then pushes apart what would overlap. Labels go where they
cover least. No chance is involved: the same data gives the same picture.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from string import ascii_uppercase
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WIDTH, HEIGHT, MARGIN = 360.0, 320.0, 30.0
APART, FROM_LINE = 58.0, 22.0
"""Least distance between two places, and of a place from a line that is not its own."""
SMALL, LARGE = 12.0, 14.0
"""Height of figures, and of those that are about the constraint."""
PER_CHARACTER = 0.64
LEAST_FLOW_MW = 0.5
CLASSES = (50.0, 75.0, 100.0)
"""Percent at which a line is drawn in the next class of loading."""


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the picture and in its key."""

    letter: str
    name: str
    number: str
    kv: float | None
    requests: tuple[str, ...]
    requested_mw: float
    x: float
    y: float
    is_star: bool
    mw_x: float = 0.0
    mw_y: float = 0.0

    @property
    def box(self) -> tuple[float, float]:
        """Upper left corner of the square that marks a place with requests."""
        return round(self.x - 9, 1), round(self.y - 9, 1)


@dataclass(frozen=True, slots=True)
class Line:
    """A line in one of the three panels."""

    path: str
    kind: str
    label: str
    second_label: str
    label_x: float
    label_y: float
    arrow: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A line in the table beside the picture."""

    letters: str
    element: str
    is_constraint: bool
    is_outage: bool
    flow_mw: tuple[float, float, float]
    loading_percent: tuple[float | None, float | None, float | None]


@dataclass(frozen=True, slots=True)
class NetworkPicture:
    """Everything that the template draws."""

    places: tuple[Place, ...]
    panels: tuple[tuple[Line, ...], tuple[Line, ...], tuple[Line, ...]]
    rows: tuple[LineRow, ...]

    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class _Curve:
    """A line between two places, bent aside where several join the same two."""

    start: tuple[float, float]
    bend: tuple[float, float]
    end: tuple[float, float]

    def at(self, share: float) -> tuple[float, float]:
        a, b, c = (1 - share) ** 2, 2 * share * (1 - share), share**2
        return (
            a * self.start[0] + b * self.bend[0] + c * self.end[0],
            a * self.start[1] + b * self.bend[1] + c * self.end[1],
        )

    def along(self, share: float) -> tuple[float, float]:
        """Unit vector of the direction at a share of the way."""
        x = 2 * (1 - share) * (self.bend[0] - self.start[0]) + 2 * share * (
            self.end[0] - self.bend[0]
        )
        y = 2 * (1 - share) * (self.bend[1] - self.start[1]) + 2 * share * (
            self.end[1] - self.bend[1]
        )
        length = math.hypot(x, y) or 1.0
        return x / length, y / length


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    half_width: float
    half_height: float

    def overlap(self, other: _Box) -> float:
        wide = self.half_width + other.half_width - abs(self.x - other.x)
        high = self.half_height + other.half_height - abs(self.y - other.y)
        return wide * high if wide > 0 and high > 0 else 0.0

    def outside(self) -> float:
        """How far it leaves the picture."""
        return (
            max(0.0, self.half_width - self.x)
            + max(0.0, self.x + self.half_width - WIDTH)
            + max(0.0, self.half_height - self.y)
            + max(0.0, self.y + self.half_height - HEIGHT)
        )


def network_picture(content: Mapping[str, Any]) -> NetworkPicture:
    """Lay out and label a picture.

    Args:
        content: places and lines as the study's bundle holds them.
    """
    places, lines = _ordered(content)
    index = {place["id"]: row for row, place in enumerate(places)}
    ends = [(index[line["from"]], index[line["to"]]) for line in lines]
    spots = _layout(places, ends, [_length(line) for line in lines])
    curves = _curves(spots, ends)
    drawn_places = _lettered(places, spots, curves)
    label_at = _label_places(lines, curves, drawn_places)
    panels = tuple(
        tuple(
            _drawn(line, curve, spot, side)
            for line, curve, spot in zip(lines, curves, label_at, strict=True)
        )
        for side in range(3)
    )
    return NetworkPicture(
        places=drawn_places,
        panels=(panels[0], panels[1], panels[2]),
        rows=tuple(
            _row(line, drawn_places[a], drawn_places[z])
            for line, (a, z) in zip(lines, ends, strict=True)
        ),
    )


def _ordered(content: Mapping[str, Any]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Lines with the constraint and the outage first; places in the order in which lines name them.

    Places that no line reaches are left out: nothing is said of them.
    """
    lines = sorted(
        content["lines"],
        key=lambda line: (not line["is_constraint"], not line["is_outage"], line["element"]),
    )
    by_id = {place["id"]: place for place in content["places"]}
    named = dict.fromkeys(end for line in lines for end in (line["from"], line["to"]))
    return [by_id[name] for name in named], lines


def _length(line: Mapping[str, Any]) -> float:
    """How long a line wants to be: what the picture is about needs room for its figures."""
    return 1.9 if line["is_constraint"] else 1.3 if line["is_outage"] else 1.0


def _layout(
    places: Sequence[Mapping[str, Any]],
    ends: Sequence[tuple[int, int]],
    lengths: Sequence[float],
) -> Floats:
    """(n, 2) where the places stand in the picture."""
    geography = _geography(places)
    if len(places) < 2:
        return np.array([[WIDTH / 2, HEIGHT / 2]] * len(places))
    spread = _spread(geography, _steps_apart(len(places), ends, lengths))
    inner = np.array([WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN])
    size = np.ptp(spread, axis=0)
    scale = inner / np.where(size > 1e-9, size, 1.0)
    # Both directions fill the picture, but none is stretched to more than twice the other.
    scale = np.minimum(scale, 2.0 * scale.min())
    middle = (spread.max(axis=0) + spread.min(axis=0)) / 2
    return _pushed_apart((spread - middle) * scale + [WIDTH / 2, HEIGHT / 2], ends)


def _geography(places: Sequence[Mapping[str, Any]]) -> Floats:
    """(n, 2) coordinates of size one, north up; a circle where nothing is known."""
    count = len(places)
    turn = 2 * np.pi * np.arange(count) / max(count, 1)
    circle = np.column_stack([np.cos(turn), np.sin(turn)])
    if any(place["latitude_deg"] is None for place in places):
        return circle
    latitude = np.array([place["latitude_deg"] for place in places], float)
    longitude = np.array([place["longitude_deg"] for place in places], float)
    flat = np.column_stack([longitude * np.cos(np.radians(latitude.mean())), -latitude])
    flat = flat - flat.mean(axis=0)
    size = np.abs(flat).max()
    # A little of the circle keeps the points of one station from standing on each other.
    return np.asarray((flat / size if size > 0 else flat) + 0.02 * circle)


def _steps_apart(count: int, ends: Sequence[tuple[int, int]], lengths: Sequence[float]) -> Floats:
    """(n, n) length of the way between two places; pieces that do not join stand apart."""
    steps = np.full((count, count), np.inf)
    np.fill_diagonal(steps, 0.0)
    for (a, z), length in zip(ends, lengths, strict=True):
        if a != z:
            # Of several lines between the same two, the first is the one the picture is about.
            steps[a, z] = steps[z, a] = length if np.isinf(steps[a, z]) else steps[a, z]
    for middle in range(count):
        steps = np.minimum(steps, steps[:, middle, None] + steps[None, middle])
    largest = steps[np.isfinite(steps)].max()
    steps[~np.isfinite(steps)] = largest + 1.0
    return steps


def _spread(start: Floats, steps: Floats, *, rounds: int = 150) -> Floats:
    """Stress majorization: distances in the plane come near the steps in the network."""
    count = len(start)
    weight = np.where(steps > 0, 1.0 / np.maximum(steps, 1.0) ** 2, 0.0)
    laplacian = np.diag(weight.sum(axis=1)) - weight
    inverse = np.linalg.pinv(laplacian)
    spot = start * steps.max() / 2
    for _ in range(rounds):
        apart = np.linalg.norm(spot[:, None] - spot[None], axis=2)
        ratio = weight * steps / np.maximum(apart, 1e-6)
        spot = inverse @ ((np.diag(ratio.sum(axis=1)) - ratio) @ spot)
    # Turned back so that north is as nearly up as the network allows.
    left, _, right = np.linalg.svd(spot.T @ start)
    turn = left @ right
    if np.linalg.det(turn) < 0:
        left[:, -1] *= -1
        turn = left @ right
    return np.asarray(spot @ turn) if count > 2 else spot


def _pushed_apart(spots: Floats, ends: Sequence[tuple[int, int]], *, rounds: int = 300) -> Floats:
    """Places at least ``APART`` from each other and ``FROM_LINE`` from others' lines."""
    spots = spots.copy()
    low = np.array([MARGIN, MARGIN])
    high = np.array([WIDTH - MARGIN, HEIGHT - MARGIN])
    joined = np.array([(a, z) for a, z in dict.fromkeys(ends) if a != z], np.int64).reshape(-1, 2)
    first, last = joined.T
    is_other = (np.arange(len(spots)) != first[:, None]) & (np.arange(len(spots)) != last[:, None])
    for _ in range(rounds):
        push = np.zeros_like(spots)
        gap = spots[:, None] - spots[None]
        apart = np.sqrt((gap**2).sum(axis=2))
        close = (apart < APART) & ~np.eye(len(spots), dtype=bool)
        if close.any():
            # Two on one spot part along a direction of their own.
            turn = np.arange(len(spots))
            own = np.column_stack([np.cos(turn), np.sin(turn)])
            way = np.where((apart > 1e-6)[..., None], gap, own[:, None] - own[None])
            way = way / np.maximum(np.linalg.norm(way, axis=2), 1e-9)[..., None]
            push += (way * (close * (APART - apart))[..., None]).sum(axis=1) * 0.35
        moved = bool(close.any())
        along = spots[last] - spots[first]
        length = np.maximum((along**2).sum(axis=1), 1e-9)
        from_start = spots[None] - spots[first][:, None]
        share = np.clip((from_start * along[:, None]).sum(axis=2) / length[:, None], 0.0, 1.0)
        off = from_start - share[..., None] * along[:, None]
        distance = np.sqrt((off**2).sum(axis=2))
        near = (distance < FROM_LINE) & is_other
        if near.any():
            moved = True
            across = np.column_stack([-along[:, 1], along[:, 0]]) / np.sqrt(length)[:, None]
            way = np.where(
                (distance > 1e-6)[..., None],
                off / np.maximum(distance, 1e-9)[..., None],
                across[:, None],
            )
            shift = way * (near * (FROM_LINE - distance))[..., None] * 0.5
            push += shift.sum(axis=0)
            np.add.at(push, first, -0.25 * shift.sum(axis=1))
            np.add.at(push, last, -0.25 * shift.sum(axis=1))
        if not moved:
            break
        spots = np.clip(spots + push, low, high)
    return spots


def _curves(spots: Floats, ends: Sequence[tuple[int, int]]) -> list[_Curve]:
    """Straight lines; bent ones where several join the same two places."""
    together: dict[tuple[int, int], list[int]] = defaultdict(list)
    for row, (a, z) in enumerate(ends):
        together[min(a, z), max(a, z)].append(row)
    curves = []
    for row, (a, z) in enumerate(ends):
        first, last = min(a, z), max(a, z)
        group = together[first, last]
        start, end = spots[a], spots[z]
        across = np.array([-(spots[last] - spots[first])[1], (spots[last] - spots[first])[0]])
        across = across / (np.linalg.norm(across) or 1.0)
        aside = (group.index(row) - (len(group) - 1) / 2) * 44.0
        bend = (start + end) / 2 + across * aside
        curves.append(
            _Curve(
                (float(start[0]), float(start[1])),
                (float(bend[0]), float(bend[1])),
                (float(end[0]), float(end[1])),
            )
        )
    return curves


def _lettered(
    places: Sequence[Mapping[str, Any]], spots: Floats, curves: Sequence[_Curve]
) -> tuple[Place, ...]:
    """Places with their letters, and their requests' MW where they cover least."""
    letters = iter(ascii_uppercase + ascii_uppercase.lower())
    boxes = [_Box(float(x), float(y), 12, 12) for x, y in spots]
    along = _along(curves)
    drawn = []
    for place, spot in zip(places, spots, strict=True):
        x, y = float(spot[0]), float(spot[1])
        mw_x = mw_y = 0.0
        if place["requested_mw"]:
            half = len(f"+{place['requested_mw']:,.0f} MW") * SMALL * PER_CHARACTER / 2
            offers = [
                _Box(x + side * (half + 12) * wide, y + down, half, 8)
                for side, wide, down in (
                    (0, 0, 20),
                    (0, 0, -20),
                    (1, 1, 0),
                    (-1, 1, 0),
                    (1, 0.7, 18),
                    (-1, 0.7, 18),
                    (1, 0.7, -18),
                    (-1, 0.7, -18),
                )
            ]
            best = min(offers, key=lambda box: _cost(box, boxes, along))
            boxes.append(best)
            mw_x, mw_y = best.x, best.y
        drawn.append(
            Place(
                letter=next(letters),
                name=place["name"],
                number=place["id"].partition(":")[2],
                kv=place["kv"],
                requests=tuple(place["requests"]),
                requested_mw=place["requested_mw"],
                x=round(x, 1),
                y=round(y, 1),
                is_star=place["id"].startswith("star:"),
                mw_x=round(mw_x, 1),
                mw_y=round(mw_y + 4, 1),
            )
        )
    return tuple(drawn)


def _label_places(
    lines: Sequence[Mapping[str, Any]], curves: Sequence[_Curve], places: Sequence[Place]
) -> list[tuple[float, float]]:
    """Where the figures of each line stand in all three panels."""
    taken = [_Box(place.x, place.y, 11, 11) for place in places]
    taken += [
        _Box(
            place.mw_x,
            place.mw_y - 4,
            len(f"+{place.requested_mw:,.0f} MW") * SMALL * PER_CHARACTER / 2,
            8,
        )
        for place in places
        if place.requested_mw
    ]
    covered = _along(curves)
    found: list[tuple[float, float]] = []
    for line, curve in zip(lines, curves, strict=True):
        is_main = line["is_constraint"]
        words = [_labels(line, side) for side in range(3)]
        size = LARGE if is_main else SMALL
        longest = max(max(len(first), len(second)) for first, second in words)
        half_width = longest * size * PER_CHARACTER / 2 + 2
        half_height = size * (1.1 if is_main else 0.6)
        offers = []
        for share, side, gap in product((0.5, 0.38, 0.62, 0.25, 0.75), (1, -1), (6, 14)):
            x, y = curve.at(share)
            along = curve.along(share)
            across = (-along[1] * side, along[0] * side)
            off = abs(across[0]) * half_width + abs(across[1]) * half_height + gap
            offers.append(
                (
                    _Box(x + across[0] * off, y + across[1] * off, half_width, half_height),
                    abs(share - 0.5) * 60 + 2 * gap,
                )
            )
        best, _ = min(offers, key=lambda offer: _cost(offer[0], taken, covered) + offer[1])
        taken.append(best)
        found.append((round(best.x, 1), round(best.y, 1)))
    return found


def _along(curves: Sequence[_Curve]) -> Floats:
    """(p, 2) points along all lines, close enough to tell what a label would cover."""
    return np.array([curve.at(step / 20) for curve in curves for step in range(1, 20)])


def _cost(box: _Box, taken: Sequence[_Box], along: Floats) -> float:
    """How much a label covers there."""
    is_over = (np.abs(along[:, 0] - box.x) < box.half_width) & (
        np.abs(along[:, 1] - box.y) < box.half_height
    )
    overlap = sum(box.overlap(other) for other in taken)
    return 60.0 * box.outside() + 10.0 * overlap + 40.0 * float(is_over.sum())


def _labels(line: Mapping[str, Any], side: int) -> tuple[str, str]:
    """Figures of a line: percent of its limit, for the constraint its MW too."""
    if line["is_outage"]:
        return "out", ""
    flow, loading = line["flow_mw"][side], line["loading_percent"][side]
    percent = f"{loading:.0f}%" if loading or abs(flow) < LEAST_FLOW_MW else ""
    if line["is_constraint"]:
        return percent, f"{abs(flow):,.0f} MW"
    return percent, ""


def _drawn(
    line: Mapping[str, Any], curve: _Curve, label_at: tuple[float, float], side: int
) -> Line:
    (ax, ay), (bx, by), (zx, zy) = curve.start, curve.bend, curve.end
    flow, loading = line["flow_mw"][side], line["loading_percent"][side]
    level = sum(loading > limit for limit in CLASSES)
    kind = f"g-net__line--{level}"
    if line["is_constraint"]:
        kind += " g-net__line--constraint"
    if line["is_outage"]:
        kind = "g-net__line--out"
    arrow = ""
    if not line["is_outage"] and abs(flow) >= LEAST_FLOW_MW:
        x, y = curve.at(0.5)
        along = curve.along(0.5)
        way = 1.0 if flow > 0 else -1.0
        size = 9.0 if line["is_constraint"] else 6.0
        tip = (x + way * along[0] * size, y + way * along[1] * size)
        corners = [
            (
                x - way * along[0] * size * 0.6 - along[1] * size * 0.7 * hand,
                y - way * along[1] * size * 0.6 + along[0] * size * 0.7 * hand,
            )
            for hand in (1, -1)
        ]
        arrow = " ".join(f"{px:.1f},{py:.1f}" for px, py in (tip, *corners))
    first, second = _labels(line, side)
    return Line(
        path=f"M{ax:.1f} {ay:.1f}Q{bx:.1f} {by:.1f} {zx:.1f} {zy:.1f}",
        kind=kind,
        label=first,
        second_label=second,
        label_x=label_at[0],
        label_y=label_at[1],
        arrow=arrow,
    )


def _row(line: Mapping[str, Any], start: Place, end: Place) -> LineRow:
    is_out = line["is_outage"]
    flows = line["flow_mw"]
    loadings = [
        None if is_out or (not loading and abs(flow) >= LEAST_FLOW_MW) else loading
        for loading, flow in zip(line["loading_percent"], flows, strict=True)
    ]
    return LineRow(
        letters=f"{start.letter}–{end.letter}",
        element=line["element"],
        is_constraint=line["is_constraint"],
        is_outage=is_out,
        flow_mw=(flows[0], flows[1], flows[2]),
        loading_percent=(loadings[0], loadings[1], loadings[2]),
    )
