"""The detail of the Disk mode: where the space of a host is, and what speaks for and against letting a thing go."""

from __future__ import annotations

from collections.abc import Iterator

from tui.domain.diskreport import HostDisk, MountUse, SliceKind
from tui.domain.faults import Fault
from tui.domain.filters_disk import CountedHost, DiskRow
from tui.domain.phrases import phrase
from tui.services.store import HostView
from tui.ui.language import said, tr, trn
from tui.ui.present.cell import Cell, Tone, cell, join, remote
from tui.ui.present.faults import fault_tone
from tui.ui.present.lines import Line, blank, heading, item, pair, words
from tui.ui.present.words import ago, bar, bounded, percent_bar, size, size_long

__all__ = ["about", "host_map", "uncounted"]

BAR = 16
"""Terminal columns of a bar."""

SLICES: dict[SliceKind, tuple[str, Tone]] = {
    SliceKind.ENVIRONMENTS: (phrase("envs"), Tone.ACCENT),
    SliceKind.SHARED: (phrase("linked"), Tone.ACCENT),
    SliceKind.PACKAGES: (phrase("pkgs"), Tone.PLAIN),
    SliceKind.UNUSED: (phrase("unused"), Tone.GOOD),
    SliceKind.TARBALLS: (phrase("tarballs"), Tone.GOOD),
    SliceKind.CACHE: (phrase("cache"), Tone.GOOD),
    SliceKind.ASIDE: (phrase("put aside"), Tone.WARN),
    SliceKind.TOOLS: (phrase("tools"), Tone.WARN),
    SliceKind.INSTALLS: (phrase("installs"), Tone.PLAIN),
    SliceKind.ELSE: (phrase("not ours"), Tone.DIM),
}
"""Each part of a file system, as its bar is labelled; the longer words are in the help of the screen."""


def about(row: DiskRow, told: CountedHost, now: float) -> list[Line]:
    """Everything known of one thing, then where the space of its host is."""
    thing, suggestion = row.item, row.suggestion
    lines = [pair(tr("place"), remote(thing.path))]
    if row.frees is not None:
        text = size_long(row.frees)
        frees = bounded(text, suggestion.bound) if suggestion is not None else text
        lines.append(pair(tr("frees"), cell(frees, Tone.STRONG if row.frees else Tone.PLAIN)))
    lines.append(pair(tr("holds"), cell(size_long(thing.bytes))))
    if thing.files is not None:
        lines.append(pair(tr("files"), cell(f"{thing.files:,}")))
    if row.idle_days is not None:
        lines.append(pair(tr("unused"), cell(trn("{n} day", "{n} days", row.idle_days))))
    lines.append(pair(tr("counted"), cell(ago(told.disk.count.time, now), Tone.DIM)))
    if row.refusals:
        lines += [blank(), heading(tr("Against it"))]
        lines += [item(cell(said(text), Tone.WARN)) for text in row.refusals]
    if suggestion is not None:
        lines += [blank(), heading(tr("For it"))]
        lines += [item(cell(said(reason))) for reason in suggestion.reasons]
        lines += [item(cell(said(each), Tone.DIM)) for each in (suggestion.price, suggestion.way) if each is not None]
    elif row.way is not None:
        lines += [blank(), words(said(row.way), Tone.DIM)]
    if row.shared_with:
        lines += [blank(), heading(tr("Shares files with"))]
        lines += [item(join((cell(size(held), Tone.DIM), remote(label)))) for label, held in row.shared_with]
    return [*lines, blank(), *host_map(told.disk)]


def host_map(disk: HostDisk) -> list[Line]:
    """Where the space of a host is: a bar for each part of each file system that conda's things lie on."""
    lines: list[Line] = []
    machine = disk.snapshot.machine.value
    for use in disk.mounts:
        lines += [blank()] if lines else []
        lines += _mount(use, played=machine is not None and machine.played)
    fault = disk.count.caches_fault
    if fault is not None:
        lines += [blank(), words(said(fault.message), fault_tone(fault))]
    return lines or [words(tr("Nothing of conda's was found on its disks."), Tone.DIM)]


def _mount(use: MountUse, *, played: bool) -> Iterator[Line]:
    name = remote(use.path, Tone.STRONG) or cell(tr("a file system"), Tone.STRONG)
    mount = use.mount
    total = use.held_bytes
    if mount is not None and mount.size_bytes:
        total = mount.size_bytes
        full = percent_bar(mount.used_fraction, BAR)
        yield heading(join((name, full, cell(tr("of {size}", size=size(mount.size_bytes)), Tone.DIM))))
    else:
        yield heading(name)
    for each in use.slices:
        label, tone = SLICES[each.kind]
        share = each.bytes / total if total else 0.0
        made_up = cell(tr("(played)"), Tone.WARN) if played and each.kind is SliceKind.ELSE else ()
        yield pair(said(label), join((_share(each.bytes, share, tone), made_up), " "))
    if mount is not None and mount.free_bytes is not None and mount.size_bytes:
        yield pair(tr("free"), _share(mount.free_bytes, mount.free_bytes / mount.size_bytes, Tone.DIM))


def _share(held: int, share: float, tone: Tone) -> Cell:
    return join((bar(share, BAR, tone), cell(f"{size(held):>5}"), cell(f"{share * 100:3.0f}%", Tone.DIM)), " ")


def uncounted(view: HostView, seen: int | None, fault: Fault | None) -> list[Line]:
    """What is said of a host that was never counted."""
    if seen is not None:
        doing = trn("{n} file was looked at so far.", "{n} files were looked at so far.", seen)
        return [words(tr("Its disk is being counted, at the lowest priority.")), words(doing, Tone.DIM)]
    lines = []
    if fault is not None:
        lines += [words(said(fault.message), fault_tone(fault)), words(said(fault.remedy), Tone.DIM), blank()]
    lines.append(words(tr("Its disk was not counted yet: press n.")))
    what = tr("A count looks at every file of conda's once, hard links and all, and changes nothing.")
    lines.append(words(what, Tone.DIM))
    mounts = [mount for mount in view.snapshot.mounts.value or () if mount.used_fraction is not None]
    if mounts:
        lines.append(blank())
        for mount in mounts:
            of = cell(tr("of {size}", size=size(mount.size_bytes)), Tone.DIM)
            lines.append(Line(join((remote(mount.path, Tone.STRONG), percent_bar(mount.used_fraction, BAR), of))))
    return lines
