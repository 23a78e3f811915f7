"""The inventory against hosts that hang, lie and flood, and against names that nobody thought of."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import condaroot
from tests.condaroot import PYTHON, CondaRoot
from tests.fakes import eventually
from tests.remote.answers import answer
from tests.remote.inventories import MACHINE, inventory, lane, make_shell, read
from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.machine import Mount
from tui.domain.packages import PackageInterner
from tui.remote.installs import Places
from tui.remote.inventory_scan import Scan
from tui.remote.packages import parse_packages
from tui.remote.usage import UsesSeen
from tui.remote.wire import Record, records

FROZEN = Path(__file__).resolve().parents[1] / "frozen_mount.py"


@pytest.mark.parametrize(("which", "known"), [("dash", False), ("dash", True), ("busybox", False)])
async def test_a_frozen_mount_costs_only_what_lies_on_it(which: str, tmp_path: Path, known: bool) -> None:
    """Both when a place is the mount itself and when the mount lies below a place; known before or not."""
    root = CondaRoot(tmp_path / "home" / "c")
    root.base()
    kept = root.named("kept", (PYTHON,))
    frozen = tmp_path / "home" / "fro zen"
    frozen.mkdir()
    condaroot.environments_txt(tmp_path / "home", [frozen / "env", kept])
    mount = Mount(str(frozen), "frozen", "fuse.frozen", fault=Fault(FaultKind.TOOL_HUNG, "does not answer", ""))
    inv = inventory(tmp_path / "home", frozen)
    argv, env = make_shell(which, tmp_path)
    wrap = (sys.executable, str(FROZEN), str(frozen), "--")
    async with lane(argv, env, wrap=wrap) as opened:
        waiting = []
        for _ in range(2):
            parts = await inv.read(opened, MACHINE, (mount,) if known else None)
            waiting.append(dict(inv._hung))
            listed = {e.prefix for e in parts["environments"].value or ()}
            assert listed == {str(root.root), str(kept)}
            fault = parts["environments"].fault
            assert fault is not None and fault.kind is FaultKind.TOOL_HUNG and str(frozen) in fault.message
            assert opened.usable
    # Nobody touched it a second time: whoever waits for it is the same process as before.
    assert list(waiting[0]) == ([] if known else [str(frozen)])
    assert waiting[1] == waiting[0]


async def test_what_was_known_of_a_mount_that_died_is_kept_and_marked(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "data" / "c")
    prefix = root.named("a", (PYTHON,))
    dead = Mount(str(tmp_path / "data"), "nas:/x", "nfs4", fault=Fault(FaultKind.TOOL_HUNG, "does not answer", ""))
    inv = inventory(tmp_path / "data")
    await read(inv)
    _, environments = await read(inv, mounts=(dead,))
    env = environments[str(prefix)]
    assert env.fault is not None and env.fault.kind is FaultKind.TOOL_HUNG
    assert env.conda_packages == 1 and env.in_use_complete is None


NAMES = st.binary(min_size=1, max_size=60).filter(
    lambda raw: not {0, 0x2F} & set(raw) and raw not in (b".", b"..", b"pkgs") and not raw.startswith(b".conda_envs")
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(names=st.sets(NAMES, min_size=1, max_size=12))
@pytest.mark.parametrize("which", ["dash", "bash", "busybox"])
def test_exactly_the_environments_made_are_listed_whatever_their_names(
    which: str, tmp_path: Path, names: set[bytes]
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as folder:
        argv, env = make_shell(which, tmp_path)
        root = CondaRoot(Path(folder) / "c")
        made = {os.fsencode(root.named(os.fsdecode(name), ())) for name in names}
        _, environments = asyncio.run(read(inventory(root.root), (argv, env)))
        assert {os.fsencode(prefix) for prefix in environments} == made
        assert {os.fsencode(e.name or "") for e in environments.values()} == names


@pytest.mark.parametrize("which", ["dash", "bash", "busybox"])
async def test_a_search_ends_when_its_lane_is_closed_even_if_find_never_says_another_word(
    which: str, tmp_path: Path
) -> None:
    argv, env = make_shell(which, tmp_path)
    quiet, wrapper = tmp_path / "quiet" / "find", tmp_path / "first" / "find"
    for program in (quiet, wrapper):
        program.parent.mkdir()
    shutil.copy("/bin/sleep", quiet)
    wrapper.write_text(f"#!/bin/sh\nexec {shlex.quote(str(quiet))} 600\n")
    wrapper.chmod(0o755)
    env["PATH"] = f"{wrapper.parent}:{env['PATH']}"
    inv = inventory(tmp_path)
    async with lane(argv, env) as opened:
        task = asyncio.create_task(inv.search(opened, str(tmp_path), None))
        process = opened.process
        assert process is not None
        await eventually(lambda: bool(finds(process.pid)))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        opened.close()
        await eventually(lambda: not finds(process.pid))


def finds(session: int) -> list[str]:
    """Programs called find in the session of a lane's shell."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                name, _, rest = (entry / "stat").read_text().partition("(")[2].rpartition(")")
            except OSError:
                continue
            if name == "find" and int(rest.split()[3]) == session and rest.split()[0] != "Z":
                found.append(entry.name)
    return found


async def test_a_search_says_what_it_cannot_look_at(tmp_path: Path) -> None:
    async with lane() as opened:
        with pytest.raises(HostFaultError) as missing:
            await inventory().search(opened, str(tmp_path / "no [b]such[/b]\x1b"), None)
    assert missing.value.fault.kind is FaultKind.INCOMPLETE
    assert "\x1b" not in missing.value.fault.message


def scanned(*items: tuple[str | bytes | int, ...]) -> Scan:
    scan = Scan()
    scan.places.add_prefix("/e/envs/a", "environments.txt")
    for record in records(answer(*items)):
        scan.take(record)
    return scan


def test_lying_records_are_passed_over() -> None:
    long = "/e/envs/" + "n" * 10_000
    scan = scanned(
        ("env",),
        ("env", "relative", "d", 3, "=", "", "y", 1, "y", "", ""),
        ("env", long, "d", 7, "=", "", "y", 1, "y", "", ""),
        ("env", "/e/envs/a", "d", 999_999_999, "=", "", "y", "many", "perhaps", "1 2 3 lies\n" * 1000, "==> x <=="),
        ("env", "/e/envs/b", "d", 7, "=", "", "?", 1, "y", "", ""),
        ("root", "/e", "/e", "yyy", "y", "conda-.json", "envs_dirs: [\n- \t- :::\n"),
        ("dir", "/e/envs"),
        ("user", "x", "y"),
        ("mount", "", "", "\\777\\1"),
        ("nonsense", "x"),
    )
    chosen = scan.choose(set())
    assert [seen.prefix for seen, _ in chosen] == ["/e/envs/a"]
    assert chosen[0][0].stats == {} and chosen[0][0].records is None
    assert scan.make_installs() == ()


def test_a_million_environments_are_too_large_and_said_so() -> None:
    scan = Scan()
    for number in range(25_000):
        fields = (b"/e/%d" % number, b"d", b"2", b"=", b"", b"y", b"1", b"y", b"", b"")
        scan.take(Record("env", fields))
    assert len(scan.choose(set())) == 20_000
    fault = scan.fault("gpu01")
    assert fault is not None and fault.kind is FaultKind.TOO_LARGE


def test_places_are_bounded() -> None:
    places = Places()
    places.take(Record("text", (b"environments", b"/h", b"/h/e.txt", b"\n".join(b"/p/%d" % n for n in range(99_999)))))
    assert len(places.prefixes) <= 20_000


@given(body=st.binary(max_size=400))
@settings(max_examples=60, deadline=None)
def test_noise_instead_of_packages_does_no_harm(body: bytes) -> None:
    text = b"Uhttps://x/y\nPa-1-0\t1\nDq.dist-info\tq\t1\tpip\nE1 1 1 " + body + b"\nE" + body
    asyncio.run(parse_packages(text, ["/a"], PackageInterner()))


@given(
    fields=st.lists(st.binary(max_size=40), max_size=8), tag=st.sampled_from(["use", "unseen", "user", "many", "end"])
)
@settings(max_examples=60, deadline=None)
def test_noise_instead_of_uses_does_no_harm(fields: list[bytes], tag: str) -> None:
    seen = UsesSeen(["/a"])
    seen.take(Record(tag, tuple(fields)))
    seen.take(Record("end", ()))


def test_every_process_seen_makes_the_answer_complete() -> None:
    seen = UsesSeen(["/a"])
    for record in records(
        answer(("unseen", 0), ("use", 7, 0, 1, "exe", "-", b"/a/bin/py\x01--token\x01hf_x1"), ("end",))
    ):
        seen.take(record)
    assert seen.complete is True
    assert [(item.pid, item.user) for item in seen.uses["/a"]] == [(7, "0")]
    assert "hf_x1" not in (seen.uses["/a"][0].command or "")
    hidden = UsesSeen(["/a"])
    for record in records(answer(("unseen", 0), ("unseen", "hidepid"), ("end",))):
        hidden.take(record)
    assert hidden.complete is False
