"""The 4 x 4 corrections that take one branch out of the inverse Jacobian."""

from __future__ import annotations

import numba
import numpy as np

from gentie.engines.grid.block_factor import entry_at

GROUND_PU = 1e3
"""Admittance that holds a lost part while the rest is solved; it carries nothing."""


@numba.njit(cache=True)
def branch_corrections(  # type: ignore[no-untyped-def]
    near,
    far,
    power,
    scanned,
    grounded,
    kind,
    column_start,
    row,
    below,
    above,
    diagonal,
    correction,
    first_right,
    difficulty,
):
    """The 4 x 4 correction of each branch outage: ``C = M (I - G M)^-1``.

    ``M`` holds the derivatives of the branch's own powers at its ends, ``G`` the inverse Jacobian
    between them. Without the branch the Jacobian is ``J - E M E'``.

    Follows: Woodbury's identity.
    """
    inverse = np.zeros((4, 4))
    own = np.zeros((4, 4))
    right = np.zeros(4)
    for c in range(len(near)):
        if scanned[c] < 0:
            continue
        f = near[c]
        t = far[c]
        ff, ff_q, ft, ft_q, tt, tt_q, tf, tf_q = power[c]
        own[0] = (-ft_q, 2 * ff + ft, ft_q, ft)
        own[1] = (ft, 2 * ff_q + ft_q, -ft, ft_q)
        own[2] = (tf_q, tf, -tf_q, 2 * tt + tf)
        own[3] = (-tf, tf_q, tf, 2 * tt_q + tf_q)
        right[:] = (ff + ft, ff_q + ft_q, tt + tf, tt_q + tf_q)
        for end in range(2):
            bus = f if end == 0 else t
            if kind[bus] >= 1:
                own[2 * end + 1] = 0.0
                right[2 * end + 1] = 0.0
            if kind[bus] == 2:
                own[2 * end] = 0.0
                right[2 * end] = 0.0
        if grounded[c] > 0:
            end = 2 if grounded[c] == 1 else 0
            own[end, end] -= GROUND_PU
            own[end + 1, end + 1] -= GROUND_PU
            right[end : end + 2] = 0.0
        q = entry_at(column_start, row, min(f, t), max(f, t))
        for a in range(2):
            for b in range(2):
                inverse[a, b] = diagonal[f, 2 * a + b]
                inverse[2 + a, 2 + b] = diagonal[t, 2 * a + b]
                inverse[a, 2 + b] = above[q, 2 * a + b] if f < t else below[q, 2 * a + b]
                inverse[2 + a, b] = below[q, 2 * a + b] if f < t else above[q, 2 * a + b]
        kernel = np.eye(4) - inverse @ own
        if abs(np.linalg.det(kernel)) < 1e-9:
            difficulty[c] = np.nan
            continue
        correction[c] = own @ np.linalg.inv(kernel)
        first_right[c] = right + correction[c] @ (inverse @ right)
        step = inverse @ first_right[c]
        difficulty[c] = abs(step[0] - step[2]) + max(abs(step[1]), abs(step[3]))
