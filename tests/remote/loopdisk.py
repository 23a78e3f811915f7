"""File systems of a test's own: images mounted through loop devices, so root runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["free", "mounted_ext4"]


@contextmanager
def mounted_ext4(folder: Path, block: str, size: int = 96 << 20) -> Iterator[Path]:
    """Where an ext4 of *size* with blocks of *block* bytes is mounted."""
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run(["/sbin/mkfs.ext4", "-q", "-b", block, image], check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin"})
    subprocess.run(["mount", "-o", "loop", image, mount], check=True)
    try:
        yield mount.resolve()
    finally:
        subprocess.run(["umount", "-l", mount], check=True)


def free(mount: Path) -> tuple[int, int]:
    """Free bytes and inodes, once nothing is left to be written."""
    subprocess.run(["sync", "-f", mount], check=True)
    found = os.statvfs(mount)
    return found.f_bfree * found.f_frsize, found.f_ffree
