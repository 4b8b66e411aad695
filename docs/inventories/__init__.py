"""Sphinx inventories of others' names, made from the lists beside this file.

A list's first line is its project's address. Every other line is a name, what it is to Sphinx, and its page. The lists
hold what the documentation refers to, and no more: a build must not need the network, and keras and TensorFlow publish
no inventory at all.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path


def write_inventories(lists: Path, folder: Path) -> Iterator[tuple[str, str, Path]]:
    """Write an `objects.inv` for each list.

    Args:
        lists: The folder of the lists.
        folder: Where to write.

    Yields:
        The project's name and address, and the inventory.
    """
    for path in sorted(lists.glob("*.txt")):
        address, *lines = path.read_text(encoding="utf-8").split("\n")
        entries = []
        for line in filter(None, lines):
            name, kind, page = line.split()
            entries.append(f"{name} {kind} 1 {page} -\n")
        head = f"# Sphinx inventory version 2\n# Project: {path.stem}\n# Version: \n"
        head += "# The remainder of this file is compressed using zlib.\n"
        inventory = folder / f"{path.stem}.inv"
        inventory.write_bytes(head.encode() + zlib.compress("".join(entries).encode()))
        yield path.stem, address, inventory
