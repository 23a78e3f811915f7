"""A mount that never answers, seen by one command only.

Run as root: ``python frozen_mount.py MOUNTPOINT -- COMMAND …`` starts COMMAND in a mount namespace
of its own, in which MOUNTPOINT is a FUSE file system whose daemon never reads a request. Whoever
touches it there waits in the kernel (state D), like on a dead NFS server; the rest of the machine
does not see it. Ending this process ends the file system and whatever hangs on it.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
from types import FrameType

CLONE_NEWNS = 0x00020000
MS_REC, MS_PRIVATE, MNT_DETACH = 0x4000, 1 << 18, 2


def main() -> int:
    """Mount, run the command, unmount; the command's exit code."""
    mountpoint, dashes, *command = sys.argv[1:]
    assert dashes == "--" and command, __doc__
    libc = ctypes.CDLL(None, use_errno=True)

    def check(result: int, what: str) -> None:
        if result != 0:
            raise OSError(ctypes.get_errno(), f"{what}: {os.strerror(ctypes.get_errno())}")

    check(libc.unshare(CLONE_NEWNS), "unshare")
    check(libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None), "make mounts private")
    fuse = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={fuse},rootmode=40000,user_id=0,group_id=0,allow_other".encode()
    check(libc.mount(b"frozen", os.fsencode(mountpoint), b"fuse.frozen", 0, options), "mount")
    with subprocess.Popen(command) as child:

        def stop(signum: int, _frame: FrameType | None) -> None:
            child.send_signal(signum)

        signal.signal(signal.SIGTERM, stop)
        signal.signal(signal.SIGINT, stop)
        code = child.wait()
    libc.umount2(os.fsencode(mountpoint), MNT_DETACH)
    os.close(fuse)
    return code


if __name__ == "__main__":
    sys.exit(main())
