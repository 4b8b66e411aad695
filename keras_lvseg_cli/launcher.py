"""What the `keras-lvseg` script starts; the wheel carries it at top level too, outside the package.

Importing the package imports Keras, which imports TensorFlow, whose libraries then write a dozen lines about the
processor and the absence of a GPU, whatever log level is asked for. So this has to run before the package does, and
holds that back while it loads.
"""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def main() -> None:
    """Load the package without its libraries' chatter, then run the command line."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    if "--debug" in sys.argv:
        from keras_lvseg_cli import main as run
    else:
        with _held_back_stderr():
            import keras

            from keras_lvseg_cli import main as run

            keras.ops.zeros(())  # the first tensor looks for a GPU, and chatters when there is none
    run()


@contextmanager
def _held_back_stderr() -> Iterator[None]:
    """Keep what C++ libraries write to the process's stderr; it is given out only where an error follows."""
    sys.stderr.flush()
    stderr = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(stderr, held.read())
            raise
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
