"""An operator's file, read; what is wrong with it, told at once."""

from __future__ import annotations

import re
import tomllib

from gentie.formats.operator.description import Administrator, Description
from gentie.formats.operator.fields import Fields
from gentie.quantities.findings import BadInput, Finding
from gentie.rulebook.book import Owner

EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
LONGEST_NOTE = 2000


def read_description(content: bytes, file_name: str) -> tuple[Description, list[Finding]]:
    """What an operator's file says, and all that is wrong with its form.

    A field that is wrong has a value that stands for nothing; where there is a reason, the
    description is good only for finding more of them.

    Args:
        content: of the file: TOML.
        file_name: for messages.

    Raises:
        BadInput: it is not TOML.
    """
    try:
        table = tomllib.loads(content.decode("utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as cause:
        raise BadInput(
            Finding(
                "operator.file.unreadable",
                f"{file_name} is not TOML: {cause}. Begin with the example in the guide.",
                where=file_name,
            )
        ) from cause
    reasons: list[Finding] = []
    top = Fields(table, file_name, reasons)
    administrator, grid = top.inner("administrator"), top.inner("grid")
    description = Description(
        name=top.text("name"),
        note=top.text("note", is_needed=False, longest=LONGEST_NOTE),
        rulebook=top.text("rulebook"),
        time_zone=top.text("time_zone"),
        closing_hour=top.local_time("closing_hour"),
        holidays=top.dates("holidays"),
        currency=top.text("currency"),
        administrator=_administrator(administrator),
        case=grid.text("case"),
        is_synthetic=grid.flag("synthetic"),
        areas=grid.integers("areas"),
        owners=_owners(top.inner("owners", is_needed=False)),
        stations=grid.text("stations", is_needed=False),
        credit=grid.text("credit", is_needed=False, longest=LONGEST_NOTE),
    )
    for one in (top, administrator, grid):
        one.unknown()
    return description, reasons


def _administrator(fields: Fields) -> Administrator:
    email = fields.text("email")
    if email and not EMAIL.fullmatch(email):
        fields.told(
            "operator.field.email", "email", f"is {email!r}, which is not an e-mail address."
        )
    return Administrator(name=fields.text("name"), email=email.lower())


def _owners(fields: Fields) -> dict[int, Owner]:
    owners = {}
    for key in fields.table:
        one = fields.inner(key)
        if not key.isdecimal():
            fields.told(
                "operator.field.area", key, "is not the number of an area, such as [owners.3]."
            )
            continue
        owners[int(key)] = Owner(name=one.text("name"), output_region=one.text("output_region"))
        one.unknown()
    return owners
