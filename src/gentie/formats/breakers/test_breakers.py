from __future__ import annotations

import pytest

from gentie.formats.breakers import BreakerRow, read_breakers
from gentie.quantities.findings import BadInput
from tests.networks import read_network

HEAD = "bus,breaker,rating_ka"


def read(*lines: str):
    return read_breakers("\n".join((*lines, "")).encode(), "ratings.csv", read_network("case9"))


def refused(*lines: str) -> list[str]:
    with pytest.raises(BadInput) as refusal:
        read(*lines)
    return [finding.sentence for finding in refusal.value.findings]


def test_a_file_of_ratings() -> None:
    found = read(
        "Bus,BREAKER,rating_ka,x_over_r,contact_parting_cycles",
        "4,CB 41,40,,",
        "",
        "5, CB 51 ,63,25,3",
    )
    assert found == (
        BreakerRow(4, "CB 41", 40.0, None, None),
        BreakerRow(5, "CB 51", 63.0, 25.0, 3.0),
    )
    assert read(HEAD, "4,A,31.5")[0].x_over_r is None


def test_every_fault_of_a_file_at_once() -> None:
    assert refused(HEAD, "4,A,0", "99,,forty", "4,A", "5,B,40", "5,B,40", "6,C,1_0") == [
        (
            "ratings.csv, line 2, field rating_ka: '0' is not a number above 0 and at most 1,000. "
            "Mend it."
        ),
        (
            "ratings.csv, line 3, field bus: '99' is not a bus in service of case9. Write the number "
            "of a bus of the case."
        ),
        (
            "ratings.csv, line 3, field breaker: the breaker has no name of 1 to 60 printable letters. "
            "Name it as the station does."
        ),
        (
            "ratings.csv, line 3, field rating_ka: 'forty' is not a number above 0 and at most 1,000. "
            "Mend it."
        ),
        (
            "ratings.csv, line 4: the row has 2 fields and the first line has 3. Give one field per "
            "column, empty where there is nothing to say."
        ),
        (
            "ratings.csv, line 6, field breaker: breaker B of bus 5 is on line 5 already. Keep one of "
            "the two."
        ),
        (
            "ratings.csv, line 7, field rating_ka: '1_0' is not a number above 0 and at most 1,000. "
            "Mend it."
        ),
    ]


@pytest.mark.parametrize(
    ("lines", "sentences"),
    [
        ((), ["the file is empty. Begin with the line bus,breaker,rating_ka."]),
        ((HEAD,), ["the file has no breakers. Give one row per breaker."]),
        (
            ("bus,name,rating_ka", "4,A,40"),
            [
                "the column breaker is missing. Begin with the line bus,breaker,rating_ka.",
                (
                    "the column 'name' is not known or is there twice. The columns are bus, breaker, "
                    "rating_ka, x_over_r, contact_parting_cycles, each once."
                ),
            ],
        ),
        ((HEAD, '4,"A,40'), ["this is not CSV in UTF-8. Save it as CSV, separated by commas."]),
    ],
)
def test_a_file_that_is_no_table(lines: tuple[str, ...], sentences: list[str]) -> None:
    said = refused(*lines)
    assert [sentence.partition(": ")[2] for sentence in said] == sentences


def test_a_hopeless_file_is_told_briefly() -> None:
    said = refused(HEAD, *("4,A,x" for _ in range(60)))
    assert len(said) == 41
    assert said[-1] == "ratings.csv: 20 more reasons are not listed; mend these first."
