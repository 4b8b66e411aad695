"""The command line: one module per command, and one place that turns errors into one line and an exit code."""

from __future__ import annotations

import functools
import io
import os
import runpy
import sys
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from keras_lvseg_cli.audit import audit
from keras_lvseg_cli.backend import choose_backend, load_backend
from keras_lvseg_cli.compare_volumes import compare_volumes
from keras_lvseg_cli.demo import demo
from keras_lvseg_cli.evaluate import evaluate
from keras_lvseg_cli.export import export
from keras_lvseg_cli.phantom import phantom
from keras_lvseg_cli.segment import segment
from keras_lvseg_cli.signals import Stopped, signals_as_exceptions
from keras_lvseg_cli.train import train
from keras_lvseg_cli.tune import tune

# Importing `keras_lvseg` would import Keras, which takes seconds.
_VERSION_FILE = Path(__file__).parents[1] / "keras_lvseg" / "version.py"


def _on_backend(command: Callable[..., None], *, load_first: bool = True) -> Callable[..., None]:
    """Return the command with the backend loaded first: typer calls it only with valid arguments."""

    @functools.wraps(command)
    def run_command(**options: Any) -> None:
        if load_first:
            if "engine" in options:
                choose_backend(options["engine"])
            load_backend(join=command is train)
        with signals_as_exceptions():
            command(**options)

    return run_command


app = typer.Typer(
    name="keras-lvseg",
    no_args_is_help=True,
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (demo, phantom, audit, train, tune, evaluate, segment, export):
    app.command()(_on_backend(command))
app.command()(_on_backend(compare_volumes, load_first=False))  # its options have to be checked together before


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"keras-lvseg {runpy.run_path(str(_VERSION_FILE))['__version__']}")
        raise typer.Exit


@app.callback()
def describe(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Segment the left ventricle in cine cardiac MRI: train a network, score it, and compute masks and volumes."""


def run(arguments: list[str]) -> NoReturn:
    """Run a command and exit.

    Exit codes: 0 done, 1 unusable data or output, 2 wrong usage, 70 a bug, 130 and 143 stopped by SIGINT and SIGTERM.

    Args:
        arguments: The words after the program's name.
    """
    debug = "--debug" in arguments  # valid before and after the command
    arguments = [word for word in arguments if word != "--debug"]
    if isinstance(sys.stdout, io.TextIOWrapper):  # file names may hold bytes that are not text
        sys.stdout.reconfigure(errors="backslashreplace")
    warnings.formatwarning = _format_warning
    try:
        # Standalone mode would show an error as a box of several lines.
        code = app(arguments, prog_name="keras-lvseg", standalone_mode=False) or 0
        sys.stdout.flush()  # not after the end of this function, where Python reports a full disk in its own words
        sys.exit(code)
    except Stopped as stopped:
        print(stopped.message, file=sys.stderr)
        sys.exit(stopped.exit_code)
    except Exception as error:
        code, message = _explain(error)
        if debug:
            print(*map(_printable, traceback.format_exc().splitlines()), sep="\n", file=sys.stderr)
    if message:
        print(f"keras-lvseg: error: {_printable(message)}", file=sys.stderr)
    _drop_unwritten_output()
    sys.exit(code)


def _printable(text: str) -> str:
    """Return text with control characters escaped, which file names may hold."""
    return text if text.isprintable() else ascii(text)[1:-1]


def _format_warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    return f"keras-lvseg: warning: {_printable(str(message))}\n"


def _drop_unwritten_output() -> None:
    """Discard what stdout could not write, so that Python does not try again at its end and fail."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _explain(error: Exception) -> tuple[int, str]:
    """Return exit code and message of an error."""
    # A module that is not loaded cannot have raised its error.
    errors = sys.modules.get("keras_lvseg.errors")
    one_line = " ".join(str(error).split())
    match error:
        case typer.TyperException():
            return error.exit_code, error.format_message()
        case ValueError() if errors and isinstance(error, errors.DataError):
            return 1, str(error)
        case OSError(filename=str(path)):
            return 1, f"{path}: {error.strerror or one_line}"
        case OSError(filename=None, errno=int()):  # files that are written are named
            return 1, f"the output cannot be written ({error.strerror})"
        case ValueError():  # the package raises it for arguments
            return 2, one_line
    return 70, f"{type(error).__name__}: {one_line}; this is a bug, 'keras-lvseg --debug' shows its place"
