"""`segment --workers` on 200 studies: times, and runs whose workers or scheduler are killed.

    python -m benchmarks.robustness.archive_runs docs/validation/archive_runs.md

Studies are synthetic: five slices at two phases of four hearts, copied under other names and UIDs. Each run must leave
the same files as `segment` in one process, byte by byte, and nothing else. `--only hosts` runs a scheduler and two
workers in three network namespaces, as on three machines with one disk. It needs Linux and root.
"""

import argparse
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.robustness.long_runs import contents, write_studies
from benchmarks.table import write_table

_SEED = 0
_EVERY = 15  # seconds between two kills
PARTS = ("workers", "kills", "hosts", "scheduler")


def start(*words: object, within: Sequence[str] = ()) -> subprocess.Popen:
    command = [*within, sys.executable, "-m", *map(str, words)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def segment(studies: Path, out: Path, *options: object) -> subprocess.Popen:
    return start("keras_lvseg_cli", "segment", studies, out, *options)


def finished(out: Path) -> int:
    return len(list(out.glob("[!.]*/study.json")))


def worker_processes(parent: int) -> list[int]:
    """Return the worker processes that a process started."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            own = re.search(rf"^PPid:\t{parent}$", status.read_text(), re.MULTILINE)
            if own and b"spawn_main" in (status.parent / "cmdline").read_bytes():
                found.append(int(status.parent.name))
        except OSError:  # it ended meanwhile
            continue
    return found


def kill_workers(process: subprocess.Popen, out: Path) -> int:
    """Kill a random worker every few seconds until the run ends; return the number of kills.

    A kill waits until a study was finished since the last one, because workers that start on a busy machine for longer
    than the time between two kills would never finish any.
    """
    chance, kills, before = random.Random(_SEED), 0, 0
    while True:
        try:
            process.wait(_EVERY)
            return kills
        except subprocess.TimeoutExpired:
            workers = worker_processes(process.pid)
            if workers and finished(out) > before:
                before = finished(out)
                os.kill(chance.choice(workers), signal.SIGKILL)
                kills += 1


class Cluster:
    """A scheduler and two workers as processes of their own.

    Args:
        host: Address of the scheduler.
        within: For each of the three, the command that starts a process on its host.
    """

    def __init__(self, host: str = "127.0.0.1", within: Sequence[Sequence[str]] = ((), (), ())) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"tcp://{host}:{port}"
        scheduler = ["distributed.cli.dask_scheduler", "--host", host, "--port", port, "--no-dashboard"]
        worker = ["distributed.cli.dask_worker", self.address, "--nthreads", 1, "--no-dashboard", "--no-nanny"]
        worker += ["--death-timeout", 60]
        self.processes = [
            start(*command, within=prefix) for command, prefix in zip((scheduler, worker, worker), within, strict=True)
        ]

    def kill(self) -> None:
        """Kill all three."""
        for process in self.processes:
            process.kill()
            process.communicate()


@contextmanager
def three_hosts() -> Iterator[Cluster]:
    """Yield a cluster whose scheduler and workers are in a network namespace each, joined by a bridge."""
    names = [f"lvseg{number}" for number in range(3)]
    try:
        ip("link", "add", "lvseg", "type", "bridge")
        ip("address", "add", "10.87.0.254/24", "dev", "lvseg")
        ip("link", "set", "lvseg", "up")
        for number, name in enumerate(names):
            ip("netns", "add", name)
            ip("link", "add", name, "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", name, "master", "lvseg", "up")
            ip("-n", name, "address", "add", f"10.87.0.{number + 1}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        cluster = Cluster("10.87.0.1", [("ip", "netns", "exec", name) for name in names])
        try:
            yield cluster
        finally:
            cluster.kill()
    finally:
        for name in names:
            ip("netns", "delete", name, check=False)
        ip("link", "delete", "lvseg", check=False)


def ip(*words: str, check: bool = True) -> None:
    subprocess.run(["ip", *words], check=check, stderr=None if check else subprocess.DEVNULL)


def lose_scheduler(studies: Path, out: Path, count: int) -> tuple[int, str]:
    """Kill the scheduler after half of the studies and resume; return the studies that were done and the error."""
    first = Cluster()
    run = segment(studies, out, "--scheduler", first.address)
    while finished(out) < count / 2 and run.poll() is None:
        time.sleep(0.1)
    first.processes[0].kill()
    error = run.communicate()[1].strip().replace(first.address, "ADDRESS")
    first.kill()
    done = finished(out)
    second = Cluster()
    run = segment(studies, out, "--scheduler", second.address, "--resume")
    run.communicate()
    second.kill()
    return done, error


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path, nargs="?", default=Path("archive_runs.md"))
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--only", choices=PARTS, nargs="+", default=PARTS, help="the parts to run")
    arguments = parser.parse_args()
    count = arguments.studies
    lines = [
        "# Archives",
        "",
        f"`segment` of {count} synthetic studies of five slices at two phases. Times include the start of processes.",
        "",
        "| run | seconds | studies per minute | files that differ from one process |",
        "| --- | ---: | ---: | ---: |",
    ]
    wrong = 0
    with tempfile.TemporaryDirectory() as folder:
        studies, out = Path(folder) / "studies", Path(folder) / "out"
        write_studies(studies, count)

        def add(name: str, seconds: float, expected: dict[str, bytes]) -> None:
            nonlocal wrong
            found = contents(out)
            differing = sum(expected.get(path) != found.get(path) for path in expected.keys() | found.keys())
            wrong += differing
            lines.append(f"| {name} | {seconds:.0f} | {60 * count / seconds:.0f} | {differing} |")
            print(lines[-1], flush=True)
            shutil.rmtree(out)

        begun = time.monotonic()
        segment(studies, out).communicate()
        seconds, expected = time.monotonic() - begun, contents(out)
        add("one process, without Dask", seconds, expected)
        for workers in arguments.workers if "workers" in arguments.only else ():
            begun = time.monotonic()
            segment(studies, out, "--workers", workers).communicate()
            add(f"`--workers {workers}`", time.monotonic() - begun, expected)
        if "kills" in arguments.only:
            begun = time.monotonic()
            # Else a study would be given up that kills from outside hit four times.
            run = segment(studies, out, "--workers", 2, "--retries", 1000)
            kills = kill_workers(run, out)
            run.communicate()
            add(f"`--workers 2`, a worker killed every {_EVERY} s ({kills} kills)", time.monotonic() - begun, expected)
        if "hosts" in arguments.only:
            with three_hosts() as cluster:
                begun = time.monotonic()
                segment(studies, out, "--scheduler", cluster.address).communicate()
                add("`--scheduler`: three hosts, two of them with a worker", time.monotonic() - begun, expected)
        if "scheduler" in arguments.only:
            begun = time.monotonic()
            done, error = lose_scheduler(studies, out, count)
            name = f"`--scheduler` with two workers, scheduler killed after {done} studies, resumed"
            add(name, time.monotonic() - begun, expected)
            lines += ["", f"The run whose scheduler was killed ended with `{error}`."]
    load = os.getloadavg()[2]
    lines += ["", f"The load average of the last 15 minutes was {load:.0f}, and includes other work on the same cores."]
    command = f"python -m benchmarks.robustness.archive_runs {arguments.table}"
    write_table(arguments.table, lines, command, ("keras", "tensorflow", "distributed"))
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
