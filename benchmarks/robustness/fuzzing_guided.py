"""Inputs for one reader that are kept and changed further where they reach new code, by Atheris (libFuzzer).

    python -m benchmarks.robustness.fuzzing_guided READER INPUTS

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
    arguments = parser.parse_args()
    reader = READERS[arguments.reader]()
    scratch = Path(tempfile.mkdtemp()).resolve()
    folder, corpus = scratch / "tree", scratch / "corpus"
    corpus.mkdir()
    reader.prepare(folder)
    for number, content in enumerate(reader.valid):
        (corpus / str(number)).write_bytes(content)
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
            reached = len(list(corpus.iterdir()))
            print(json.dumps({**asdict(outcome), "megabytes": resident() - before, "kept": reached}), flush=True)
            os._exit(0)  # Atheris would end the process without a way to say more

    longest = 2 * max(map(len, reader.valid))
    options = [
        f"-timeout={SECONDS}",
        "-rss_limit_mb=0",
        f"-max_len={longest}",
        "-seed=1",
        f"-artifact_prefix={scratch}/",
    ]
    warnings.simplefilter("ignore")  # pydicom warns of what it forgives
    atheris.Setup([sys.argv[0], *options, str(corpus)], try_one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
