from __future__ import annotations

import subprocess
import sys

import click
import pytest

import gentie
from gentie.cli import errors
from gentie.cli.errors import Failed, in_sentences
from gentie.quantities.findings import BadInput, Finding


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", "from gentie.cli.main import main; main()", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_help_fits_a_screen_and_has_an_example():
    done = run("--help")
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) <= 24
    assert "Example: gentie" in done.stdout
    assert "demo" in done.stdout


def test_help_imports_no_engine():
    asked = (
        "import sys\nfrom gentie.cli.main import gentie_command\n"
        "gentie_command.main(['--help'], standalone_mode=False)\n"
        "print([m for m in ('numba', 'scipy', 'numpy', 'django', 'rich') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_version():
    assert run("--version").stdout == f"gentie, version {gentie.__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["fly"], "No such command 'fly'. See `gentie --help`."),
        (["demo", "--porte", "1"], "No such option '--porte'"),
        (["demo", "--port", "many"], "'many' is not a valid integer range."),
        (["demo", "--port", "99999"], "99999 is not in the range 1<=x<=65535."),
    ],
)
def test_a_wrong_call_gets_one_sentence_and_exit_2(arguments, sentence):
    done = run(*arguments)
    assert done.returncode == 2
    assert sentence in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stdout == ""


def raising(error: BaseException):
    def command() -> None:
        raise error

    return command


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (
            BadInput(
                [
                    Finding(code="case.missing", sentence="a.m does not exist: check the path."),
                    Finding(code="case.empty", sentence="b.m is empty: export it again."),
                ]
            ),
            2,
            "a.m does not exist: check the path.\nb.m is empty: export it again.\n",
        ),
        (Failed("The power flow diverged."), 1, "The power flow diverged.\n"),
        (click.ClickException("Nothing there."), 2, "Nothing there.\n"),
        (click.exceptions.Exit(1), 1, ""),
        (KeyboardInterrupt(), 130, "Stopped.\n"),
        (BrokenPipeError(), 0, ""),
    ],
)
def test_each_end_has_its_sentence_and_its_code(capsys, error, code, said):
    assert in_sentences(raising(error)) == code
    assert capsys.readouterr().err == said


def test_what_a_command_returns_is_its_exit_code():
    assert in_sentences(lambda: errors.FAILED) == 1
    assert in_sentences(lambda: None) == 0


def test_a_fault_of_ours_is_not_dressed_up_as_a_refusal():
    with pytest.raises(ZeroDivisionError):
        in_sentences(raising(ZeroDivisionError()))
