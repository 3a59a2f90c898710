import pytest

from gentie.engines.grid.contingency_list import Category
from gentie.engines.grid.generated_contingencies import Wanted
from gentie.formats.matpower.examples import case_text
from gentie.quantities.findings import BadInput
from gentie.workbench.cases import case_from, read_case, shipped_cases
from gentie.workbench.contingency_lists import (
    contingencies_csv,
    listed_contingencies,
    made_contingencies,
    places_from,
    wanted_categories,
)


@pytest.fixture(scope="module")
def small():
    return case_from(case_text(more="mpc.dcline = [1 3 1 10 9.5 1 2];\n"), "small.m")


def test_the_ending_says_which_format(small):
    con = listed_contingencies(small, b"SINGLE UNIT IN AREA 1\nEND\n", "x.con")
    assert len(con) == 2
    shipped = shipped_cases()["contab_ACTIVSg200"]
    table = listed_contingencies(read_case("case_ACTIVSg200"), shipped.read_bytes(), shipped.name)
    assert (len(table), len(table.single_branches)) == (245, 245)


def test_what_is_written(small):
    made = made_contingencies(small, Wanted((Category.P1,)))
    assert contingencies_csv(small, made).decode().splitlines() == [
        "contingency,category,kind,element",
        "P1 line:1:2:1,P1,branch,line:1:2:1",
        "P1 line:2:3:1,P1,branch,line:2:3:1",
        "P1 line:1:3:1,P1,branch,line:1:3:1",
        "P1 dc:1:3:1,P1,dc pole,dc:1:3",
        "P1 unit:1:1,P1,unit,unit:1:1",
        "P1 unit:3:1,P1,unit,unit:3:1",
    ]


def test_places(small):
    content = b"bus,latitude_deg,longitude_deg,name\n1,30,-100,A\n3,30.5,-100,C\n99,1,1,X\n"
    places = places_from(content, "p.csv", small.network)
    assert places.latitude_deg[[0, 2]].tolist() == [30, 30.5]
    listed = made_contingencies(small, Wanted((Category.P7,)), places)
    assert listed.not_studied[0].count == 2


@pytest.mark.parametrize(
    ("content", "sentences"),
    [
        (
            b"\xff\xfe",
            [
                (
                    "p.csv: this is not a table of CSV in UTF-8. Give one with the columns bus, latitude_deg, "
                    "longitude_deg."
                )
            ],
        ),
        (
            b"bus,lat\n1,2\n",
            [
                (
                    "p.csv: the table has no column latitude_deg and no column longitude_deg. Give bus, "
                    "latitude_deg, longitude_deg."
                )
            ],
        ),
        (
            b"bus,latitude_deg,longitude_deg\n1,91,0\n2,x,0\n",
            [
                (
                    f"p.csv, line {line}: the bus, latitude and longitude are not usable numbers. Write degrees "
                    "from -90 to 90 and from -180 to 180."
                )
                for line in (2, 3)
            ],
        ),
    ],
)
def test_places_that_cannot_be_used(small, content, sentences):
    with pytest.raises(BadInput) as refusal:
        places_from(content, "p.csv", small.network)
    assert [finding.sentence for finding in refusal.value.findings] == sentences


def test_categories():
    assert wanted_categories("p1, P7") == (Category.P1, Category.P7)
    with pytest.raises(BadInput) as refusal:
        wanted_categories("P9")
    assert str(refusal.value) == (
        "P9 is not a category of contingencies. Write some of P1, P2, P3, P4, P6, P7."
    )
