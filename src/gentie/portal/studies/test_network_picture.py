from __future__ import annotations

from itertools import combinations
from math import dist

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gentie.portal.studies.network_picture import HEIGHT, WIDTH, network_picture


def content(count: int, pairs: list[tuple[int, int]], *, known: bool = True) -> dict:
    return {
        "places": [
            {
                "id": f"point:{number}",
                "name": f"STATION {number}",
                "kv": 138.0,
                "latitude_deg": 35 + 0.1 * (number % 4) if known else None,
                "longitude_deg": -119 + 0.1 * (number // 4) if known else None,
                "requests": ["Q1"] if number == 1 else [],
                "requested_mw": 250.0 if number == 1 else 0,
            }
            for number in range(count)
        ],
        "lines": [
            {
                "element": f"line:{a}:{z}:{row}",
                "from": f"point:{a}",
                "to": f"point:{z}",
                "is_constraint": row == 0,
                "is_outage": row == 1,
                "flow_mw": [0.0, 0.0, 0.0] if row == 1 else [50.0, -120.0, 80.0],
                "loading_percent": [0.0, 0.0, 0.0] if row == 1 else [45.0, 110.0, 72.0],
            }
            for row, (a, z) in enumerate(pairs)
        ],
    }


CHAIN = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (2, 5)]


@pytest.mark.parametrize("known", [True, False])
def test_the_same_data_gives_the_same_picture(known):
    first = network_picture(content(6, CHAIN, known=known))
    assert first == network_picture(content(6, CHAIN, known=known))


def test_the_three_panels_share_one_layout_and_differ_in_what_they_say():
    before, during, after = network_picture(content(6, CHAIN)).panels
    for lines in zip(before, during, after, strict=True):
        assert len({line.path for line in lines}) == 1
        assert len({(line.label_x, line.label_y) for line in lines}) == 1
    assert [panel[0].label for panel in (before, during, after)] == ["45%", "110%", "72%"]
    assert [panel[0].second_label for panel in (before, during, after)] == [
        "50 MW",
        "120 MW",
        "80 MW",
    ]
    assert before[0].arrow != during[0].arrow
    assert {panel[1].label for panel in (before, during, after)} == {"out"}
    assert {panel[1].arrow for panel in (before, during, after)} == {""}
    assert "constraint" in before[0].kind


@given(
    st.integers(4, 14).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.lists(
                st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(
                    lambda pair: pair[0] != pair[1]
                ),
                min_size=2,
                max_size=16,
            ),
        )
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=40)
def test_places_stay_inside_and_never_stand_on_each_other(drawn, known):
    count, pairs = drawn
    picture = network_picture(content(count, pairs, known=known))
    assert len(picture.places) == len({end for pair in pairs for end in pair})
    for place in picture.places:
        assert 0 < place.x < WIDTH
        assert 0 < place.y < HEIGHT
    for one, other in combinations(picture.places, 2):
        assert dist((one.x, one.y), (other.x, other.y)) > 18


def test_parallel_lines_are_bent_apart():
    picture = network_picture(content(3, [(0, 1), (1, 0), (1, 2)]))
    first, second, third = (line.path for line in picture.panels[0])
    assert first != second
    assert len({first, second, third}) == 3


def test_an_unrated_line_has_no_loading_and_an_idle_one_has_none_of_its_limit():
    drawn = content(3, [(0, 1), (1, 2), (0, 2)])
    drawn["lines"][2] |= {"flow_mw": [70.0, 0.0, 70.0], "loading_percent": [0.0, 0.0, 12.0]}
    assert network_picture(drawn).rows[2].loading_percent == (None, 0.0, 12.0)
