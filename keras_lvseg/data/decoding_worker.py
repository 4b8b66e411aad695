"""What a worker of `decoding` runs: `decoding_worker.py ARRAYS SCRATCH`, paths on stdin, a line a file on stdout.

A script and no module of the package, because importing the package imports Keras and its backend, for seconds.
"""

import os
import sys
import types
from pathlib import Path


def bare_packages() -> None:
    """Make the package's modules importable one by one, without what its `__init__` files import."""
    data = Path(__file__).resolve().parent
    for name, folder in (("keras_lvseg", data.parent), ("keras_lvseg.data", data)):
        package = types.ModuleType(name)
        package.__path__ = [os.fspath(folder)]
        sys.modules[name] = package


def main() -> None:
    """Decode what stdin names; an empty line says that a file could not be."""
    from keras_lvseg.data.decoding import decode_file
    from keras_lvseg.errors import DataError

    arrays, scratch = (Path(argument) for argument in sys.argv[1:])
    for path in sys.stdin.buffer.read().split(b"\0"):
        try:
            digest, decoded = decode_file(Path(os.fsdecode(path)), arrays, scratch)
            line = f"{digest} {'new' if decoded else 'known'}"
        except DataError:
            line = ""
        print(line, flush=True)


if __name__ == "__main__":
    bare_packages()
    main()
