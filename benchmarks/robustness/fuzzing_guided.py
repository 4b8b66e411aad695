"""Inputs for one reader that are kept and changed further where they reach new code, by Atheris (libFuzzer).

    python -m benchmarks.robustness.fuzzing_guided READER INPUTS CORPUS SEED

Started by `fuzzing.py`, because an Atheris process has one target and does not come back from it.
"""

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from dataclasses import asdict
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["keras_lvseg", "pydicom", "nibabel", "PIL"]):
    from benchmarks.robustness.fuzzing_judge import SECONDS, Outcome, judge, limit_memory, resident
    from benchmarks.robustness.fuzzing_readers import READERS


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reader")
    parser.add_argument("inputs", type=int)
    parser.add_argument("corpus", type=Path, help="folder of the inputs that reached new code")
    parser.add_argument("seed", type=int)
    arguments = parser.parse_args()
    reader = READERS[arguments.reader]()
    scratch = Path(tempfile.mkdtemp()).resolve()
    folder = scratch / "tree"
    reader.prepare(folder)
    for number, content in enumerate(reader.valid):
        (arguments.corpus / str(number)).write_bytes(content)
        reader.write(folder, content)
        judge(reader.read, folder)  # what is loaded on first use is not the files' doing
    before = resident()
    limit_memory()
    outcome = Outcome()

    def try_one(content: bytes) -> None:
        reader.write(folder, content)
        begin = time.perf_counter()
        result = judge(reader.read, folder)
        outcome.add(result, time.perf_counter() - begin, folder / reader.file)
        if sum(outcome.counts.values()) == arguments.inputs:
            print(json.dumps({**asdict(outcome), "megabytes": resident() - before}), flush=True)
            os._exit(0)  # Atheris would end the process without a way to say more

    longest = 2 * max(map(len, reader.valid))
    options = [f"-timeout={SECONDS}", "-rss_limit_mb=0", f"-max_len={longest}", f"-seed={arguments.seed}"]
    options.append(f"-artifact_prefix={scratch}/")
    warnings.simplefilter("ignore")  # pydicom warns of what it forgives
    atheris.Setup([sys.argv[0], *options, str(arguments.corpus)], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
