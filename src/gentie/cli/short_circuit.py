"""`gentie case short-circuit …`: fault currents, breakers, and what requests add."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.printing import people, print_json, table
from gentie.cli.writing import write_table
from gentie.quantities.findings import BadInput, Finding

if TYPE_CHECKING:
    from gentie.formats.breakers import BreakerRow
    from gentie.formats.requests import Request
    from gentie.workbench.duties import Duty
    from gentie.workbench.short_circuit import BusFault, ShortCircuitReport

BUSES_PRINTED = 20
DUTIES_PRINTED = 20
SHARES_PRINTED = 30

METHODS = ("iec", "flat", "profile")
TYPES = ("three-phase", "line-to-ground", "line-to-line", "line-line-to-ground")
TYPE_HEADS = dict(zip(TYPES, ("3-phase", "1-ground", "2-phase", "2-ground"), strict=True))
"""Heads of narrow columns: how many conductors touch each other or ground."""

METHOD_WORDS = {
    "iec": "IEC 60909, largest currents",
    "flat": "one pre-fault voltage everywhere",
    "profile": "solved pre-fault voltages",
}


@click.command(
    "short-circuit",
    short_help="Fault currents, breakers, what requests add.",
    epilog="Example: gentie case short-circuit case_ACTIVSg2000 --method flat",
)
@click.argument("file")
@click.option("--bus", "buses", type=int, multiple=True, metavar="NUMBER", help="Only this bus.")
@click.option(
    "--type",
    "fault",
    type=click.Choice(TYPES),
    default=TYPES[0],
    show_default=True,
    help="The fault by which buses are put in order.",
)
@click.option(
    "--method",
    type=click.Choice(METHODS),
    default=METHODS[0],
    show_default=True,
    help="IEC 60909, or a pre-fault voltage: flat or solved.",
)
@click.option(
    "--sequence",
    type=click.Path(path_type=Path),
    metavar="FILE.seq",
    help="Sequence data, in place of assumptions.",
)
@click.option(
    "--ratings",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Breakers: bus,breaker,rating_ka.",
)
@click.option(
    "--requests",
    type=click.Path(path_type=Path),
    metavar="FILE.csv",
    help="Requests to add, as for a study.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write every bus as CSV.",
)
@click.option("--rulebook", default="california", show_default=True, help="Gives the assumptions.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
def short_circuit(
    file: str,
    buses: tuple[int, ...],
    fault: str,
    method: str,
    sequence: Path | None,
    ratings: Path | None,
    requests: Path | None,
    out: Path | None,
    rulebook: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Find the current of a bolted fault at every bus.

    Machines and zero sequence come from --sequence, and else are the rulebook's assumptions.
    """
    from gentie.engines.grid.short_circuit import Method
    from gentie.formats.breakers import read_breakers
    from gentie.formats.requests import read_requests
    from gentie.formats.sequence import read_sequence
    from gentie.rulebook.book import load_rulebook
    from gentie.workbench.cases import read_case
    from gentie.workbench.short_circuit import assumed_data, short_circuit_of

    book, case = load_rulebook(rulebook), read_case(file)
    reasons: list[Finding] = []
    breakers: tuple[BreakerRow, ...] = ()
    asked: tuple[Request, ...] = ()
    data = assumed_data(case, book)
    left_out: tuple[Finding, ...] = ()
    try:
        if sequence is not None:
            data, left_out = read_sequence(_content(sequence), sequence.name, case.network, data)
    except BadInput as bad:
        reasons += bad.findings
    try:
        if ratings is not None:
            breakers = read_breakers(_content(ratings), ratings.name, case.network)
    except BadInput as bad:
        reasons += bad.findings
    try:
        if requests is not None:
            asked = read_requests(_content(requests), requests.name, case.network)
    except BadInput as bad:
        reasons += bad.findings
    if reasons:
        raise BadInput(reasons)
    report = short_circuit_of(
        case,
        rulebook=book,
        method=Method(method),
        buses=buses,
        ratings=breakers,
        requests=asked,
        data=data,
        data_findings=left_out,
    )
    if out is not None:
        write_table(out, _csv(report))
    if as_json:
        print_json(report.as_dict())
    else:
        _print(report, fault, is_asked=bool(buses))


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as cause:
        raise BadInput(
            Finding(
                "cli.file",
                f"{path} cannot be read: {cause.strerror}. Give the path of a file.",
                where=str(path),
            )
        ) from cause


def _csv(report: ShortCircuitReport) -> bytes:
    """Every bus of the report, one row each; blank where there is no current to tell."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    columns = [name.replace("-", "_") for name in TYPES]
    before = [f"{name}_before_ka" for name in columns] if report.requests else []
    writer.writerow(
        [
            *("bus", "nominal_kv"),
            *(f"{name}_ka" for name in columns),
            *("peak_ka", "three_phase_x_over_r", "line_to_ground_x_over_r"),
            *before,
        ]
    )
    for bus in report.buses:
        writer.writerow(
            [
                *(bus.bus, bus.nominal_kv),
                *(bus.current_ka[name] for name in TYPES),
                *(bus.peak_ka, bus.x_over_r[TYPES[0]], bus.x_over_r[TYPES[1]]),
                *(bus.before_ka[name] for name in TYPES if before),
            ]
        )
    return out.getvalue().encode()


def _print(report: ShortCircuitReport, fault: str, *, is_asked: bool) -> None:
    console = people()
    console.print(
        f"{report.case}: bolted faults at {len(report.buses):,} buses, kA; "
        f"{METHOD_WORDS[report.method.value]} (rulebook {report.rulebook})."
    )
    shown = [bus for bus in report.buses if is_asked or bus.nominal_kv >= report.minimum_kv]
    ranked = sorted(shown, key=lambda bus: (-(bus.current_ka[fault] or 0.0), bus.bus))
    heads = ["Bus", "kV", *TYPE_HEADS.values(), "X/R", "Peak"]
    if report.method.value != "iec":
        heads.pop()
    rows = [_bus_row(bus, len(heads)) for bus in ranked[:BUSES_PRINTED]]
    console.print(table(heads, rows, numbers=heads))
    more = len(report.buses) - len(rows)
    if more:
        console.print(
            f"and {more:,} more, those below {report.minimum_kv:g} kV among them; --out lists them "
            "all."
        )
    if report.requests:
        _print_shares(report)
    if report.duties:
        _print_duties(report.duties)
    for finding in report.findings:
        console.print(finding.sentence)
    over = sum(bus.over_equipment_limit for bus in report.buses)
    console.print(
        f"Buses of {report.minimum_kv:g} kV and more with a current above "
        f"{report.equipment_limit_ka:g} kA, the largest rating of equipment: {over:,}."
    )


def _bus_row(bus: BusFault, width: int) -> tuple[str, ...]:
    cells = (
        str(bus.bus),
        f"{bus.nominal_kv:g}",
        *(_number(bus.current_ka[name], 2) for name in TYPES),
        _number(bus.x_over_r[TYPES[0]], 1),
        _number(bus.peak_ka, 2),
    )
    return cells[:width]


def _number(value: float | None, decimals: int) -> str:
    return "–" if value is None else f"{value:,.{decimals}f}"


def _print_shares(report: ShortCircuitReport) -> None:
    console = people()
    heads = ("Added by", "Bus", "3-phase, kA", "1-ground, kA")
    rows = [
        (
            share.request,
            str(share.bus),
            f"{share.three_phase_ka:.2f}",
            f"{share.line_to_ground_ka:.2f}",
        )
        for share in report.requests[:SHARES_PRINTED]
    ]
    console.print(table(heads, rows, numbers=heads[1:]))
    if len(report.requests) > SHARES_PRINTED:
        console.print(f"and {len(report.requests) - SHARES_PRINTED:,} more; --json lists them all.")


def _print_duties(duties: tuple[Duty, ...]) -> None:
    console = people()
    heads = ("Breaker", "Bus", "Fault", "kA", "× X/R", "Rating", "% of it", "Rise")
    rows = [
        (
            duty.breaker,
            str(duty.bus),
            TYPE_HEADS[duty.fault],
            _number(duty.fault_ka, 2),
            f"{duty.factor:.3f}",
            f"{duty.rating_ka:g}",
            _number(duty.duty_percent, 1),
            f"{duty.rise_ka:.2f}",
        )
        for duty in duties[:DUTIES_PRINTED]
    ]
    console.print(table(heads, rows, numbers=(heads[1], *heads[3:])))
    if len(duties) > DUTIES_PRINTED:
        console.print(f"and {len(duties) - DUTIES_PRINTED:,} more; --json lists them all.")
    console.print(
        f"Breakers above their rating: {sum(duty.is_over for duty in duties):,}; to be told in the "
        f"study report: {sum(duty.is_flagged for duty in duties):,}."
    )
