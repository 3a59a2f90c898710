"""`load_guide`: the guide of this version into the database; serving and preparing call it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from gentie.contexts.accounts.acting import AS_PROGRAM, acting_as
from gentie.contexts.guide.actions import load_pages
from gentie.quantities.findings import BadInput


class Command(BaseCommand):
    """Load the guide."""

    help = "Load the guide of this version; a second time changes nothing."

    def handle(self, *_arguments: Any, **_options: Any) -> None:
        """Load it as the service's own program.

        Raises:
            CommandError: the guide cannot be used.
        """
        at = datetime.now(UTC)  # noqa: TID251 - a command is a surface: its clock begins here
        try:
            with acting_as(AS_PROGRAM):
                load_pages(by="program:gentie", at=at)
        except BadInput as wrong:
            raise CommandError(str(wrong)) from wrong
