"""One demo host on this machine: its folder, its environment variables, its sessions, its played numbers."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

from tui.demo.channel_demo import DemoChannel
from tui.demo.cleanup import MARK
from tui.demo.disk import HostDisk, standin, write
from tui.demo.gpus import GpuProcess, gpu_files
from tui.demo.layouts import layout
from tui.demo.plan import HostPlan, PanePlan, SessionPlan
from tui.demo.played import machine_files, moving_files, put

__all__ = ["DemoHost", "make_tools"]

_SYSTEM = ("/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin")
_NOT_ON_HOSTS = ("conda", "mamba", "micromamba", "pixi", "nvidia-smi", "rocm-smi", "amd-smi", "xpu-smi")
"""Programs of this machine (by the beginning of their names) that demo hosts must not have."""

_BASHRC = """\
# a demo host's start file
PS1='{user}@{name}:\\w$ '
"""
_PROFILE = """\
printf '[demo] {name} is a throwaway host on this machine; its load, GPUs and disks are played\\n'
[ -n "$BASH_VERSION" ] && . "$HOME/.bashrc"
"""
_INIT = """\
# >>> conda initialize >>>
# !! Contents within this block are managed by 'conda init' !!
[ -f "{root}/etc/profile.d/conda.sh" ] && . "{root}/etc/profile.d/conda.sh"
# <<< conda initialize <<<
"""


_TMUX = """\
set -g default-terminal screen-256color
set -g remain-on-exit on
# A new pane is titled with the host's name, which would be this machine's.
set-hook -g after-new-session "select-pane -T {name}"
set-hook -g after-new-window "select-pane -T {name}"
set-hook -g after-split-window "select-pane -T {name}"
"""
_OWN_TOOLS = ("df", "getent", "id", "played-disks", "stat", "whoami")
"""They name the account of the host's plan, and its disks, where this machine would name the person who plays it and
its own."""


def make_tools(folder: Path) -> str:
    """The PATH of this machine's programs without its package managers and GPU tools.

    A place that holds one of them is replaced by soft links, in *folder*, to what else it holds.
    """
    places: list[str] = []
    seen: set[str] = set()
    for place in _SYSTEM:
        real = os.path.realpath(place)
        if real in seen or not Path(real).is_dir():
            continue
        seen.add(real)
        names = os.listdir(real)  # noqa: PTH208 # names alone, of thousands
        if any(name.startswith(_NOT_ON_HOSTS) for name in names):
            links = folder / str(len(places))
            links.mkdir(parents=True)
            for name in names:
                if not name.startswith(_NOT_ON_HOSTS):
                    (links / name).symlink_to(f"{real}/{name}")
            places.append(str(links))
        else:
            places.append(place)
    return ":".join(places)


class DemoHost:
    """A host of the demo in *base*, built by :meth:`build`; *tools* is the PATH after its own programs.

    *channel* is what its conda finds; all hosts of a demo have the same.
    """

    def __init__(self, plan: HostPlan, number: int, base: Path, tools: str, channel: DemoChannel) -> None:
        self.plan = plan
        self._tools = tools
        self.layout = layout(plan.layout, number)
        self.base = base
        self.root = base / plan.name
        self.home = self.root / "home" / plan.user
        self.played = self.root / "played"
        self.began = time.time()
        gpus = self.layout.gpus
        cuda = gpus.cuda if gpus is not None else None
        self._disk = HostDisk(self.root, self.home, self.began, channel, self.layout.light, cuda)
        self.environ = self._environ()

    def _environ(self) -> dict[str, str]:
        root, home = str(self.root), str(self.home)
        return {
            "HOME": home,
            "USER": self.plan.user,
            "LOGNAME": self.plan.user,
            "SHELL": shutil.which("bash", path="/bin:/usr/bin") or "/bin/sh",
            "PATH": f"{root}/bin:{home}/.local/bin:{self._tools}",
            "LANG": "C.UTF-8",
            "TMPDIR": f"{root}/tmp",
            "TMUX_TMPDIR": f"{root}/t",
            "SCREENDIR": f"{root}/s",
            "XDG_RUNTIME_DIR": f"{root}/run",
            "XDG_CONFIG_HOME": f"{home}/.config",
            "XDG_CACHE_HOME": f"{home}/.cache",
            "XDG_DATA_HOME": f"{home}/.local/share",
            "XDG_STATE_HOME": f"{home}/.local/state",
            "CONDAFLEET_PLAYED": str(self.played),
            MARK: str(self.base),
        }

    @property
    def search(self) -> list[str]:
        """The places, as absolute paths, where the configuration is to look."""
        return [str(self._disk.at(place)) for place in self.layout.search]

    def build(self) -> None:
        """Make everything on its disk. Blocks; about 0.2 s for a host of the default fleet."""
        for name in ("bin", "tmp", "t", "s", "run", "played"):
            (self.root / name).mkdir(parents=True, mode=0o700)
        self.home.mkdir(parents=True)
        for mount in self.layout.mounts:
            self._disk.at(mount.path).mkdir(parents=True, exist_ok=True)
        for install in self.layout.installs:
            self._disk.install(install)
        for cache in self.layout.caches:
            self._disk.cache(cache)
        conda_roots = [self._disk.at(item.path) for item in self.layout.installs if item.manager != "micromamba"]
        init = "".join(_INIT.format(root=root) for root in conda_roots[:1])
        write(self.home / ".bashrc", _BASHRC.format(name=self.plan.name, user=self.plan.user) + init)
        write(self.home / ".profile", _PROFILE.format(name=self.plan.name))
        write(self.home / ".tmux.conf", _TMUX.format(name=self.plan.name))
        for name in _OWN_TOOLS:
            write(self.root / "bin" / name, standin(f"{name}.sh"), 0o755)
        known = [*self._disk.prefixes, *(self._disk.at(path) for path in self.layout.ghosts)]
        if known:
            write(self.home / ".conda/environments.txt", "".join(f"{path}\n" for path in known))
        put(self.played, machine_files(self.plan.name, self.layout, self.root))
        self.play()
        if self.layout.gpus is not None:
            write(self.root / "bin/nvidia-smi", standin("nvidia-smi.sh"), 0o755)

    def play(self) -> None:
        """Bring load, memory and GPUs to what they are now."""
        tick = time.time() - self.began
        files: Mapping[str, str] = moving_files(self.plan.name, self.layout, tick)
        if self.layout.gpus is not None:
            files = {**files, **gpu_files(self.plan.name, self.layout.gpus, list(self._gpu_processes()), tick)}
        put(self.played, files)

    def _panes(self) -> Iterable[tuple[str, PanePlan]]:
        for session in self.layout.sessions:
            for window, (_, panes) in enumerate(session.windows):
                for number, pane in enumerate(panes):
                    yield f"{session.name}.{window}.{number}", pane

    def _gpu_processes(self) -> Iterable[GpuProcess]:
        for label, pane in self._panes():
            if not pane.gpus or pane.env is None:
                continue
            with contextlib.suppress(OSError, ValueError):
                pid = int((self.root / "run" / f"{label}.pid").read_text())
                os.kill(pid, 0)
                name = f"{self._disk.at(pane.env)}/bin/python"
                yield from (GpuProcess(gpu, pid, name, pane.gpu_mib) for gpu in pane.gpus)

    def start_sessions(self) -> list[subprocess.Popen[bytes]]:
        """Begin the tmux sessions, where tmux is installed; the processes returned end when all stand."""
        tmux = shutil.which("tmux", path=self.environ["PATH"])
        if tmux is None or not self.layout.sessions:
            return []
        argv = [tmux, "-u", "-f", str(self.home / ".tmux.conf")]
        for session in self.layout.sessions:
            argv += self._tmux(session)
        return [
            subprocess.Popen(
                argv[:-1],
                env=self.environ,
                cwd=self.home,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        ]

    def await_runs(self, limit: float = 2.0) -> None:
        """Wait until the runs that are played onto GPUs have said who they are, then play them there."""
        wanted = [self.root / "run" / f"{label}.pid" for label, pane in self._panes() if pane.gpus]
        end = time.monotonic() + limit
        while not all(map(_has_text, wanted)) and time.monotonic() < end:
            time.sleep(0.01)
        self.play()

    def _tmux(self, session: SessionPlan) -> list[str]:
        argv: list[str] = []
        for index, (window, panes) in enumerate(session.windows):
            for number, pane in enumerate(panes):
                command = self._pane_command(f"{session.name}.{index}.{number}", pane)
                if number:
                    argv += ["split-window", "-d", "-t", f"{session.name}:{window}", *command, ";"]
                elif index:
                    argv += ["new-window", "-d", "-t", f"{session.name}:", "-n", window, *command, ";"]
                else:
                    argv += ["new-session", "-d", "-x", "160", "-y", "45"]
                    argv += ["-s", session.name, "-n", window, *command, ";"]
                argv += ["select-pane", "-t", f"{session.name}:{index}.{number}", "-T", self.plan.name, ";"]
        return argv

    def _pane_command(self, label: str, pane: PanePlan) -> list[str]:
        """A pane's program, as one argument for tmux; none for a plain shell."""
        if pane.script is None or pane.env is None:
            return []
        prefix = self._disk.at(pane.env)
        work = self.home / "runs" / pane.title
        program, _, rest = pane.argv.partition(" ")
        write(work / program, standin(f"{pane.script}.sh"))
        setting = {"CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": prefix.name}
        if pane.gpus:
            setting["CUDA_VISIBLE_DEVICES"] = ",".join(map(str, pane.gpus))
        assigned = " ".join(f"{key}={shlex.quote(value)}" for key, value in setting.items())
        python = shlex.quote(str(prefix / "bin/python"))
        return [
            f"cd {shlex.quote(str(work))} && echo $$ >{shlex.quote(str(self.root / 'run' / label))}.pid && "
            f"exec env {assigned} {python} {shlex.quote(program)} {rest}"
        ]


def _has_text(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False
