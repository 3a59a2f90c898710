"""Make the demonstration's requests: believable places and sizes on a synthetic grid.

The rule: regions take shares of the requests as a recent real window did; sizes are lognormal and
scaled to 28 GW; the voltage follows from the size; each region has a short menu of stations, the
popular ones crowded; and a request goes only where it fits alone. Each is harmless by itself.
Together they are not, which is why clusters are studied.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from gentie.engines.interconnection.capacity import capacity_of
from gentie.engines.interconnection.published import PublishedCase
from gentie.formats.requests import Component, Deliverability, Request

SEED = 15
COUNT = 120
TOTAL_MW = 28_000.0
STATIONS = 70
ZIPF = 0.7
MOST_AT_A_POINT = 8
CAP_MW = {138.0: 350.0, 345.0: 1_500.0, 765.0: 3_000.0}
MENU_SHARE = {138.0: 0.40, 345.0: 0.42, 765.0: 0.18}
VOLTAGES = tuple(CAP_MW)


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the map with its share of requests.

    Attributes:
        south, north, west, east: bounds in degrees.
        share: of all requests.
        mix: weights of hybrid solar, storage, solar, wind, gas, geothermal.
    """

    south: float
    north: float
    west: float
    east: float
    share: float
    mix: tuple[float, float, float, float, float, float]


TECHNOLOGIES = ("hybrid", "storage", "solar", "wind", "gas", "geothermal")
REGIONS = {
    "valley": Region(35.6, 37.3, -121.0, -119.0, 0.31, (0.55, 0.20, 0.23, 0.02, 0.0, 0.0)),
    "desert": Region(33.2, 35.8, -116.9, -114.0, 0.16, (0.50, 0.20, 0.25, 0.05, 0.0, 0.0)),
    "pass": Region(34.6, 35.6, -119.0, -117.6, 0.15, (0.45, 0.20, 0.15, 0.20, 0.0, 0.0)),
    "south coast": Region(33.6, 34.4, -119.3, -117.5, 0.12, (0.0, 0.90, 0.0, 0.0, 0.10, 0.0)),
    "bay": Region(37.2, 38.4, -122.7, -121.5, 0.09, (0.0, 0.80, 0.0, 0.10, 0.10, 0.0)),
    "border": Region(32.5, 33.2, -116.2, -114.3, 0.06, (0.40, 0.15, 0.20, 0.05, 0.0, 0.20)),
    "far south": Region(32.5, 33.4, -117.6, -116.7, 0.06, (0.15, 0.85, 0.0, 0.0, 0.0, 0.0)),
    "north": Region(38.5, 41.9, -123.5, -120.0, 0.05, (0.25, 0.25, 0.10, 0.20, 0.0, 0.20)),
}


def demo_requests(
    case: PublishedCase, coordinates: Mapping[int, tuple[float, float]], *, seed: int = SEED
) -> tuple[Request, ...]:
    """The 120 requests of the demonstration cluster.

    Args:
        case: the published case.
        coordinates: latitude and longitude in degrees by bus number.
        seed: of the random draw; the same seed gives the same requests.

    Raises:
        ValueError: some request fits nowhere in its region.
    """
    draw = np.random.default_rng(seed)
    points = case.points
    principal = points.principal_bus[case.studied_points]
    buses = case.network.buses
    number = buses.number[principal]
    kv = buses.nominal_kv[principal]
    place = np.array([coordinates[int(bus)] for bus in number])
    fits_mw = capacity_of(case, principal).capacity_mw
    meets = points.element_count[case.studied_points] >= 2
    sizes = _sizes(draw)
    used_mw = np.zeros(len(principal))
    used = np.zeros(len(principal), np.int64)
    requests: list[Request] = []
    taken = 0
    counts = _counts()
    for name, region in REGIONS.items():
        mws = sizes[taken : taken + counts[name]]
        taken += counts[name]
        inside = np.flatnonzero(
            meets
            & (place[:, 0] >= region.south)
            & (place[:, 0] <= region.north)
            & (place[:, 1] >= region.west)
            & (place[:, 1] <= region.east)
        )
        menu = _menu(draw, region, inside, kv, fits_mw)
        technologies = draw.choice(
            len(TECHNOLOGIES), len(mws), p=np.array(region.mix) / sum(region.mix)
        )
        for mw, technology in sorted(zip(mws, technologies, strict=True), reverse=True):
            wanted = float(draw.choice(VOLTAGES, p=_voltage_weights(mw)))
            point = _choose(
                draw,
                float(mw),
                wanted,
                menu=menu,
                inside=inside,
                kv=kv,
                fits_mw=fits_mw,
                used_mw=used_mw,
                used=used,
                place=place,
            )
            used_mw[point] += mw
            used[point] += 1
            requests.append(
                _request(
                    f"Q{len(requests) + 1:03d}",
                    int(number[point]),
                    float(mw),
                    TECHNOLOGIES[technology],
                    storage_share=float(draw.uniform(0.4, 1.0)),
                    is_full=bool(draw.random() < 0.6),
                )
            )
    return tuple(requests)


def _counts() -> dict[str, int]:
    counts = {name: round(region.share * COUNT) for name, region in REGIONS.items()}
    counts["valley"] += COUNT - sum(counts.values())
    return counts


def _sizes(draw: np.random.Generator) -> np.ndarray:
    """Whole MW that sum to the total as nearly as their bounds allow."""
    raw = np.round(np.clip(np.exp(draw.normal(np.log(200.0), 0.62, COUNT)), 20, 500) / 5) * 5
    sizes = raw
    for _ in range(20):
        sizes = np.clip(sizes * TOTAL_MW / sizes.sum(), 20, 500)
    return np.asarray(np.round(sizes))


def _voltage_weights(mw: float) -> tuple[float, float, float]:
    if mw <= 100:
        return (0.85, 0.15, 0.0)
    if mw <= 250:
        return (0.45, 0.45, 0.10)
    return (0.05, 0.65, 0.30)


def _menu(
    draw: np.random.Generator,
    region: Region,
    inside: np.ndarray,
    kv: np.ndarray,
    fits_mw: np.ndarray,
) -> dict[float, np.ndarray]:
    """Stations of a region by voltage, the most popular first."""
    count = max(3, round(STATIONS * region.share))
    menu = {}
    for level, least in zip(VOLTAGES, (100.0, 250.0, 400.0), strict=True):
        able = inside[(kv[inside] == level) & (fits_mw[inside] >= least)]
        size = min(len(able), max(1, round(count * MENU_SHARE[level])))
        menu[level] = draw.choice(able, size, replace=False) if size else able
    return menu


def _choose(
    draw: np.random.Generator,
    mw: float,
    wanted_kv: float,
    *,
    menu: Mapping[float, np.ndarray],
    inside: np.ndarray,
    kv: np.ndarray,
    fits_mw: np.ndarray,
    used_mw: np.ndarray,
    used: np.ndarray,
    place: np.ndarray,
) -> int:
    """A station of the menu where the request fits alone and under the caps, else the nearest."""

    def has_room(points: np.ndarray) -> np.ndarray:
        caps = np.array([CAP_MW[float(kv[point])] for point in points])
        return np.asarray(
            (fits_mw[points] >= mw)
            & (used_mw[points] + mw <= caps)
            & (used[points] < MOST_AT_A_POINT)
        )

    for level in (wanted_kv, 345.0, 138.0, 765.0):
        stations = menu[level]
        if not len(stations):
            continue
        popularity = 1.0 / np.arange(1, len(stations) + 1) ** ZIPF
        weight = popularity * has_room(stations)
        if weight.sum() > 0:
            return int(draw.choice(stations, p=weight / weight.sum()))
        favourite = stations[0]
        others = inside[kv[inside] == level]
        others = others[has_room(others)]
        if len(others):
            distance = np.hypot(*(place[others] - place[favourite]).T)
            return int(others[distance.argmin()])
    raise ValueError(f"no station of the region takes {mw:g} MW")


def _request(
    name: str, bus: int, mw: float, technology: str, *, storage_share: float, is_full: bool
) -> Request:
    components: tuple[Component, ...]
    if technology == "hybrid":
        storage = float(round(mw * storage_share))
        components = (
            Component("solar", mw, None),
            Component("storage", storage, 4.0 * storage),
        )
    elif technology == "storage":
        components = (Component("storage", mw, 4.0 * mw),)
    else:
        components = (Component(technology, mw, None),)
    return Request(
        request=name,
        bus=bus,
        components=components,
        deliverability=Deliverability.FULL if is_full else Deliverability.ENERGY_ONLY,
        net_mw=mw,
    )
