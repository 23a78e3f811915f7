"""run: a program in an environment."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys

from tui.demo.standin.faults import missing_environment
from tui.demo.standin.place import Place

__all__ = ["run"]


def run(place: Place, args: argparse.Namespace) -> int:
    """``conda run``; the program's own exit code."""
    prefix = place.target(args.name, args.prefix)
    if not place.is_environment(prefix):
        raise missing_environment(prefix)
    environ = {
        **os.environ,
        "PATH": f"{prefix}/bin:{os.environ.get('PATH', os.defpath)}",
        "CONDA_PREFIX": prefix,
        "CONDA_DEFAULT_ENV": place.name_of(prefix) or prefix,
    }
    words = [word for word in args.words if word != "--"] if args.words[:1] == ["--"] else args.words
    program = shutil.which(words[0], path=environ["PATH"]) if words else None
    if program is None:
        print(f"{words[0] if words else ''}: command not found", file=sys.stderr)
        code = 127
    else:
        code = subprocess.run([program, *words[1:]], env=environ, cwd=args.cwd, check=False).returncode
    if code:
        told = " ".join(words)
        print(
            f"ERROR conda.cli.main_run:execute(148): `conda run {told}` failed. (See above for error)", file=sys.stderr
        )
    return code
