"""Somebody who acts in the midst of a task, when a program of it is run: a conda by hand, or a script."""

from __future__ import annotations

import os
from pathlib import Path

from tests.fakes import eventually

__all__ = ["Latecomer"]

CONDA = '#!/bin/sh\nwhile ! [ -e "{folder}/go" ]; do sleep 0.05; done\n'
WRAPPER = """#!/bin/sh
case "$*" in {pattern})
  if /usr/bin/mkdir "{folder}/once" 2>/dev/null; then
    {script}
  fi
  ;;
esac
exec {program} "$@"
"""


class Latecomer:
    """Acts once, right before *program* is run with arguments like *pattern*; *folder* is his own, and made."""

    def __init__(self, folder: Path, program: str, pattern: str) -> None:
        folder.mkdir()
        self.folder = folder
        self._program, self._pattern = program, pattern
        (folder / "conda").write_text(CONDA.format(folder=folder))
        (folder / "conda").chmod(0o755)

    def comes_to(self, env: dict[str, str]) -> None:
        """Where the programs are found by *env*."""
        env["PATH"] = f"{self.folder}/tools:{env['PATH']}"

    def will(self, script: str) -> None:
        """What he does."""
        tools = self.folder / "tools"
        tools.mkdir()
        real = f"/usr/bin/{self._program}"
        text = WRAPPER.format(pattern=self._pattern, folder=self.folder, script=script, program=real)
        (tools / self._program).write_text(text)
        (tools / self._program).chmod(0o755)

    def will_install(self, root: Path, then: str = ":") -> None:
        """He begins to install with a conda of his own into *root*, until :meth:`ends`; *then* he does."""
        conda = f'setsid "{self.folder}/conda" install -p "{root}/envs/x" y </dev/null >/dev/null 2>&1 &'
        seen = f'until grep -qs install "/proc/$!/cmdline"; do :; done; echo $! >"{self.folder}/pid"'
        self.will(f"{conda}\n    {seen}\n    {then}")

    async def comes(self) -> None:
        """Wait until he is there."""
        await eventually((self.folder / "once").exists)

    def ends(self) -> None:
        """His conda ends."""
        (self.folder / "go").touch()

    def leaves(self) -> None:
        """Nothing of him runs on."""
        self.ends()
        pid = self.folder / "pid"
        if pid.exists():
            try:
                os.kill(int(pid.read_text()), 9)
            except (ProcessLookupError, ValueError):
                return
