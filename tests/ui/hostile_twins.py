"""Two fleets that differ in nothing but what their hosts call things: one means harm, the other's names are plain.

A plain name takes exactly the columns that the hostile one's visible form takes, so whatever else differs in two
pictures of them was moved, painted or broken by a name.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from rich.cells import split_graphemes
from rich.style import Style
from textual.app import App

from tests.ui.fake_fleet import GIB, NOW, FakeFleet, fault, fill, gpus, mounts
from tests.ui.fake_tasks import task
from tests.ui.hostile_disks import Word, count_disks
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared
from tui.domain.environments import Environment, EnvKind, Install, Manager, UsageSignal, Use
from tui.domain.faults import FaultKind
from tui.domain.gpus import GpuProcess
from tui.domain.history import Dist, History, Request, Revision
from tui.domain.hosts import HostSpec, HostState
from tui.domain.machine import Load, Machine
from tui.domain.packages import PackageInterner, PackageManager
from tui.domain.planned import PackagePlan, PlannedPackage
from tui.domain.sessions import Pane, Session, Window
from tui.domain.snapshot import HostSnapshot, Part
from tui.domain.taskhistory import TaskRecord
from tui.domain.tasks import Holder, Task, TaskState
from tui.domain.text import printable
from tui.ports import ConnectionFacts
from tui.remote.condasays.progress import Phase
from tui.services.tasks import Progress
from tui.ui.present.cell import shown

__all__ = ["FILLER", "Picture", "change", "differences", "hostile", "picture", "plain", "twin"]

FILLER = "ø"
WIDE = "国"
"""Stands for what is as Chinese as itself: a line may end before and behind it."""
STAND_INS = (FILLER, WIDE, "…")
"""Where pictures may differ: in names, and at the mark of a cut, behind which a wide character may leave a blank."""
HOSTILE = (
    "[bold red]alarm[/]",
    "\x1b[2J\x1b]0;pwned\x07",
    "left\u202eright\u200f",
    "深度学习",
    "run-👩‍🔬-🚀",
    "not-utf8-\udcff\udcfe",
    "[/]x[/y][link=file:///]",
    "back\\slash",
    "tab\tnew\nline\r",
    "e\u0301\u0301\u0301x",
    "\u200bzero\u2028width\ufeff",
    "עברית",
    "\x9b31mc1",
    "$(reboot)`x`",
    "{0!r:>999}%s%n",
    "n" * 90,
)
"""Markup, escapes, marks from right to left, wide and joined characters, and what is no text at all."""


def hostile(number: int) -> str:
    """The name with *number*; its digits come first, so that sorting is the same for both fleets."""
    return f"{number:03}{HOSTILE[number % len(HOSTILE)]}"


def plain(number: int) -> str:
    """What takes the same columns and is broken into lines at the same places."""
    seen = shown(hostile(number))
    spans, _ = split_graphemes(seen)
    return "".join(seen[start:end] if start < 3 else _stand_in(seen[start:end], size) for start, end, size in spans)


def _stand_in(char: str, size: int) -> str:
    if char in (" ", "/"):
        return char
    return WIDE if "\u4e00" <= char <= "\u9fff" else FILLER * size


def twin(word: Word) -> FakeFleet:
    """A fleet whose hosts call everything by *word*."""
    names = ("alpha", "beta", "gamma", "down", "shut")
    fleet = FakeFleet(HostSpec(name) for name in names)
    for number, name in enumerate(names[:3]):
        at = 100 * number
        facts = ConnectionFacts(word(1), 22, word(2), (), word(3), "publickey", word(4), (word(5),))
        fleet.store.set_state(name, HostState.UP, None, NOW, facts)
        fill(fleet, _snapshot(name, number, lambda each, at=at: word(at + each), word))  # type: ignore[misc]  # bound now
        fleet.store.write_log(name, printable(word(6)), NOW - 60)
    lost = fault(FaultKind.TIMEOUT, f"It said {printable(word(7))}", f"Look at {printable(word(8))}", NOW + 42)
    fleet.state("down", HostState.WAITING, lost)
    fleet.state("shut", HostState.DOWN, fault(FaultKind.AUTH_FAILED, printable(word(9)), printable(word(10))))
    fleet.task_desk.put("alpha", *_tasks(word))
    fleet.task_desk.progresses[_tasks(word)[0].id] = Progress(Phase.DOWNLOADING, word(17), 31, word(18), word(19))
    fleet.task_desk.records = _records(word)
    count_disks(fleet, word)
    for view in fleet.store.hosts():
        for env in view.snapshot.environments.value or ():
            fleet.histories[env.host, env.prefix] = _history(word, env.prefix)
    return fleet


def _tasks(word: Word) -> tuple[Task, ...]:
    """A task that runs, one that waits, and one that was refused."""
    said = (("concern", word(20), word(21), word(22)), ("left", word(23)), (word(24), word(25)))
    usual: dict[str, Any] = {"operator": word(16), "summary": word(26), "kind": word(27)}
    argv = (f"/{word(28)}", word(29), word(30))
    holder = Holder("task", word(32), word(33), word(34), 4711, task_kind=word(35), target=f"/{word(36)}")
    return (
        task("alpha", 0, target=f"/envs/{word(37)}", argv=argv, **usual),
        task("alpha", 1, TaskState.WAITING_LOCK, target=f"/envs/{word(38)}", argv=argv, waits_for=holder, **usual),
        task("alpha", 2, TaskState.FAILED, target=f"/envs/{word(39)}", argv=argv, exit_code=3, said=said, **usual),
    )


def _records(word: Word) -> tuple[TaskRecord, ...]:
    """What this machine remembers of tasks."""
    ends = (TaskState.SUCCEEDED, TaskState.FAILED)
    return tuple(
        TaskRecord(
            f"20260920-141300-{at:08x}", "alpha", word(170 + at), f"/envs/{word(172 + at)}", (word(174), word(175)),
            word(176), state, NOW - 90_000, NOW - 89_000, NOW - 88_000 + at, at, False, word(177), "", word(178),
        )
        for at, state in enumerate(ends)
    )  # fmt: skip


def change(word: Word) -> list[Prepared]:
    """Two changes of what is called by *word*, one of them with all that there is to say."""
    plan = PackagePlan(
        link=(PlannedPackage(word(1), word(2), word(3), word(4)), PlannedPackage(word(5), word(6), word(7), word(8))),
        unlink=(PlannedPackage(word(5), word(9), word(10), word(11)), PlannedPackage(word(12))),
        download_shown=word(13),
    )
    used = Concern.of(ConcernKind.IN_USE, printable(word(14)), (printable(word(16)), printable(word(17))))
    wish = Change(ChangeKind.INSTALL, "alpha", f"/envs/{word(18)}", name=word(19), new_prefix=f"/{word(20)}")
    return [Prepared(wish, ("conda", word(21)), NOW, (used,), plan, needed_bytes=GIB, free_bytes=GIB)]


def _snapshot(host: str, number: int, word: Word, common: Word) -> HostSnapshot:
    part = [
        replace(mount, path=f"/{word(11)}" if mount.path != "/" else "/", source=word(12), fs_type=word(13))
        for mount in mounts(0.6)
    ]
    machine = Machine(hostname=word(14), os=word(15), kernel=word(16), arch=word(17), libc=word(18), user=word(19))
    own_gpus = tuple(
        replace(gpu, name=word(20), driver=word(21), cuda_max=word(22), processes=(_gpu_process(word),))
        for gpu in gpus(host, 70.0, None)
    )
    install = Install(f"/{word(23)}", Manager.CONDA, word(24), owner=word(25))
    environments = tuple(_environment(host, number, each, word, common) for each in range(8))
    return HostSnapshot(
        host,
        machine=Part(machine, NOW - 2),
        load=Part(Load(1.0, memory_total_bytes=8 * GIB, memory_available_bytes=GIB), NOW - 2),
        mounts=Part(tuple(part), NOW - 2),
        installs=Part((install,), NOW - 2),
        environments=Part(environments, NOW - 2, fault(FaultKind.PERMISSION, printable(word(26)))),
        gpus=Part(own_gpus, NOW - 2),
        sessions=Part(tuple(_session(host, each, word) for each in range(4)), NOW - 2),
    )


def _gpu_process(word: Word) -> GpuProcess:
    return GpuProcess(7, word(27), word(28), GIB, f"/{word(29)}", word(30))


_interner = PackageInterner()


def _environment(host: str, number: int, each: int, word: Word, common: Word) -> Environment:
    shared = 40 + each
    name = None if each == 7 else common(shared)
    held = [
        _interner.package("pytorch", word(31), word(32), word(33), PackageManager.CONDA),
        *(
            _interner.package(word(50 + at), word(34 + number), word(35), word(36), PackageManager.CONDA)
            for at in range(6)
        ),
        _interner.package(word(60), word(37), None, None, PackageManager.PIP),
    ]
    faults = {5: FaultKind.GHOST, 6: FaultKind.INCOMPLETE}
    return Environment(
        host,
        f"/envs/{word(shared)}",
        name,
        EnvKind.PREFIX if name is None else EnvKind.NAMED,
        f"/{word(23)}",
        Manager.CONDA,
        packages=_interner.package_set(held),
        packages_known=each < 5,
        requested=frozenset({word(50)}),
        clobbered=frozenset({word(60)}) if each == 1 else frozenset(),
        python=word(38),
        created=NOW - 9e6,
        modified=NOW - 8e6,
        last_used=NOW - 7e5,
        last_used_signal=UsageSignal.ATIME,
        owner=word(39),
        writable=each != 2,
        frozen=each == 3,
        in_use=(Use(7, word(70), word(71), word(72)),) if each == 0 else (),
        in_use_complete=True,
        linked_to=f"/{word(73)}" if each == 4 else None,
        seen_in=(word(74), word(75)),
        fault=fault(faults[each], printable(word(76)), printable(word(77))) if each in faults else None,
    )


def _session(host: str, each: int, word: Word) -> Session:
    panes = (
        Pane("%1", 1, word(80 + each), word(84), cwd=f"/{word(85)}", prefix=f"/{word(86)}", active=True),
        Pane("%2", 2, word(87), word(88), dead=True, exit_status=1),
    )
    return Session(
        host, "tmux", f"/{word(89)}", f"${each}", word(90 + each), NOW - 9e4, NOW - 8e3, 1,
        (Window("@1", 0, word(94), True, panes),), version=word(95),
    )  # fmt: skip


def _history(word: Word, prefix: str) -> History:
    old, new = Dist(word(50), word(31), word(32), word(33)), Dist(word(50), word(34), word(35), word(36))
    asked = (Request("update", (word(96), word(97))), Request(word(98), (word(99),)))
    return History(
        (
            Revision(1, NOW - 9e4, f"conda install -p {prefix} {word(5)} {word(3)}", word(4), (old,), (new,), asked),
            Revision(0, NOW - 9e5, f"/{word(6)}/conda create {word(0)}", None, (), (old, Dist(word(51))), ()),
        )
    )


@dataclass(frozen=True)
class Picture:
    """A screen cell by cell: what stands there (nothing in the second half of a wide character), and its style."""

    texts: tuple[tuple[str, ...], ...]
    styles: tuple[tuple[str, ...], ...]

    @property
    def text(self) -> str:
        return "\n".join("".join(line) for line in self.texts)


def _seen(text: str, style: Style | None) -> str:
    """What is seen of a style; of a blank the colour of what stands there is not."""
    if text != " " or style is None or style.underline or style.reverse or style.strike:
        return str(style)
    return f"on {style.bgcolor.name if style.bgcolor else None}"


def picture(app: App[int]) -> Picture:
    """The screen of *app* as it is now."""
    texts, styles = [], []
    for strip in app.screen._compositor.render_strips():
        line: list[str] = []
        painted: list[str] = []
        for segment in strip:
            for start, end, size in split_graphemes(segment.text)[0]:
                line += [segment.text[start:end], *[""] * (size - 1)][:size] if size else []
                painted += [_seen(segment.text[start:end], segment.style)] * size
        texts.append(tuple(line))
        styles.append(tuple(painted))
    return Picture(tuple(texts), tuple(styles))


def differences(harmless: Picture, harmful: Picture) -> list[str]:
    """Where the picture of the hostile fleet differs from the other's, beside the very cells of the names."""
    found = []
    if len(harmless.texts) != len(harmful.texts):
        return [f"{len(harmful.texts)} lines, not {len(harmless.texts)}"]
    for y, (one, other) in enumerate(zip(harmless.texts, harmful.texts, strict=True)):
        if len(one) != len(other):
            found.append(f"line {y} has {len(other)} columns, not {len(one)}: {''.join(other)!r}")
            continue
        moved = [x for x in range(len(one)) if one[x] != other[x] and one[x] not in STAND_INS]
        painted = [x for x in range(len(one)) if harmless.styles[y][x] != harmful.styles[y][x]]
        if moved or painted:
            found.append(
                f"line {y}, text at {moved[:5]}, style at {painted[:5]}:\n  {''.join(one)}\n  {''.join(other)}"
            )
    return found
