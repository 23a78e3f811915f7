"""File systems of a test's own: images mounted through loop devices, so root runs it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

__all__ = ["free", "mounted", "mounted_ext4"]


def mounted_ext4(folder: Path, block: str, size: int = 96 << 20) -> AbstractContextManager[Path]:
    """Where an ext4 of *size* with blocks of *block* bytes is mounted."""
    return mounted(folder, "ext4", size, "-b", block)


@contextmanager
def mounted(folder: Path, kind: str, size: int, *options: str) -> Iterator[Path]:
    """Where a file system of that *kind* and *size*, made with *options*, is mounted."""
    image, mount = folder / "image", folder / "mount"
    mount.mkdir()
    with image.open("wb") as file:
        file.truncate(size)
    subprocess.run([f"mkfs.{kind}", "-q", *options, image], check=True, env={"PATH": "/usr/sbin:/sbin:/usr/bin"})
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
