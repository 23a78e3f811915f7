"""A pass that outlives its lane: gone on with over another one, ended when nobody wants it, and never mixed up."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.fakes import eventually
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection
from tests.remote.test_disk import NOBODY, session
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.remote import kept as module
from tui.remote.kept import KeptGoneError, KeptPass, read_pass
from tui.remote.lane import Lane
from tui.remote.wire import Record

LIMIT = 60.0
COUNTS = ".local/state/condafleet/counts"
every = pytest.mark.parametrize("shell", list(SHELLS))

SLOW = b"""
echo begun >>"$1/begun"
printf '=alive\\0000\\000=word\\0001\\000%s\\000' "$2"
while ! [ -e "$1/go" ]; do sleep 0.1; printf '=alive\\0000\\000' || exit 1; done
echo ended >>"$1/ended"
printf '=end\\0000\\000'
"""
"""Says its second argument, and ends once there is a file "go" in the first."""


@asynccontextmanager
async def a_home(home: Path, shell: str = "dash", wrap: tuple[str, ...] = ()) -> AsyncIterator[ShellConnection]:
    connection = ShellConnection(SHELLS[shell], env={"PATH": GNU_PATH, "HOME": str(home)}, wrap=wrap)
    try:
        yield connection
    finally:
        await connection.close()


async def a_lane(connection: ShellConnection) -> Lane:
    return await Lane.open(connection, timeout=LIMIT)


async def ask(
    kept: KeptPass, lane: Lane, args: Sequence[str | Path], heard: list[Record] | None = None, source: bytes = SLOW
) -> list[str]:
    """The tags and words that a pass said, its signs of life apart."""
    told: list[Record] = []

    async def read(said: AsyncIterator[Record]) -> list[str]:
        told.clear()
        async for record in said:
            told.append(record)
            if heard is not None:
                heard.append(record)
        return [record.text(0) or record.tag for record in told if record.tag != "alive"]

    return await read_pass(
        kept, lane, "gpu01", source, [str(each) for each in args], read, timeout=LIMIT, idle=LIMIT, limit=1 << 20
    )


async def begin(kept: KeptPass, lane: Lane, args: Sequence[str | Path]) -> asyncio.Task[list[str]]:
    """A pass that was heard of."""
    heard: list[Record] = []
    asked = asyncio.create_task(ask(kept, lane, args, heard))
    await eventually(lambda: len(heard) > 2 or asked.done())
    return asked


async def given_up(asked: asyncio.Task[list[str]], lane: Lane) -> None:
    asked.cancel()
    await asyncio.gather(asked, return_exceptions=True)
    lane.close()


def lines(path: Path) -> int:
    return len(path.read_text().splitlines()) if path.exists() else 0


def left(home: Path) -> list[Path]:
    return list((home / COUNTS).glob("*"))


def running(connection: ShellConnection) -> list[str]:
    return [command for channel in connection.channels for command in session(channel.pid)]


@every
async def test_a_pass_whose_lane_goes_is_gone_on_with_over_another(tmp_path: Path, shell: str) -> None:
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home, shell) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "it's")), lane)
        (tmp_path / "go").touch()
        await eventually(lambda: (tmp_path / "ended").exists())  # with nobody there
        (folder,) = left(home)
        assert {path.stat().st_mode & 0o777 for path in (folder, *folder.iterdir())} == {0o700, 0o600}
        assert kept.begun
        assert await ask(kept, await a_lane(connection), (tmp_path, "it's")) == ["it's", "end"]
        assert lines(tmp_path / "begun") == lines(tmp_path / "ended") == 1
        assert not left(home)
        connection.channels[-1].close()
        await eventually(lambda: not running(connection))


@every
async def test_what_is_let_go_of_ends_and_leaves_nothing(tmp_path: Path, shell: str) -> None:
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home, shell) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "x")), lane)
        other = await a_lane(connection)
        await kept.stop(other)
        other.close()
        assert not left(home)
        await eventually(lambda: not running(connection))
        assert not lines(tmp_path / "ended")


@every
async def test_what_nobody_asks_for_ends_by_itself(tmp_path: Path, shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 2)
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home, shell) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "x")), lane)
        await eventually(lambda: not running(connection) and not left(home))
        assert not lines(tmp_path / "ended")
        with pytest.raises(KeptGoneError):
            await ask(kept, await a_lane(connection), (tmp_path, "x"))
        assert not kept.begun


async def test_an_answer_that_nobody_fetches_goes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GRACE_S", 2)
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "x")), lane)
        (tmp_path / "go").touch()
        await eventually(lambda: not running(connection) and not left(home))
        assert lines(tmp_path / "ended") == 1


async def test_other_words_begin_anew_and_end_what_was_begun(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "one")), lane)
        before = left(home)
        asked = await begin(kept, await a_lane(connection), (tmp_path, "two"))
        assert len(before) == len(left(home)) == 1
        assert before != left(home)
        (tmp_path / "go").touch()
        assert await asked == ["two", "end"]
        assert lines(tmp_path / "begun") == 2


async def test_two_at_once_do_not_mix(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with a_home(home) as connection:
        asked = [await begin(KeptPass(), await a_lane(connection), (tmp_path, word)) for word in ("one", "two")]
        assert len(left(home)) == 2
        (tmp_path / "go").touch()
        assert await asyncio.gather(*asked) == [["one", "end"], ["two", "end"]]
        assert not left(home)


async def test_a_pass_of_another_boot_is_gone(tmp_path: Path) -> None:
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home) as connection:
        lane = await a_lane(connection)
        await given_up(await begin(kept, lane, (tmp_path, "x")), lane)
        (folder,) = left(home)
        os.killpg(connection.channels[0].pid, signal.SIGKILL)
        await eventually(lambda: not running(connection))
        words = (folder / "keeper").read_text().split("_")
        words[1], words[3], words[4] = "0f0f0f0f-0000-4000-8000-0f0f0f0f0f0f", "1000", "1"
        (folder / "keeper").write_text("_".join(words))
        other = await a_lane(connection)
        with pytest.raises(KeptGoneError):
            await ask(kept, other, (tmp_path, "x"))
        # The next one clears away what is left of it.
        (tmp_path / "go").touch()
        assert await ask(kept, other, (tmp_path, "x")) == ["x", "end"]
        assert not left(home)


@every
@pytest.mark.parametrize("victims", ["keeper", "everything"])
async def test_what_was_killed_is_a_fault_and_cleared_away(tmp_path: Path, shell: str, victims: str) -> None:
    home, kept = tmp_path / "home", KeptPass()
    async with a_home(home, shell) as connection:
        asked = await begin(kept, await a_lane(connection), (tmp_path, "x"))
        (folder,) = left(home)
        if victims == "keeper":
            os.kill(int((folder / "keeper").read_text().split("_")[3]), signal.SIGKILL)
        else:
            os.killpg(connection.channels[0].pid, signal.SIGKILL)
        with pytest.raises(HostFaultError) as caught:
            await asyncio.wait_for(asked, LIMIT)
        assert caught.value.fault.kind in (FaultKind.INCOMPLETE, FaultKind.LOST, FaultKind.SHELL_BROKEN)
        await eventually(lambda: len(running(connection)) <= (victims == "keeper"))
        (tmp_path / "go").touch()
        assert await ask(KeptPass(), await a_lane(connection), (tmp_path, "y")) == ["y", "end"]
        assert not left(home)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """A directory that every user may enter, and write into, with a home that is root's."""
    with tempfile.TemporaryDirectory(prefix="condafleet-kept-") as name:
        folder = Path(name)
        folder.chmod(0o777)
        (folder / "home").mkdir()
        yield folder


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A home with room for 64 KiB."""
    home = tmp_path / "home"
    home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", home], check=True)
    yield home
    subprocess.run(["umount", "-l", home], check=True)


@every
async def test_where_nothing_can_be_written_it_ends_with_its_lane(open_path: Path, shell: str) -> None:
    kept, tmp_path = KeptPass(), open_path
    async with a_home(open_path / "home", shell, wrap=NOBODY) as connection:
        lane = await a_lane(connection)
        asked = await begin(kept, lane, (tmp_path, "x"))
        assert kept.refusal is not None and "Permission denied" in kept.refusal
        assert not kept.begun
        await given_up(asked, lane)
        await eventually(lambda: not running(connection))
        assert not lines(tmp_path / "ended")
        (tmp_path / "go").touch()
        assert await ask(kept, await a_lane(connection), (tmp_path, "x")) == ["x", "end"]


MUCH = rb"""
i=0
while [ $i -lt 400 ]; do
  printf '=word\0001\000%0300d\000' 1
  i=$((i + 1))
done
printf '=end\0000\000'
"""


@every
@pytest.mark.parametrize("room", ["none", "little"])
async def test_a_full_disk_costs_the_keeping_and_not_the_answer(small: Path, shell: str, room: str) -> None:
    kept = KeptPass()
    if room == "none":
        with pytest.raises(OSError, match="No space"), (small / "filler").open("wb", 0) as filler:
            while True:
                filler.write(b"x" * 4096)
    async with a_home(small, shell) as connection:
        said = await ask(kept, await a_lane(connection), (), source=MUCH)
    assert (len(said), said[-1]) == (401, "end")
    assert kept.refusal is not None
    assert not left(small)


PART = r"printf '=part\0002\000%s\000open\000'"


@pytest.mark.parametrize(
    ("start", "part"),
    [
        (":", ":"),
        (r"printf '=other\0000\000'", ":"),
        (None, ":"),
        (None, PART + " x"),
        (None, PART + " 9; printf no-record"),
        (None, PART + " 9; head -c 1050000 /dev/zero"),
        (None, PART + " 9; printf '=word\\0001\\000'; while :; do printf xxxxxxxxxxxxxxxx; done | head -c 1048000"),
    ],
)
async def test_what_makes_no_sense_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: str | None, part: str
) -> None:
    began = r"printf '=started\0000\000'" if start is None else start
    said = {"start": began, "part": part, "stop": ":"}
    monkeypatch.setattr(module, "_kept", lambda name: said[name].encode() + b"\n")
    async with a_home(tmp_path / "home") as connection:
        with pytest.raises(HostFaultError) as caught:
            await ask(KeptPass(), await a_lane(connection), ())
    assert caught.value.fault.kind in (FaultKind.PROTOCOL, FaultKind.TOO_LARGE)
