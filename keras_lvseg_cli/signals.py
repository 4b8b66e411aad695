"""SIGINT (Ctrl-C) and SIGTERM as one line on stderr and an exit code: 130 and 143."""

from __future__ import annotations

import os
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_PATIENCE = 0.3  # seconds from a signal that was lost to the next


class Stopped(BaseException):
    """A signal that arrived during work.

    As an exception it unwinds the stack, so that atomic writers remove their temporary files.

    Args:
        number: The signal.
    """

    def __init__(self, number: int):
        super().__init__(number)
        self.number = number
        self.exit_code = 128 + number
        self.message = f"keras-lvseg: stopped by {signal.Signals(number).name}"


def exit_on_signals() -> None:
    """End the process at once on a signal: for start-up, while there is nothing to clean up.

    A closed pipe, as after `audit --json DATA | head`, ends the process without a word throughout, as in other tools.

    An exception could be lost during imports: libraries catch it, or it arrives in a callback that cannot raise.
    """
    if sys.platform != "win32":
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    stderr = os.dup(2)  # stderr itself is held back while libraries load

    def leave(number: int, frame: Any) -> None:
        stopped = Stopped(number)
        os.write(stderr, f"{stopped.message}\n".encode())
        os._exit(stopped.exit_code)

    _handle(leave)


@contextmanager
def signals_as_exceptions() -> Iterator[None]:
    """Raise `Stopped` in the block when a signal arrives.

    A second signal does not interrupt the clean-up after the first. Libraries lose exceptions: in an `except` clause
    for all of them, or in a callback of the garbage collector. So the signal is sent again until the block ends.

    Raises:
        Stopped: SIGINT or SIGTERM arrived.
    """
    received: list[int] = []
    ended = threading.Event()

    def send_again() -> None:
        while not ended.wait(_PATIENCE):
            os.kill(os.getpid(), received[0])

    sender = threading.Thread(target=send_again, daemon=True)

    def stop(number: int, frame: Any) -> None:
        if _is_cleaning_up():
            return
        if not received:
            warnings.simplefilter("ignore")  # of libraries that took `Stopped` for a fault of theirs
            sender.start()
        received.append(number)
        raise Stopped(number)

    def report(lost: Any) -> None:
        if not isinstance(lost.exc_value, Stopped):
            report_lost(lost)

    previous = _handle(stop)
    report_lost, sys.unraisablehook = sys.unraisablehook, report
    try:
        yield
        if received:  # it was lost, and the block ended first
            raise Stopped(received[0])
    except Exception as error:
        if received:  # a library turned `Stopped` into an exception of its own
            raise Stopped(received[0]) from error
        raise
    finally:
        ended.set()
        if received:
            sender.join()
        sys.unraisablehook = report_lost
        for number, handler in previous.items():
            signal.signal(number, handler)


def _handle(handler: Callable[[int, Any], None]) -> dict[int, Any]:
    """Install a handler and return the earlier ones by signal; a signal that is ignored stays ignored."""
    numbers = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    return {number: signal.signal(number, handler) for number in numbers}


def _is_cleaning_up() -> bool:
    error = sys.exception()
    while error is not None and not isinstance(error, Stopped):
        error = error.__context__
    return error is not None
