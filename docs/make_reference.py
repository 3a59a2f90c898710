"""Write the pages of docs/reference that are drawn from the code: `make reference`.

A test writes them again and compares, so that they cannot grow old.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys
from collections import defaultdict
from pathlib import Path

from gentie.contexts.intake.form import FIELDS, SECTIONS
from gentie.contexts.intake.lifecycles import CLUSTER, POSITION, REQUEST
from gentie.contexts.studies.lifecycles import RUN
from gentie.rulebook.book import load_grid_profile, load_rulebook
from gentie.workbench.bundle import bundle_files
from gentie.workbench.capacity import MAP_COLUMNS
from gentie.workbench.cases import read_case
from gentie.workbench.study import Inputs, run_study
from gentie.workbench.tables import Column

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "docs" / "reference"
HEAD = "<!-- Written by docs/make_reference.py; change the code, then run `make reference`. -->\n\n"
CODE = re.compile(r"[a-z][a-z_]*(\.[a-z][a-z_0-9]*)+")


def pages() -> dict[str, str]:
    """Text of every generated page by its file name."""
    return {
        "results.md": HEAD + results(),
        "rulebook.md": HEAD + rulebook(),
        "findings.md": HEAD + findings(),
        "lifecycles.md": HEAD + lifecycles(),
        "request-form.md": HEAD + request_form(),
        "openapi.json": openapi(),
    }


def openapi() -> str:
    """The document of the interface for programs."""
    import django
    from django.apps import apps

    if not apps.ready:  # a test has it ready
        sys.path.insert(0, str(ROOT))
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
        django.setup()
    from gentie.api.site import document

    return json.dumps(document(), indent=1, ensure_ascii=False) + "\n"


def results() -> str:
    """The data dictionary of a study's bundle."""
    folder = ROOT / "cases" / "cluster_on_paper"
    case = read_case(folder / "case.m")
    run = run_study(
        Inputs(
            case=case,
            requests_content=(folder / "requests.csv").read_bytes(),
            requests_name="requests.csv",
            rulebook=load_rulebook(),
            profile=load_grid_profile(case.name),
        )
    )
    lines = [
        "# The bundle of a study, file by file",
        "",
        (
            "`gentie study run --out DIR` writes this; `gentie study verify DIR` reads the inputs, runs "
            "the study again and compares the results. `manifest.json` lists every file with its "
            "SHA-256, size and tier: public, private (the customer's and the operator's), or CEII "
            "(critical energy infrastructure information)."
        ),
        "",
        "| file | tier |",
        "|---|---|",
        *(f"| `{name}` | {tier} |" for name, (tier, _) in bundle_files(run).items()),
        "",
    ]
    for table in run.results.tables:
        lines += [f"## {table.name}.csv", "", *_columns(table.columns), ""]
    lines += ["## The CSV of `gentie capacity map`", "", *_columns(MAP_COLUMNS), ""]
    return "\n".join(lines)


def _columns(columns: tuple[Column, ...]) -> list[str]:
    return [
        "| column | what it says | decimals |",
        "|---|---|---|",
        *(
            f"| `{one.name}` | {one.says} | {'' if one.decimals is None else one.decimals} |"
            for one in columns
        ),
    ]


def rulebook() -> str:
    """Every entry of the rulebook."""
    book = load_rulebook()
    lines = [
        f"# {book.title}",
        "",
        (
            f"Version `{book.version}`. Standing: *confirmed* was read in primary material, *quoted* is "
            "restated by a source that cites the tariff, *unconfirmed* is believed and not checked, "
            "*assumption* is our own engineering choice."
        ),
        "",
        "| entry | value | unit | section | standing | from | note |",
        "|---|---|---|---|---|---|---|",
    ]
    for rule in book:
        value = "see the file" if isinstance(rule.value, list | dict) else f"`{rule.value}`"
        if isinstance(rule.value, list) and all(isinstance(item, str) for item in rule.value):
            value = ", ".join(rule.value)
        lines.append(
            f"| `{rule.key}` | {value} | {rule.unit} | {rule.section} | {rule.standing} | "
            f"{rule.applies_from} | {rule.note} |"
        )
    classes = book.value("unit_costs.classes")
    lines += ["", "## Unit costs, millions", "", "| " + " | ".join(classes[0]) + " |"]
    lines.append("|" + "---|" * len(classes[0]))
    lines += ["| " + " | ".join(f"{value:g}" for value in one.values()) + " |" for one in classes]
    factors = book.value("output_factors.on_peak")
    lines += [
        "",
        "## Output factors, on-peak",
        "",
        "| region | technology | share |",
        "|---|---|---|",
    ]
    lines += [
        f"| {region} | {technology} | {share:g} |"
        for region, shares in factors.items()
        for technology, share in shares.items()
    ]
    return "\n".join([*lines, ""])


def findings() -> str:
    """Every code that a finding or a refusal can have, and where it is said."""
    keys = set(load_rulebook().rules)
    said: dict[str, set[str]] = defaultdict(set)
    for path in sorted((ROOT / "src" / "gentie").rglob("*.py")):
        if path.name.startswith("test_") or path.name == "conftest.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            given = [*node.args[:1], *(word.value for word in node.keywords if word.arg == "code")]
            for value in given:
                if (
                    isinstance(value, ast.Constant)
                    and isinstance(value.value, str)
                    and CODE.fullmatch(value.value)
                    and _names_a_finding(node)
                    and value.value not in keys
                ):
                    said[value.value].add(path.relative_to(ROOT / "src" / "gentie").as_posix())
    return "\n".join(
        [
            "# Findings and refusals",
            "",
            (
                "A code never changes its meaning; programs may rely on it. The sentence beside it, with "
                "the figures in it, is for people."
            ),
            "",
            "| code | said in |",
            "|---|---|",
            *(f"| `{code}` | {', '.join(sorted(where))} |" for code, where in sorted(said.items())),
            "",
        ]
    )


def lifecycles() -> str:
    """Every lifecycle: its diagram, and who may make which move."""
    lines = [
        "# Lifecycles",
        "",
        (
            "A move that may not be made is refused with the codes `SUBJECT.MOVE.role` or "
            "`SUBJECT.MOVE.state`, or with the reasons of its own checks."
        ),
        "",
    ]
    for one in (CLUSTER, REQUEST, POSITION, RUN):
        lines += [
            f"## {one.subject.capitalize()}",
            "",
            "```mermaid",
            one.mermaid().rstrip(),
            "```",
            "",
        ]
        lines += ["| move | from | to | who |", "|---|---|---|---|"]
        lines += [
            f"| {move.name} | {', '.join(move.source)} | {move.target} | "
            f"{', '.join(sorted(move.roles))} |"
            for move in one.moves
        ]
        lines.append("")
    return "\n".join(lines)


def request_form() -> str:
    """Every field of the request form."""
    lines = ["# The request form, field by field", ""]
    for section, title in SECTIONS:
        lines += [f"## {title}", "", "| field | asked | kind | unit | range or choices |"]
        lines.append("|---|---|---|---|---|")
        for field in FIELDS:
            if field.section != section:
                continue
            span = ", ".join(value for value, _ in field.choices)
            if field.least is not None:
                span = f"{field.least:g} to {field.most:,.0f}"
            lines.append(
                f"| `{field.key}` | {field.label} | {field.kind} | {field.unit} | {span} |"
            )
        lines.append("")
    return "\n".join(lines)


def _names_a_finding(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    return name in {"Finding", "add", "say", "note", "told", "told_rows", "told_where"}


def main() -> None:
    """Write all pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text)
        print(f"docs/reference/{name}")


if __name__ == "__main__":
    main()
