"""The screen in a real terminal: tmux plays the terminal, and every byte that the app writes is kept."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

__all__ = ["TmuxScreen", "stray"]

# What a well-behaved full-screen program writes: styles, cursor and erasing, modes and questions to the terminal.
KNOWN = re.compile(
    r"\x1b(?:\[[0-9;:]*[mABCDEFGHJKLMPSTXdr]"
    r"|\[[?>=<]?[0-9;]*\$?[hlupcqntm]"
    r"|\[[0-9;]* q|[78=>\\]|[()]B|\]22;[a-z-]+\x07)"
)
JOINERS = frozenset("\u200c\u200d")


def stray(raw: bytes) -> set[str]:
    """Whatever *raw*, written to a terminal, holds beside text and KNOWN sequences."""
    text = KNOWN.sub("", raw.decode("utf-8", "backslashreplace"))
    hidden = {char for char in set(text) if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")}
    found = hidden - JOINERS - set("\r\n\x0f\x18")
    return found if "\x1b" not in found else found | set(re.findall("\x1b.{0,20}", text)[:20])


class TmuxScreen:
    """A shell in a window of a tmux server of its own; ends with the context."""

    def __init__(self, columns: int, rows: int, env: Mapping[str, str]) -> None:
        self.size = (columns, rows)
        self._env = {**env, "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", "PS1": "$ "}
        self._folder = Path()

    def __enter__(self) -> TmuxScreen:
        if shutil.which("tmux") is None:
            raise RuntimeError("these tests need tmux: install it")
        self._folder = Path(tempfile.mkdtemp(prefix="condafleet-t-"))
        columns, rows = map(str, self.size)
        try:
            (self._folder / "conf").write_text(
                "set -g status off\nset -g default-terminal screen-256color\nset -g escape-time 0\n"
            )
            self.tmux(
                "-f", str(self._folder / "conf"), "new-session", "-d", "-s", "it", "-x", columns, "-y", rows, "sh"
            )
            self.tmux("pipe-pane", "-t", "it", f"exec cat >>{shlex.quote(str(self._folder / 'raw'))}")
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        subprocess.run(
            ["tmux", "-S", str(self._folder / "s"), "kill-server"], capture_output=True, env=self._env, check=False
        )
        shutil.rmtree(self._folder, ignore_errors=True)

    def tmux(self, *words: str) -> str:
        """Run a tmux command against the server; its answer."""
        done = subprocess.run(
            ["tmux", "-u", "-S", str(self._folder / "s"), *words], capture_output=True, env=self._env, timeout=20,
            check=False,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout.decode("utf-8", "backslashreplace")

    def start(self, argv: Sequence[str | Path]) -> None:
        """Run *argv* in the shell; its exit code, and the terminal before and after, are written down."""
        words = " ".join(shlex.quote(str(word)) for word in argv)
        folder = shlex.quote(str(self._folder))
        line = f"stty -a >{folder}/before; {words}; echo $? >{folder}/code; stty -a >{folder}/after; : >{folder}/done"
        (self._folder / "run").write_text(line + "\n")
        self.tmux("send-keys", "-t", "it", "-l", f". {self._folder}/run")
        self.tmux("send-keys", "-t", "it", "Enter")

    def keys(self, *keys: str) -> None:
        """Press keys (tmux's names)."""
        for key in keys:
            # A bare Esc and what follows it would be read as one key: Esc as newer terminals send it cannot.
            self.tmux("send-keys", "-t", "it", *(("-l", "\x1b[27u") if key == "Escape" else (key,)))

    def type(self, words: str) -> None:
        """Type *words* as they stand."""
        self.tmux("send-keys", "-t", "it", "-l", words)

    def picture(self) -> list[str]:
        """The rows as they are now."""
        return self.tmux("capture-pane", "-p", "-t", "it").split("\n")[: self.size[1]]

    def text(self) -> str:
        """The rows, joined."""
        return "\n".join(self.picture())

    def wait(self, condition: Callable[[str], object], limit: float = 30.0) -> str:
        """Until *condition* holds of :meth:`text`; that text. Fails with the picture after *limit* seconds."""
        deadline = time.monotonic() + limit
        while not condition(text := self.text()):
            assert time.monotonic() < deadline, f"waited in vain:\n{text}"
            time.sleep(0.05)
        return text

    def ended(self, limit: float) -> int:
        """The exit code, once the program has ended."""
        deadline = time.monotonic() + limit
        while not (self._folder / "done").exists():
            assert time.monotonic() < deadline, f"did not end in {limit} s:\n{self.text()}"
            time.sleep(0.02)
        return int((self._folder / "code").read_text())

    @property
    def app(self) -> int:
        """The process id of the program."""
        shell = self.tmux("display-message", "-p", "-t", "it", "#{pane_pid}").strip()
        children = Path(f"/proc/{shell}/task/{shell}/children").read_text().split()
        assert len(children) == 1, children
        return int(children[0])

    @property
    def raw(self) -> bytes:
        """All bytes that were written to the terminal."""
        return (self._folder / "raw").read_bytes()

    def restored(self) -> None:
        """Fail unless the terminal is as it was before the program."""
        assert (self._folder / "before").read_text() == (self._folder / "after").read_text()
        flags = "alternate_on mouse_any_flag mouse_sgr_flag keypad_flag keypad_cursor_flag insert_flag origin_flag"
        form = " ".join("#{" + flag + "}" for flag in flags.split())
        assert self.tmux("display-message", "-p", "-t", "it", f"{form} #{{cursor_flag}} #{{wrap_flag}}").split() == [
            *("0" * len(flags.split())), "1", "1",
        ]  # fmt: skip
        for mode in (b"1000", b"1002", b"1003", b"1006", b"1004", b"2004", b"1049"):
            on, off = self.raw.rfind(b"\x1b[?%sh" % mode), self.raw.rfind(b"\x1b[?%sl" % mode)
            assert off >= on, mode


def environment(home: Path) -> dict[str, str]:
    """What a program needs of ours."""
    return {"PATH": os.environ["PATH"], "HOME": str(home)}
