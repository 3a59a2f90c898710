"""CGMES archives: what arrives, what is said, and every way in which an archive is broken."""

import io
import sys
import warnings
import zipfile

import numpy as np
import pytest

from gentie.engines.grid.network import BusKind
from gentie.engines.grid.power_flow import solve_power_flow
from gentie.formats.cgmes.grid import check_archive, opened, powsybl
from gentie.formats.cgmes.ratings import Ratings
from gentie.formats.cgmes.reader import read_cgmes
from gentie.formats.cgmes.writer import cgmes_bytes, writable
from gentie.formats.matpower import network_from, read_matpower, reference_of
from gentie.formats.matpower.examples import case_text
from gentie.formats.psse.examples import raw_text, three_windings
from gentie.formats.psse.reader import read_raw
from gentie.formats.psse.tables import raw_tables
from gentie.quantities.findings import BadInput

ADVICE = "Give a .zip with the EQ, SSH, TP and SV files of one case."


def archive(**files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, content in files.items():
            packed.writestr(name.replace("_", "."), content)
    return out.getvalue()


BROKEN = {
    "empty": (b"", f"x.zip: the file is empty. {ADVICE}"),
    "a single file": (b"<rdf:RDF>", f"x.zip: this is not an archive. {ADVICE}"),
    "cut off": (
        archive(a_xml="x" * 500)[:200],
        f"x.zip: the archive is damaged or cut off; it has no whole list of files. {ADVICE}",
    ),
    "pictures": (archive(a_png="x"), f"x.zip: the archive holds no .xml file. {ADVICE}"),
    "too many files": (
        archive(**{f"f{one}_xml": "" for one in range(201)}),
        (
            "x.zip: the archive holds 201 files of 0 MB unpacked, and at most 200 files of 2,000 MB are "
            f"read. {ADVICE}"
        ),
    ),
}


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_archive_gets_one_sentence(kind):
    content, sentence = BROKEN[kind]
    with pytest.raises(BadInput) as refusal:
        check_archive(content, "x.zip")
    assert [finding.sentence for finding in refusal.value.findings] == [sentence]


def test_without_pypowsybl(monkeypatch):
    monkeypatch.setitem(sys.modules, "pypowsybl", None)
    for use in (lambda: opened(archive(a_xml="x"), "x.zip"), lambda: cgmes_bytes(small())):
        with pytest.raises(BadInput) as refusal:
            use()
        assert str(refusal.value).endswith(
            ": CGMES is read and written by pypowsybl, which is not installed. Install it with `pip "
            "install 'gentie[exchange]'`."
        )


def test_an_archive_that_is_no_grid():
    pytest.importorskip("pypowsybl")
    with pytest.raises(BadInput) as refusal:
        opened(archive(a_xml="<nothing/>"), "x.zip")
    assert refusal.value.findings[0].code == "case.cgmes.unread"
    assert str(refusal.value).startswith("x.zip: pypowsybl cannot read the archive (")
    assert str(refusal.value).endswith(f"). {ADVICE}")


def small(more=""):
    return network_from(read_matpower(case_text(more=more), "small.m"))


def test_limits_become_ratings():
    ratings = Ratings(
        {
            ("L", 1): [
                ("CURRENT", 1000.0, -1.0),
                ("CURRENT", 1200.0, 1200.0),
                ("CURRENT", 1500.0, 60.0),
            ],
            ("L", 2): [("APPARENT_POWER", 230.0, -1.0)],
        }
    )
    normal, lasting, short = ratings.columns(("L", "M"), np.array([138.0, 138.0]))
    np.testing.assert_allclose(normal, [230.0, 0])  # 1000 A at 138 kV are 239 MVA
    np.testing.assert_allclose(lasting, [np.sqrt(3) * 1.2 * 138, 0])
    np.testing.assert_allclose(short, [np.sqrt(3) * 1.5 * 138, 0])


def test_what_is_written_has_no_dc_lines_and_the_same_injections():
    network = small("mpc.dcline = [1 3 1 10 9.5 1 2];\n")
    made = writable(network)
    assert len(made.dc_lines) == 0
    np.testing.assert_allclose(made.injection_mw, network.injection_mw)
    before, after = solve_power_flow(network), solve_power_flow(made)
    np.testing.assert_allclose(after.voltage_pu, before.voltage_pu, atol=1e-12)


# -------------------------------------------------------------- grids that pypowsybl itself makes


def archived(make):
    pytest.importorskip("pypowsybl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pypowsybl import loadflow, network

    made = getattr(network, make)()
    content = made.save_to_binary_buffer(
        "CGMES", {"iidm.export.cgmes.cim-version": "16"}
    ).getvalue()
    grid = network.load_from_binary_buffer(io.BytesIO(content))  # an archive holds less than a grid
    status = loadflow.run_ac(
        grid,
        loadflow.Parameters(
            distributed_slack=False,
            use_reactive_limits=False,
            provider_parameters={"slackBusSelectionMode": "LARGEST_GENERATOR"},
        ),
    )
    return grid, status[0], content


@pytest.mark.parametrize("make", ["create_ieee9", "create_ieee14", "create_ieee57"])
def test_the_flow_is_that_of_pypowsybl(make):
    """Of the archive: pypowsybl's larger grids lose so much in it that its own flow diverges."""
    grid, status, content = archived(make)
    assert status.status.name == "CONVERGED"
    case, _ = read_cgmes(content, f"{make}.zip")
    network = network_from(case, reference_of(case))
    flow = solve_power_flow(network, enforce_reactive_limits=False)
    assert flow.converged
    assert (network.buses.kind == BusKind.SLACK).sum() == 1
    levels = grid.get_voltage_levels()["nominal_v"]
    solved = grid.get_buses()
    theirs = np.sort((solved["v_mag"] / levels[solved["voltage_level_id"]].to_numpy()).to_numpy())
    apart = np.abs(np.sort(flow.voltage_pu) - theirs).max()
    print(f"{make}: {len(theirs)} buses, largest difference {apart:.2e} pu")
    assert apart < 1e-5


def test_a_node_breaker_grid_with_hvdc_and_svc():
    _, _, content = archived("create_four_substations_node_breaker_network")
    case, tables = read_cgmes(content, "four.zip")
    codes = {finding.code for finding in tables.found if finding is not None}
    assert {"case.cgmes.switches", "case.cgmes.numbered", "case.cgmes.svc"} <= codes
    network = network_from(case, reference_of(case))
    assert solve_power_flow(network).converged


def test_three_windings():
    networks = powsybl("star.raw")
    content = raw_text(transformer=three_windings(), branch=())
    grid = networks.load_from_binary_buffer(io.BytesIO(archive(star_raw=content)))
    out = grid.save_to_binary_buffer("CGMES", {"iidm.export.cgmes.cim-version": "16"})
    case, tables = read_cgmes(out.getvalue(), "star.zip")
    codes = {finding.code for finding in tables.found if finding is not None}
    assert "case.cgmes.three_winding" in codes
    came = network_from(case, reference_of(case))
    raw = raw_tables(read_raw(content, "star.raw"))
    own = network_from(raw.case, reference_of(raw.case))
    ours, theirs = solve_power_flow(came), solve_power_flow(own)
    apart = np.abs(np.sort(ours.voltage_pu) - np.sort(theirs.voltage_pu)).max()
    print(f"{len(own.buses)} buses, largest difference {apart:.2e} pu")
    assert apart < 1e-6
    assert ours.losses_mw == pytest.approx(theirs.losses_mw, abs=1e-5)
