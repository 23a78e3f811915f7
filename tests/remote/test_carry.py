"""Looking for packages on hosts, and passing one on: every shell, and hosts that do not keep their word."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.fakes import eventually, refused_port
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tests.remote.taskhost import PATIENCE_S, bin_sh
from tui.domain.carrying import Load, Parcel, Reach
from tui.domain.errors import HostFaultError
from tui.ports import Channel, TermRequest
from tui.remote.carry_look import ask_reach, ask_source, ask_target
from tui.remote.carry_pass import pass_on
from tui.remote.lane import Lane

NAMES = ("gpu01", "gpu02")
BODY = os.urandom(300_000) + b"\0\r\n\x1b]0;x\x07"
SERVER = "https://conda.example/main/linux-64"


def parcel(name: str, body: bytes = BODY, algorithm: str = "md5") -> Parcel:
    """A package of these bytes."""
    file = f"{name}-1.0-h0.conda"
    return Parcel(f"{SERVER}/{file}", file, algorithm, hashlib.new(algorithm, body).hexdigest())


class Pair:
    """A host that has archives, and one that is to get them."""

    def __init__(self, folder: Path, shell: str) -> None:
        self.shell = shell
        path = busybox_path(folder) if shell == "busybox" else GNU_PATH
        env = {"PATH": path, "HOME": str(folder)}
        self.source, self.target = (ShellConnection(SHELLS[shell], env=env, wrap=bin_sh(shell)) for _ in NAMES)
        self.from_cache, self.cache = folder / "one's pkgs", folder / "two $(id) pkgs"
        for cache in (self.from_cache, self.cache):
            cache.mkdir()
        self.told: list[int] = []

    def load(self, what: Parcel, body: bytes = BODY) -> Load:
        """Its archive on the source."""
        path = self.from_cache / what.file
        path.write_bytes(body)
        return Load(what, str(path), len(body))

    async def carry(self, load: Load, told: Callable[[int], None] | None = None) -> None:
        """Pass it on."""
        await pass_on(self.source, self.target, NAMES, str(self.cache), load, told or self.told.append)

    @property
    def waiting(self) -> dict[str, bytes]:
        """What waits on the target."""
        return {path.name: path.read_bytes() for path in self.cache.glob(".condafleet-carried-*/*")}

    async def lane(self, connection: ShellConnection) -> Lane:
        """For questions."""
        return await Lane.open(connection, timeout=PATIENCE_S)

    async def close(self) -> None:
        """End the shells."""
        await self.source.close()
        await self.target.close()


@pytest.fixture(params=sorted(SHELLS))
async def pair(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Pair]:
    made = Pair(tmp_path, request.param)
    yield made
    await made.close()


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
async def test_an_archive_arrives_byte_for_byte_and_is_private(pair: Pair, algorithm: str) -> None:
    load = pair.load(parcel("torch", algorithm=algorithm))
    await pair.carry(load)
    assert pair.waiting == {load.parcel.staged: BODY}
    (staging,) = pair.cache.iterdir()
    assert (staging.stat().st_mode & 0o777, (staging / load.parcel.staged).stat().st_mode & 0o777) == (0o700, 0o600)
    assert sum(pair.told) == len(BODY)
    seen = await ask_target(
        await pair.lane(pair.target), "gpu02", [str(pair.cache)], [load.parcel], mamba=False, timeout=PATIENCE_S
    )
    assert (seen.arrived, seen.wanted) == ((load.parcel,), ())
    assert seen.free_bytes


async def test_what_is_not_what_the_record_says_is_refused(pair: Pair) -> None:
    load = pair.load(parcel("torch"), BODY[:-1] + b"?")
    with pytest.raises(HostFaultError, match="md5"):
        await pair.carry(load)
    assert pair.waiting == {}


async def test_what_shrinks_on_its_way_is_not_taken_for_whole(pair: Pair) -> None:
    load = pair.load(parcel("torch"))
    pair.load(load.parcel, BODY[:1000])
    with pytest.raises(HostFaultError, match="went, or changed"):
        await pair.carry(load)
    await eventually(lambda: pair.waiting == {})


@pytest.mark.parametrize("at", [0, 1, 3])
async def test_one_that_is_given_up_leaves_no_half(pair: Pair, at: int) -> None:
    load = pair.load(parcel("torch"))

    def told(count: int) -> None:
        pair.told.append(count)
        if len(pair.told) > at:
            work.cancel()

    work = asyncio.ensure_future(pair.carry(load, told))
    with pytest.raises(asyncio.CancelledError):
        await work
    await eventually(lambda: not any(name.startswith("part.") for name in pair.waiting))
    assert all(body == BODY for body in pair.waiting.values())


async def test_a_staging_place_that_leads_elsewhere_is_not_followed(pair: Pair, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (pair.cache / f".condafleet-carried-{os.getuid()}").symlink_to(elsewhere)
    with pytest.raises(HostFaultError, match="not ours to write"):
        await pair.carry(pair.load(parcel("torch")))
    assert not list(elsewhere.iterdir())
    seen = await ask_target(
        await pair.lane(pair.target), "gpu02", [str(pair.cache)], [parcel("torch")], mamba=False, timeout=PATIENCE_S
    )
    assert seen.refusal is not None


async def test_a_cache_of_another_account_is_not_carried_to(pair: Pair) -> None:
    lane = await pair.lane(pair.target)

    async def refusal(*, as_owner: bool) -> str | None:
        seen = await ask_target(
            lane, "gpu02", [str(pair.cache)], [parcel("torch")], mamba=False, timeout=PATIENCE_S, as_owner=as_owner
        )
        return seen.refusal

    assert await refusal(as_owner=True) is None
    os.chown(pair.cache, 12345, -1)
    for as_owner in (True, False):
        assert "belongs to another account (12345)" in (await refusal(as_owner=as_owner) or "")


async def test_what_each_tool_would_fetch_is_told_apart(pair: Pair) -> None:
    names = ("unpacked", "elsewhere", "archive", "unknown", "broken", "nested")
    wanted = {name: parcel(name) for name in names}
    for name in ("unpacked", "elsewhere"):
        info = pair.cache / f"{name}-1.0-h0/info"
        info.mkdir(parents=True)
        url = wanted[name].url if name == "unpacked" else f"https://mirror.example/{wanted[name].file}"
        (info / "repodata_record.json").write_text(json.dumps({"url": url, "md5": wanted[name].digest}, indent=2))
    for name in ("archive", "unknown", "broken"):
        (pair.cache / wanted[name].file).write_bytes(BODY if name != "broken" else BODY[1:])
    folder = pair.cache / wanted["nested"].folder
    folder.mkdir(parents=True)
    (folder / wanted["nested"].file).write_bytes(BODY)
    (pair.cache / "urls.txt").write_text(f"{wanted['archive'].url}\nhttps://mirror.example/{wanted['unknown'].file}\n")
    lane = await pair.lane(pair.target)

    async def lacks(*, mamba: bool) -> tuple[set[str], set[str]]:
        seen = await ask_target(
            lane, "gpu02", [str(pair.cache)], tuple(wanted.values()), mamba=mamba, timeout=PATIENCE_S
        )
        of = {each: name for name, each in wanted.items()}
        return {of[each] for each in seen.wanted}, {of[each] for each in seen.clashing}

    assert await lacks(mamba=False) == ({"unknown", "broken", "nested"}, {"elsewhere"})
    assert await lacks(mamba=True) == ({"elsewhere", "broken"}, set())


async def test_archives_are_found_in_any_cache_by_their_hash(pair: Pair, tmp_path: Path) -> None:
    flat, nested, broken, gone = (parcel(name) for name in ("flat", "nested", "broken", "gone"))
    other = tmp_path / "other"
    (other / nested.folder).mkdir(parents=True)
    (other / nested.folder / nested.file).write_bytes(BODY)
    pair.load(flat)
    pair.load(broken, BODY[1:])
    found = await ask_source(
        await pair.lane(pair.source),
        "gpu01",
        [str(pair.from_cache), str(other)],
        [gone, broken, nested, flat],
        timeout=PATIENCE_S,
    )
    assert found == (
        Load(nested, str(other / nested.folder / nested.file), len(BODY)),
        Load(flat, str(pair.from_cache / flat.file), len(BODY)),
    )


async def test_what_was_never_used_goes_after_a_week(pair: Pair) -> None:
    old, new = (parcel(name, name.encode()) for name in ("old", "new"))
    for each in (old, new):
        await pair.carry(pair.load(each, each.file.split("-")[0].encode()))
    (staging,) = pair.cache.iterdir()
    (staging / "part.dead.1").write_bytes(b"x")
    for name, days in ((old.staged, 8), ("part.dead.1", 1)):
        os.utime(staging / name, (1, staging.stat().st_mtime - days * 86400))
    lane = await pair.lane(pair.target)
    seen = await ask_target(lane, "gpu02", [str(pair.cache)], [old, new], mamba=False, timeout=PATIENCE_S)
    assert (seen.wanted, seen.arrived) == ((old,), (new,))
    assert set(pair.waiting) == {new.staged}


async def test_whether_servers_are_reached_is_told_or_not_known(pair: Pair, tmp_path: Path) -> None:
    lane = await pair.lane(pair.target)
    there = tmp_path / "a-1-0.conda"
    there.write_bytes(b"")

    async def reach(*addresses: str) -> Reach:
        return await ask_reach(lane, "gpu02", str(tmp_path), addresses)

    assert await reach(f"file://{there}") is Reach.YES
    assert await reach(f"file://{there}", f"file://{there}x") is Reach.NO
    assert await reach("s3://bucket/a-1-0.conda") is Reach.UNKNOWN
    with refused_port() as port:
        # Without curl and Python there is nothing to ask with.
        how = Reach.UNKNOWN if pair.shell == "busybox" else Reach.NO
        assert await reach(f"http://127.0.0.1:{port}/main/a-1-0.conda") is how
        (tmp_path / ".condarc").write_text("proxy_servers:\n  http: http://proxy.example\n")
        assert await reach(f"http://127.0.0.1:{port}/main/a-1-0.conda") is Reach.UNKNOWN


class _Loud(ShellConnection):
    """Its shell says something before it is asked."""

    async def open(
        self, command: str, *, term: TermRequest | None = None, window: int | None = None, control: bool = False
    ) -> Channel:
        channel = await super().open(command, term=term, window=window, control=control)
        await channel.write(b"echo 'Welcome! 99 ready ok'\n")
        return channel


async def test_a_shell_that_talks_does_not_get_into_the_bytes(tmp_path: Path) -> None:
    pair = Pair(tmp_path, "dash")
    pair.source = _Loud(env={"PATH": GNU_PATH, "HOME": str(tmp_path)})
    pair.target = _Loud(env={"PATH": GNU_PATH, "HOME": str(tmp_path)})
    load = pair.load(parcel("torch"))
    await pair.carry(load)
    assert pair.waiting == {load.parcel.staged: BODY}
    empty = pair.load(parcel("empty", b""), b"")
    await pair.carry(replace(empty, size=0))
    assert pair.waiting[empty.parcel.staged] == b""
    await pair.close()
