"""The command line: `gentie …`, the same words as the portal."""

from __future__ import annotations

import importlib
import importlib.util
from typing import ClassVar

import click

import gentie
from gentie.cli.errors import in_sentences


class LazyGroup(click.Group):
    """A group whose commands are imported when they are asked for.

    `gentie --help` must answer at once; importing the engines takes a second.
    """

    # name → (module, attribute, what `gentie --help` says of it)
    COMMANDS: ClassVar[dict[str, tuple[str, str, str]]] = {
        "case": (
            "gentie.cli.case",
            "case",
            "Check a grid case, solve it, find its outages and fault currents.",
        ),
        "capacity": (
            "gentie.cli.capacity",
            "capacity",
            "See what a point can still take, and why.",
        ),
        "study": ("gentie.cli.study", "study", "Study a cluster of requests; verify a study."),
        "audit": ("gentie.cli.audit", "audit", "Check the log of what was done."),
        "operator": ("gentie.cli.operator", "operator", "Set up an operator; show it."),
        "serve": ("gentie.cli.serve", "serve", "Serve what is set up."),
        "backup": ("gentie.cli.keeping", "backup", "Write everything into one file."),
        "restore": ("gentie.cli.keeping", "restore", "Bring a backup back."),
        "demo": ("gentie.cli.demo", "demo", "Prepare and serve the demonstration."),
        "worker": ("gentie.cli.demo", "worker", "Work on the studies that engineers start."),
    }

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of the work, not of the alphabet."""
        return [
            name
            for name, (module, _, _) in self.COMMANDS.items()
            if importlib.util.find_spec(module) is not None
        ]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command that was asked for."""
        if cmd_name not in self.list_commands(ctx):
            return None
        module, attribute, _ = self.COMMANDS[cmd_name]
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(n, self.COMMANDS[n][2]) for n in self.list_commands(ctx)])


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: gentie demo",
)
@click.version_option(gentie.__version__, prog_name="gentie")
def gentie_command() -> None:
    """Connect resources to the power grid: what limits them, what it costs, and why."""


def main() -> None:
    """Run the command line: exit 0, 1 (divergence, failed verification) or 2 (bad input)."""
    raise SystemExit(
        in_sentences(lambda: gentie_command.main(prog_name="gentie", standalone_mode=False))
    )
