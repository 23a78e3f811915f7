"""A machine on which every name is hostile, though its shell answers truly: files, tmux, GPUs, mounts, system."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

from tests.condaroot import NUMPY, PYTHON, CondaRoot, Pkg, pip_install

__all__ = ["hostile_machine"]

TMUX = """#!{python} -SI
import os, re, sys
words = bytes.fromhex("{words}")
if sys.argv[1:] == ["-V"]:
    sys.exit(print("tmux 3.4"))
known = {{b"session_id": b"$1", b"window_id": b"@1", b"window_index": b"0", b"pane_id": b"%1", b"pane_pid": b"1"}}
form = os.fsencode(sys.argv[-1])
for number in range(3):
    known[b"session_id"] = b"$%d" % number
    sys.stdout.buffer.write(re.sub(rb"#.(\\w+).", lambda name: known.get(name[1], words), form) + b"\\n")
"""
NVIDIA = """#!{python} -SI
import os, sys
words = bytes.fromhex("{words}")
asked = sys.argv[1] if len(sys.argv) > 1 else ""
if asked.startswith("--query-gpu"):
    out = b"".join(b"%d, GPU-" % n + words + b", " + words + b", 550, 1, 2, 3, 4, 5, Enabled\\n" for n in range(2))
elif asked.startswith("--query-compute-apps"):
    out = b"GPU-" + words + b", %d, 7\\n" % os.getppid()
else:
    out = b"CUDA Version: 12.4 " + words + b"\\nGPU 0: " + words + b"\\n  MIG " + words + b" Device 0: (UUID: x)\\n"
sys.stdout.buffer.write(out)
"""


def hostile_machine(at: Path, words: bytes) -> dict[str, str]:
    """Make it below *at* with *words* (short, without line breaks and slashes) everywhere; its shell's environment."""
    name = os.fsdecode(words)
    root = CondaRoot(at / "home" / "miniforge3")
    root.base()
    prefix = root.named(name, (PYTHON, NUMPY, Pkg("evil", "1.0", "0")))
    (prefix / "conda-meta" / f"{name[:40]}-1.0-0.json").write_bytes(b'{"name": "' + words + b'", "version": "1"}')
    (prefix / "conda-meta" / "history").write_bytes(b"==> 99999999-99-99 99:99:99 <==\n# cmd: " + words + b"\n")
    (prefix / "conda-meta" / "frozen").write_bytes(b'{"message": "' + words + b'"}')
    pip_install(prefix, "evil", "2.0").joinpath("METADATA").write_bytes(b"Name: " + words + b"\nVersion: " + words)
    (at / "home" / ".condarc").write_bytes(b"envs_dirs:\n  - /" + words + b"\n")
    played = at / "played"
    played.mkdir()
    for file in ("hostname", "machine-id", "osrelease", "arch", "cores", "loadavg", "uptime", "boot-id"):
        (played / file).write_bytes(words + b"\n")
    (played / "os-release").write_bytes(b'PRETTY_NAME="' + words + b'"\n')
    (played / "meminfo").write_bytes(
        b"MemTotal: " + b"9" * 40 + b" kB\nMemAvailable: -7 kB\nSwapTotal: " + words + b"\n"
    )
    escaped = b"".join(b"\\%03o" % byte if byte in b" \\\t\n" else bytes([byte]) for byte in words)
    mounts = b"20 1 8:1 / / rw - ext4 /dev/sda1 rw\n21 20 8:2 / /mnt/%s rw - ext4 %s rw\n" % (escaped, escaped)
    (played / "mountinfo").write_bytes(mounts + b"22 20 0:9 /%s /nfs/%s rw - nfs4 %s:/ rw\n" % ((escaped,) * 3))
    tools = at / "bin"
    tools.mkdir()
    for tool, text in (("tmux", TMUX), ("nvidia-smi", NVIDIA)):
        (tools / tool).write_text(text.format(python=sys.executable, words=words.hex()))
        (tools / tool).chmod(0o755)
    sockets = at / "t" / f"tmux-{os.getuid()}"
    sockets.mkdir(parents=True)
    folder = os.open(sockets, os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(os.fsencode(f"/proc/self/fd/{folder}/") + words[:60])
    finally:
        os.close(folder)
    return {
        "HOME": str(at / "home"),
        "PATH": f"{tools}:{os.environ['PATH']}",
        "TMUX_TMPDIR": str(at / "t"),
        "CONDAFLEET_PLAYED": str(played),
    }
