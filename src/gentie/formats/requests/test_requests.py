import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gentie.formats.matpower import network_from, read_matpower
from gentie.formats.matpower.examples import BUS, case_text
from gentie.formats.requests import (
    TECHNOLOGIES,
    Component,
    Deliverability,
    Request,
    natural_order,
    read_requests,
    requests_fit,
    write_requests,
)
from gentie.quantities.findings import BadInput

HEAD = "request,bus,technology,mw,mwh,deliverability"
NET_HEAD = HEAD + ",net_mw"
ROW = "R1,2,solar,100,,full"


def network():
    text = case_text(bus=BUS.replace("\t3\t2\t0", "\t3\t4\t0"))
    return network_from(read_matpower(text, "small.m"))


def read(*rows, head=HEAD, grid=None):
    return read_requests("\n".join((head, *rows, "")).encode(), "r.csv", grid)


def test_one_request():
    (request,) = read("R1, 2, Solar, 100, , Full Capacity", grid=network())
    assert request == Request("R1", 2, (Component("solar", 100.0),), Deliverability.FULL, 100.0)


def test_a_hybrid_and_its_net_amount():
    (request,) = read("R1,2,storage,50,200,full,120", "R1,2,solar,100,,full,120", head=NET_HEAD)
    assert request.components == (Component("solar", 100.0), Component("storage", 50.0, 200.0))
    assert (request.sum_mw, request.net_mw) == (150, 120)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("full", "full"),
        ("FC", "full"),
        ("Full  Capacity", "full"),
        ("fcds", "full"),
        ("energy_only", "energy_only"),
        ("Energy Only", "energy_only"),
        ("eo", "energy_only"),
    ],
)
def test_words_of_the_queue(word, meant):
    assert read(f"R1,2,wind,100,,{word}")[0].deliverability == meant


def test_order_of_rows_and_columns_changes_nothing():
    rows = [f"R{number},2,wind,{number},,full" for number in range(1, 13)]
    rows += ["R3,2,storage,5,20,full"]
    straight = read(*rows)
    random.Random(1).shuffle(rows)
    assert read(*rows) == straight
    turned = [",".join(reversed(row.split(","))) for row in rows]
    assert read(*turned, head=",".join(reversed(HEAD.split(",")))) == straight
    assert [request.request for request in straight] == [f"R{n}" for n in range(1, 13)]


def test_writings_of_the_same_file():
    plain = read(ROW)
    assert read_requests(b"\xef\xbb\xbf" + f"{HEAD}\r\n\r\n{ROW}\r\n".encode(), "r.csv") == plain
    assert read_requests(f'{HEAD.upper()}\n"R1",2,"solar",1e2,0,full'.encode(), "r.csv") == plain


def test_other_technologies_may_be_allowed():
    row = f"{HEAD}\nR1,2,fusion,100,,full\n".encode()
    requests = read_requests(row, "r.csv", technologies=frozenset({"fusion"}))
    assert requests[0].components[0].technology == "fusion"


KNOWN = ", ".join(sorted(TECHNOLOGIES))
NUMBER = "Write it in digits, for example 150 or 150.5."
BROKEN = {
    "empty": (b"", [f"r.csv: the file is empty. Begin with the line {HEAD}."]),
    "no requests": (HEAD, ["r.csv: the file has no requests. Give one row per technology."]),
    "not text": (
        b"PK\x00\x01",
        ["r.csv: this is not a text file. Save it as CSV in UTF-8."],
    ),
    "not UTF-8": (
        f"{HEAD}\nR\xe9,2,solar,100,,full\n".encode("latin-1"),
        ["r.csv, line 2: the file is not UTF-8. Save it as CSV in UTF-8."],
    ),
    "open quote": (
        f'{HEAD}\n"R1,2,solar,100,,full\n',
        [
            (
                "r.csv, line 2: this is not CSV (unexpected end of data). Separate by commas and close "
                "every quote."
            )
        ],
    ),
    "columns": (
        "request,bus,technology,mw,mw,colour\n",
        [
            f"r.csv, line 1, field mwh: the column mwh is missing. Begin with the line {HEAD}.",
            (
                "r.csv, line 1, field deliverability: the column deliverability is missing. Begin with "
                f"the line {HEAD}."
            ),
            "r.csv, line 1, field mw: the column mw is there 2 times. Keep one.",
            "r.csv, line 1, field mw: the column mw is there 2 times. Keep one.",
            (
                "r.csv, line 1, field colour: the column 'colour' is not known. Take it out; the columns"
                f" are {', '.join(NET_HEAD.split(','))}."
            ),
        ],
    ),
    "short row": (
        f"{HEAD}\nR1,2,solar,100\n",
        [
            (
                "r.csv, line 2: the row has 4 fields and the first line has 6. Give one field per "
                "column, empty where there is nothing to say."
            )
        ],
    ),
    "everything wrong in one row": (
        f"{HEAD}\n=cmd(),two,plasma,many,,maybe\n",
        [
            (
                "r.csv, line 2, field request: the request id '=cmd()' cannot be used. Take 1 to 40 "
                "letters, digits, blanks, or - _ . / and begin with a letter or digit."
            ),
            (
                "r.csv, line 2, field bus: 'two' is not a bus number. Write the bus's number in the "
                "case."
            ),
            (
                "r.csv, line 2, field technology: the technology 'plasma' is not known. Write one of "
                f"{KNOWN}."
            ),
            f"r.csv, line 2, field mw: 'many' is not a number. {NUMBER}",
            (
                "r.csv, line 2, field deliverability: the deliverability 'maybe' is not known. Write "
                "full or energy_only."
            ),
        ],
    ),
    "amounts": (
        (
            f"{NET_HEAD}\nR1,2,wind,0,,full,\nR2,2,wind,-5,,full,\nR3,2,wind,nan,,full,\n"
            "R4,2,wind,inf,,full,\nR5,2,wind,,,full,\nR6,2,wind,9,,full,0\nR7,2,wind,1e9,,full,\n"
        ),
        [
            "r.csv, line 2, field mw: 0 is not above 0 and at most 100,000. Mend it.",
            "r.csv, line 3, field mw: -5 is not above 0 and at most 100,000. Mend it.",
            f"r.csv, line 4, field mw: 'nan' is not a number. {NUMBER}",
            f"r.csv, line 5, field mw: 'inf' is not a number. {NUMBER}",
            f"r.csv, line 6, field mw: nothing is not a number. {NUMBER}",
            "r.csv, line 7, field net_mw: 0 is not above 0 and at most 100,000. Mend it.",
            "r.csv, line 8, field mw: 1e9 is not above 0 and at most 100,000. Mend it.",
        ],
    ),
    "storage without energy": (
        f"{HEAD}\nR1,2,storage,100,,full\nR2,2,storage,100,0,full\n",
        [
            (
                "r.csv, line 2, field mwh: storage needs its energy. Write the MWh it holds when full, "
                "for example four hours of its MW."
            ),
            "r.csv, line 3, field mwh: 0 is not above 0 and at most 10,000,000. Mend it.",
        ],
    ),
    "rows that disagree": (
        f"{NET_HEAD}\nR1,2,wind,100,,full,90\nR1,1,storage,50,200,energy_only,\n",
        [
            (
                "r.csv, line 3, field bus: request R1 says 1 here and 2 on line 2. Write the same in all"
                " rows of one request."
            ),
            (
                "r.csv, line 3, field deliverability: request R1 says energy_only here and full on line "
                "2. Write the same in all rows of one request."
            ),
            (
                "r.csv, line 3, field net_mw: request R1 says nothing here and 90.0 on line 2. Write the"
                " same in all rows of one request."
            ),
        ],
    ),
    "one technology twice": (
        f"{HEAD}\nR1,2,wind,100,,full\nR1,2,wind,50,,full\n",
        [
            (
                "r.csv, line 3, field technology: request R1 has wind already on line 2. Add the two "
                "rows up."
            )
        ],
    ),
    "more net than there is": (
        f"{NET_HEAD}\nR1,2,wind,100,,full,100.5\n",
        [
            (
                "r.csv, line 2, field net_mw: request R1 delivers 100.5 MW net of 100 MW. Write a net "
                "amount that is at most the sum of its technologies."
            )
        ],
    ),
    "buses": (
        f"{HEAD}\nR1,9,wind,100,,full\nR2,3,wind,100,,full\n",
        [
            (
                "r.csv, line 2, field bus: request R1 is at bus 9, which small does not have. Write the "
                "number of a bus of the case."
            ),
            (
                "r.csv, line 3, field bus: request R2 is at bus 3, which is isolated in small. Choose a "
                "bus that is connected."
            ),
        ],
    ),
    "too many": (
        HEAD + "\nR1,2,wind,1,,full" * 10_001,
        [
            (
                "r.csv: the file has 10,001 rows and at most 10,000 are studied together. Split it into "
                "clusters."
            )
        ],
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_every_broken_file_gets_its_sentence(kind):
    content, expected = BROKEN[kind]
    content = content if isinstance(content, bytes) else content.encode()
    with pytest.raises(BadInput) as refusal:
        read_requests(content, "r.csv", network())
    assert [finding.sentence for finding in refusal.value.findings] == expected


def test_a_file_too_large():
    with pytest.raises(BadInput) as refusal:
        read_requests(b"x" * 11_000_000, "r.csv")
    assert str(refusal.value) == (
        "r.csv: the file has 11 MB and at most 10 MB are read. Give the requests alone."
    )


def test_reasons_are_counted_beyond_a_screenful():
    with pytest.raises(BadInput) as refusal:
        read(*(f"R{number},2,wind,x,,full" for number in range(100)))
    assert len(refusal.value.findings) == 41
    assert refusal.value.findings[-1].count == 60


def test_requests_made_elsewhere_are_asked_too():
    requests_fit(read(ROW), network())
    with pytest.raises(BadInput, match="which small does not have"):
        requests_fit(read(ROW.replace(",2,", ",9,")), network())


def test_natural_order():
    names = ["R10", "r2", "R1-b", "R1", "R1-a10", "R1-a9"]
    assert sorted(names, key=natural_order) == ["R1", "R1-a9", "R1-a10", "R1-b", "r2", "R10"]


amounts = st.floats(1e-3, 1e5, allow_nan=False)


@st.composite
def clusters(draw):
    identities = draw(
        st.sets(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9 _./-]{0,20}[A-Za-z0-9]", fullmatch=True))
    )
    requests = []
    for identity in identities:
        technologies = draw(st.sets(st.sampled_from(sorted(TECHNOLOGIES)), min_size=1, max_size=3))
        components = tuple(
            Component(
                technology,
                draw(amounts),
                draw(amounts if technology == "storage" else st.none() | amounts),
            )
            for technology in sorted(technologies)
        )
        most = sum(component.mw for component in components)
        requests.append(
            Request(
                identity,
                draw(st.integers(1, 999_999_999)),
                components,
                draw(st.sampled_from(Deliverability)),
                most * draw(st.floats(0.5, 1)),
            )
        )
    return requests


@given(clusters(), st.randoms(use_true_random=False))
def test_written_requests_read_back_unchanged(requests, chance):
    requests = [request for request in requests if request.net_mw <= 1e5]
    content = write_requests(requests)
    if not requests:
        assert content.decode() == NET_HEAD + "\n"
        return
    again = read_requests(content, "r.csv")
    assert sorted(again, key=lambda request: request.request) == sorted(
        requests, key=lambda request: request.request
    )
    assert write_requests(again) == content
    chance.shuffle(requests)
    assert write_requests(requests) == content


@given(st.binary(max_size=200))
def test_rubbish_never_crashes(content):
    with pytest.raises(BadInput):
        read_requests(content, "r.csv")
    with pytest.raises(BadInput):
        read_requests(f"{HEAD}\n".encode() + content, "r.csv")
