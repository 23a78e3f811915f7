"""What a host's disk holds, as JSON. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tui.cli.jsonview import Json, Object, environment_json, mount_json, time_json
from tui.domain.caches import CacheItem, HubRepo, cleaning
from tui.domain.diskplaces import OwnerKind
from tui.domain.diskreport import CacheUse, EnvironmentUse, HostDisk, MountUse, PartUse, PlaceUse, SliceKind
from tui.domain.machine import Mount
from tui.domain.suggestions import SensiblePlan, Suggestion
from tui.domain.text import printable

__all__ = ["HostAnswer", "disk_json", "extra_json", "mounts_json", "totals"]


@dataclass(frozen=True)
class HostAnswer:
    """What there is to say of one host."""

    disk: HostDisk
    suggestions: tuple[Suggestion, ...]
    plan: SensiblePlan
    only: Collection[str] | None = None
    """The prefixes that the selectors narrow the answer to; None: everything."""

    @property
    def environments(self) -> list[EnvironmentUse]:
        """Those that were selected."""
        return [use for use in self.disk.environments if self.only is None or use.environment.prefix in self.only]

    @property
    def mounts(self) -> list[MountUse]:
        """The file systems on which something selected lies."""
        if self.only is None:
            return list(self.disk.mounts)
        wanted = {use.mount for use in self.environments}
        return [use for use in self.disk.mounts if use.path in wanted]

    @property
    def suggested(self) -> list[Suggestion]:
        """Of what could go, what was selected."""
        return [each for each in self.suggestions if self.only is None or each.path in self.only]


def totals(answers: Sequence[HostAnswer]) -> tuple[int, int]:
    """How many environments were selected and what ours hold together, counting once what several hosts see."""
    seen: set[str] = set()
    held: dict[tuple[str, str | None], int] = {}
    for answer in answers:
        host, machine = answer.disk.host, answer.disk.snapshot.machine.value
        here = machine.machine_id if machine is not None and machine.machine_id is not None else host
        seen |= {use.environment.fs_id or f"{host}:{use.environment.prefix}" for use in answer.environments}
        for use in answer.mounts:
            export = use.mount.export_id if use.mount is not None else None
            key = (here, use.path) if export is None else (export, None)
            held[key] = max(held.get(key, 0), use.held_bytes)
    return len(seen), sum(held.values())


def disk_json(answer: HostAnswer, now: float, seen_from: Mapping[str, Sequence[str]]) -> Object:
    """All of one host, by the keys that :func:`mounts_json` and :func:`extra_json` have for several."""
    return {"mounts": mounts_json([answer]), **extra_json([answer], now, seen_from)}


def mounts_json(answers: Sequence[HostAnswer]) -> list[Object]:
    """The file systems with what ours hold of them; of a whole host also those on which nothing of ours lies."""
    found = []
    for answer in answers:
        host, told = answer.disk.host, set()
        for use in answer.mounts:
            told.add(use.path)
            found.append({**_mount(use.mount, use.path, host), **_held(use)})
        if answer.only is None:
            rest = [mount for mount in answer.disk.snapshot.mounts.value or () if mount.path not in told]
            found += [{**mount_json(mount, host), "held_bytes": 0, "slices": []} for mount in rest]
    return found


def extra_json(answers: Sequence[HostAnswer], now: float, seen_from: Mapping[str, Sequence[str]]) -> Object:
    """The other lists. *seen_from*: by ``fs_id``, the hosts that see one environment."""
    return {
        "environments": [
            {
                **_environment(use),
                "seen_from": list(seen_from.get(use.environment.fs_id or "", (use.environment.host,))),
            }
            for answer in answers
            for use in answer.environments
        ],
        "caches": [
            _cache(cache, each.disk.host) for each in answers if each.only is None for cache in each.disk.caches
        ],
        "tool_caches": [
            _item(item, each.disk.host, now) for each in answers if each.only is None for item in each.disk.items or ()
        ],
        "places": [_place(use, each.disk.host) for each in answers if each.only is None for use in each.disk.places],
        "suggestions": [_suggestion(it, each.disk.host) for each in answers for it in each.suggested],
        "plans": [_plan(each) for each in answers if each.only is None],
        "counts": [_count(each.disk) for each in answers],
        "totals": dict(zip(("environments", "held_bytes"), totals(answers), strict=True)),
    }


def _mount(mount: Mount | None, path: str | None, host: str) -> Object:
    if mount is not None:
        return mount_json(mount, host)
    unknown = dict.fromkeys(mount_json(Mount("", "", ""), host))
    return {**unknown, "host": host, "path": None if path is None else printable(path)}


def _held(use: MountUse) -> Object:
    slices = [{"kind": each.kind.value, "bytes": each.bytes, "files": each.files} for each in use.slices]
    return {"held_bytes": use.held_bytes, "slices": slices}


def _environment(use: EnvironmentUse) -> Object:
    sharers: list[Json] = [
        {"kind": _kind(each.kind), "path": printable(each.path), "name": printable(each.label), "bytes": each.bytes}
        for each in use.shared_with
    ]
    known = use.size is not None
    return {
        **environment_json(use.environment),
        "mount": None if use.mount is None else printable(use.mount),
        "counted": None if use.state is None else use.state.value,
        "exclusive_files": use.exclusive_files,
        "outside_bytes": use.outside_bytes,
        "shared_with": sharers if known else None,
        "sharers": use.sharers if known else None,
        "size_reasons": sorted(use.reasons),
    }


def _kind(kind: OwnerKind) -> str:
    """As ``clean --what`` calls it."""
    return "temp" if kind is OwnerKind.PARTIAL else "aside" if kind is OwnerKind.ASIDE else kind.value


def _cache(cache: CacheUse, host: str) -> Object:
    return {
        "host": host,
        "path": printable(cache.path),
        "installs": [printable(root) for root in cache.installs],
        "mount": None if cache.mount is None else printable(cache.mount),
        "counted": cache.state.value,
        "bytes": cache.bytes,
        "freed_bytes": cache.freed_bytes,
        "users_seen": cache.users.seen,
        "users_unseen": [reason.value for reason in cache.users.unseen],
        "private": cache.users.private,
        "parts": [_part(part) for part in cache.parts],
    }


def _part(part: PartUse) -> Object:
    return {
        "kind": _kind(part.kind),
        "bytes": part.bytes,
        "files": part.files,
        "freed_bytes": part.freed_bytes,
        "freed_files": part.freed_files,
        "bound": None if part.freed_bytes is None else part.bound.value,
    }


def _item(item: CacheItem, host: str, now: float) -> Object:
    way = cleaning(item)
    return {
        "host": host,
        "kind": item.kind.value,
        "path": printable(item.path),
        "owner": None if item.owner is None else printable(item.owner),
        "bytes": item.bytes,
        "counted_bytes": None if item.bytes is None else item.counted_bytes,
        "freed_bytes": None if item.bytes is None else item.freed_bytes,
        "files": None if item.bytes is None else item.files,
        "bound": None if item.bytes is None else "at_least" if item.unreadable_count else "exact",
        "last_used": time_json(item.last_used),
        "idle_days": item.idle_days(now),
        "unreadable": [printable(path) for path in item.unreadable],
        "clean_with": None if way is None else printable(way),
        "repository": None if item.repo is None else _repo(item.repo),
    }


def _repo(repo: HubRepo) -> Object:
    return {
        "revisions": [
            {
                "commit": printable(each.commit),
                "bytes": each.bytes,
                "exclusive_bytes": each.exclusive_bytes,
                "files": each.files,
                "last_used": time_json(each.last_used),
            }
            for each in repo.revisions
        ],
        "dead_bytes": repo.dead_bytes,
        "incomplete_bytes": repo.incomplete_bytes,
    }


def _place(use: PlaceUse, host: str) -> Object:
    return {
        "host": host,
        "kind": _kind(use.kind),
        "path": printable(use.path),
        "mount": None if use.mount is None else printable(use.mount),
        "bytes": use.bytes,
        "files": use.files,
        "exclusive_bytes": use.exclusive_bytes,
    }


def _suggestion(it: Suggestion, host: str) -> Object:
    return {
        "host": host,
        "kind": _kind(it.what) if isinstance(it.what, OwnerKind) else it.what.value,
        "path": printable(it.path),
        "name": printable(it.label) if it.label != it.path else None,
        "bytes": it.bytes,
        "files": it.files,
        "bound": it.bound.value,
        "idle_days": it.idle_days,
        "cost": it.cost.name.lower(),
        "reasons": [printable(reason) for reason in it.reasons],
        "price": None if it.price is None else printable(it.price),
        "clean_with": None if it.way is None else printable(it.way),
        "removable": it.mine,
    }


def _plan(answer: HostAnswer) -> Object:
    plan, disk = answer.plan, answer.disk
    freed = disk.table.freed([each.owner for each in plan.suggestions if each.owner is not None])
    return {
        "host": disk.host,
        "items": [{"kind": it["kind"], "path": it["path"]} for it in _items(plan, disk.host)],
        "freed_bytes": plan.bytes,
        "freed_files": plan.files,
        "bound": plan.bound.value,
        "mounts": [
            {"path": None if mount is None else printable(mount), "freed_bytes": each.bytes, "freed_files": each.files}
            for each in freed.devices
            for mount in (disk.table.devices[each.device].mount,)
        ],
    }


def _items(plan: SensiblePlan, host: str) -> Iterator[Object]:
    return (_suggestion(it, host) for it in plan.suggestions)


def _count(disk: HostDisk) -> Object:
    count = disk.count
    held = {kind: 0 for kind in SliceKind if kind is not SliceKind.ELSE}
    for mount in disk.mounts:
        for each in mount.slices:
            if each.kind in held:
                held[each.kind] += each.bytes
    return {
        "host": disk.host,
        "time": time_json(count.time),
        "unchanged_since": time_json(count.unchanged),
        "entries": count.entries,
        "held_bytes": {kind.value: size for kind, size in held.items()},
        "tool_caches_cut": None if count.caches is None else count.caches.cut,
    }
