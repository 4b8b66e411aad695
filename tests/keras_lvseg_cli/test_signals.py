import contextlib
import os
import signal
import time

import pytest

from keras_lvseg_cli.signals import Stopped, signals_as_exceptions


@pytest.fixture(autouse=True)
def heeded():
    """Heed SIGINT, which a shell ignores for its background jobs: ignored signals stay ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def send(number=signal.SIGINT):
    os.kill(os.getpid(), number)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_signal_raises_and_the_earlier_handler_returns(number, code):
    before = signal.getsignal(number)
    with pytest.raises(Stopped) as stopped, signals_as_exceptions():
        send(number)
    assert stopped.value.exit_code == code
    assert signal.getsignal(number) is before


def test_second_signal_does_not_interrupt_the_clean_up():
    cleaned_up = False
    with pytest.raises(Stopped), signals_as_exceptions():
        try:
            send()
        finally:
            send()
            cleaned_up = True
    assert cleaned_up


def test_signal_after_a_lost_one_raises_again():
    with pytest.raises(Stopped) as stopped, signals_as_exceptions():
        with contextlib.suppress(Stopped):
            send()
        send(signal.SIGTERM)
    assert stopped.value.exit_code == 143


def test_signal_in_a_callback_that_cannot_raise_is_sent_again(capfd):
    class Sender:
        def __del__(self):
            send()

    with pytest.raises(Stopped), signals_as_exceptions():
        Sender()
        time.sleep(10)
    assert capfd.readouterr().err == ""


def test_signal_that_a_library_loses_again_and_again_stops_the_block_all_the_same():
    lost = 0
    with pytest.raises(Stopped) as stopped, signals_as_exceptions():
        for _ in range(5):
            try:
                if not lost:
                    send(signal.SIGTERM)
                time.sleep(5)
            except BaseException:
                lost += 1
                if lost == 3:
                    raise
    assert (lost, stopped.value.exit_code) == (3, 143)


def test_signal_that_a_block_loses_at_its_end_raises():
    with pytest.raises(Stopped), signals_as_exceptions(), contextlib.suppress(Stopped):
        send()


def test_exception_that_replaced_the_signal_counts_as_the_signal():
    with pytest.raises(Stopped), signals_as_exceptions():
        try:
            send()
        except BaseException:
            raise RuntimeError("a library's own error") from None


def test_exception_without_a_signal_passes():
    with pytest.raises(ZeroDivisionError), signals_as_exceptions():
        raise ZeroDivisionError
