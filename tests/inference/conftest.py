import os
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest

BLOCK = 4096  # bytes of the file system


class SmallDisk:
    """A file system of 600 KB.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, path: Path):
        self.path = path

    def fill(self, files: Iterable[bytes], *, room: float) -> None:
        """Leave room for as many times these files."""
        blocks = sum(-(-len(content) // BLOCK) for content in files)
        free = os.statvfs(self.path).f_bavail * BLOCK
        (self.path / "ballast").write_bytes(bytes(free - int(BLOCK * blocks * room)))

    def enlarge(self) -> None:
        """Make room for all."""
        (self.path / "ballast").unlink()
        subprocess.run(["mount", "-o", "remount,size=8m", str(self.path)], check=True)


@pytest.fixture
def disk(tmp_path):
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(path)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs rights that this user lacks")
    yield SmallDisk(path)
    subprocess.run(["umount", str(path)], check=True)
