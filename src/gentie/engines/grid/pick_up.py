"""Who makes up for lost generation, by a stated rule."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np

from gentie.engines.grid.network import Booleans, Columns, Floats, Integers, Network


@dataclass(frozen=True, eq=False)
class PickUp(Columns):
    """Units that can take a share, (g,) each, in the order of the network's table.

    A loss is shared pro rata by ``weight_mw``; a unit that would pass its room stays at it and the
    others share the rest. What nobody has room for is left to the slack bus and told.
    """

    bus: Integers
    weight_mw: Floats
    """0 for a unit that takes no part."""
    raise_mw: Floats
    """Room upwards."""
    lower_mw: Floats
    """Room downwards, for the loss of a unit that was taking power."""


def pick_up_by_capacity(network: Network, *, takes_part: Booleans | None = None) -> PickUp:
    """Units in service share a loss pro rata by ``p_max_mw``, none of them beyond it.

    Args:
        network: whose stored dispatch the loss happens in.
        takes_part: (g,) units that may take a share; every one in service unless given.
    """
    units = network.generators
    live = network.is_generator_live
    if takes_part is not None:
        live = live & takes_part
    return PickUp(
        bus=units.bus.copy(),
        weight_mw=np.where(live, np.maximum(units.p_max_mw, 0.0), 0.0),
        raise_mw=np.where(live, np.maximum(units.p_max_mw - units.p_mw, 0.0), 0.0),
        lower_mw=np.where(live, np.maximum(units.p_mw - units.p_min_mw, 0.0), 0.0),
    )


@numba.njit(cache=True, boundscheck=False)
def share_loss(loss_mw, weight_mw, room_mw, share_mw):  # type: ignore[no-untyped-def]
    """Fill ``share_mw`` with what each unit takes of a loss of at least zero; return the rest.

    Units are filled up in rounds: all at their pro-rata share, those at their room leave, what
    they could not take is shared anew. There are at most as many rounds as units.
    """
    share_mw[:] = 0.0
    left = loss_mw
    while left > 0.0:
        weight = 0.0
        for g in range(len(weight_mw)):
            if share_mw[g] < room_mw[g]:
                weight += weight_mw[g]
        if weight <= 0.0:
            return left
        shared, is_full = left, False
        for g in range(len(weight_mw)):
            if share_mw[g] < room_mw[g]:
                grown = share_mw[g] + shared * (weight_mw[g] / weight)
                if grown >= room_mw[g]:
                    is_full = True
                    left -= room_mw[g] - share_mw[g]
                    share_mw[g] = room_mw[g]
        if not is_full:
            for g in range(len(weight_mw)):
                if share_mw[g] < room_mw[g]:
                    share_mw[g] += shared * (weight_mw[g] / weight)
            return 0.0
    return 0.0
