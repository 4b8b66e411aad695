"""The command line: one thin module a subcommand, and one place where errors become one line and an exit code."""

from __future__ import annotations

import io
import sys
import traceback
from typing import Annotated

import typer

from keras_lvseg.errors import DataError
from keras_lvseg_cli.audit import audit
from keras_lvseg_cli.demo import demo
from keras_lvseg_cli.evaluate import evaluate
from keras_lvseg_cli.phantom import phantom
from keras_lvseg_cli.segment import segment
from keras_lvseg_cli.train import train

__all__ = ["main"]

app = typer.Typer(name="keras-lvseg", no_args_is_help=True, add_completion=False)
for command in (demo, phantom, audit, train, evaluate, segment):
    app.command()(command)


@app.callback()
def describe(debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False) -> None:
    """Segment the left ventricle in cine cardiac MRI: from a DICOM folder to a network with a Dice."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command and leave with its exit code: 0 done, 1 the data is at fault, 2 wrong usage, 70 a bug.

    Args:
        arguments: The words after the program's name; None takes the process's own.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    debug = "--debug" in arguments  # wherever it stands
    arguments = [word for word in arguments if word != "--debug"]
    if isinstance(sys.stdout, io.TextIOWrapper):  # names of files may be of bytes that are no text
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        # Typer's own error box takes several lines; a script wants one.
        sys.exit(app(arguments, prog_name="keras-lvseg", standalone_mode=False) or 0)
    except Exception as error:
        code, message = _explain(error)
        if debug:
            traceback.print_exc()
    if message:
        print(f"keras-lvseg: error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(code)


def _explain(error: Exception) -> tuple[int, str]:
    """The exit code that an error calls for, and what to say of it."""
    match error:
        case typer.TyperException():
            return error.exit_code, error.format_message()
        case DataError():
            return 1, str(error)
        case OSError(filename=str(path)):
            return 1, f"{path}: {error.strerror}"
        case ValueError():
            # What is not said of data is said of an argument: so the package's own checks do.
            return 2, str(error)
    return 70, f"{type(error).__name__}: {error}; this should not happen, 'keras-lvseg --debug' shows where it did"
