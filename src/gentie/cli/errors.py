"""Every refusal of the command line is a sentence on stderr and an exit code, never a traceback."""

from __future__ import annotations

from collections.abc import Callable

import click

from gentie.quantities.findings import BadInput

FOUND = 0  # whatever was found
FAILED = 1  # divergence, or a verification that failed
BAD_INPUT = 2


class Failed(Exception):
    """A command did its work and the answer is no: divergence, or a failed verification."""


def in_sentences(run: Callable[[], object]) -> int:
    """Run a command; say what was wrong, if anything, and give the exit code."""
    try:
        code = run()
    except BadInput as bad:
        for finding in bad.findings:
            _say(finding.sentence)
        return BAD_INPUT
    except Failed as failed:
        _say(str(failed))
        return FAILED
    except click.UsageError as usage:
        _say(_usage_sentence(usage))
        return BAD_INPUT
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.ClickException as bad:
        _say(bad.format_message())
        return BAD_INPUT
    except (click.Abort, KeyboardInterrupt):
        _say("Stopped.")
        return 130
    except BrokenPipeError:
        return FOUND  # who read the output has seen enough (`gentie … | head`)
    return code if isinstance(code, int) else FOUND


def _usage_sentence(usage: click.UsageError) -> str:
    message = usage.format_message().rstrip()
    if not message.endswith((".", "?", "!")):
        message += "."
    path = usage.ctx.command_path if usage.ctx is not None else "gentie"
    return f"{message} See `{path} --help`."


def _say(sentence: str) -> None:
    click.echo(sentence, err=True)
