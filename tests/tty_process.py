"""A program on a terminal of its own, with a person who answers its questions.

The terminal is its controlling one (``/dev/tty``); stdout and stderr may go elsewhere, as in
``condafleet envs --json >file``.
"""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["TtyResult", "run_on_tty"]


@dataclass(frozen=True, slots=True)
class TtyResult:
    """How it ended."""

    code: int
    stdout: bytes
    stderr: bytes
    terminal: bytes
    """All that the terminal itself showed."""


def run_on_tty(
    command: Sequence[str],
    answers: Mapping[str, str],
    directory: Path,
    *,
    env: Mapping[str, str] | None = None,
    timeout: float = 60.0,
) -> TtyResult:
    """Run *command* with a controlling terminal; type an answer each time its pattern (regex) newly appears.

    Fails with AssertionError, showing the terminal, when it does not end within *timeout* seconds.
    """
    out, err = directory / "stdout", directory / "stderr"
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 1)
            os.dup2(os.open(err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), 2)
            os.execvpe(command[0], list(command), {**os.environ, **(env or {})})
        finally:
            os._exit(127)
    shown = b""
    answered = dict.fromkeys(answers, 0)
    deadline = time.monotonic() + timeout
    while True:
        ready, _, _ = select.select([master], [], [], 0.2)
        if ready:
            try:
                data = os.read(master, 65536)
            except OSError:
                data = b""
            if not data:
                break
            shown += data
            for pattern, answer in answers.items():
                hits = len(re.findall(pattern.encode(), shown))
                while answered[pattern] < hits:
                    answered[pattern] += 1
                    os.write(master, answer.encode() + b"\r")
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            raise AssertionError(f"{command} did not end in {timeout} s:\n{shown!r}\n{err.read_bytes()!r}")
    _, status = os.waitpid(pid, 0)
    os.close(master)
    return TtyResult(os.waitstatus_to_exitcode(status), out.read_bytes(), err.read_bytes(), shown)
