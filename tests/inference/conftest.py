import shutil
import subprocess

import pytest


@pytest.fixture
def disk(tmp_path):
    """A file system of 600 KB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=600k", "tmpfs", str(disk)]
    if not shutil.which("mount") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting a small file system needs rights that this user lacks")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)
