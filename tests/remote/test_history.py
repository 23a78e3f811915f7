"""The script that reads a history, in real shells, and what is made of its answer."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.condaroot import CondaRoot
from tests.fakes import FakeClock
from tests.remote.inventories import NOBODY, USERLANDS, Shell, inventory, lane, make_shell, open_to_others
from tests.remote.shells import GNU_PATH, ShellConnection
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.history import History
from tui.domain.hosts import HostSpec
from tui.domain.packages import PackageInterner
from tui.remote.history import MOST_BYTES, ask_history, parse_history
from tui.remote.probe import HostProbe
from tui.remote.wire import WireError

WINTER, SUMMER = 1_767_229_200, 1_782_864_000
"""2026-01-01 02:00 and 2026-07-01 02:00, in Berlin."""
TEXT = """\
==> 2026-01-01 02:00:00 <==
# cmd: /opt/conda/bin/conda create -n a numpy=1.25
+conda-forge/linux-64::numpy-1.25.0-py311_0
# update specs: ['numpy=1.25']
==> 2026-07-01 02:00:00 <==
# cmd: /opt/conda/bin/conda install numpy=1.26
-conda-forge/linux-64::numpy-1.25.0-py311_0
+conda-forge/linux-64::numpy-1.26.4-py311_0
# update specs: ['numpy=1.26']
"""


@pytest.fixture(params=USERLANDS)
def shell(request: pytest.FixtureRequest, tmp_path: Path) -> Shell:
    return make_shell(request.param, tmp_path)


async def ask(prefix: str | Path, shell: Shell | None = None, wrap: tuple[str, ...] = ()) -> History:
    argv, env = shell or make_shell("dash", Path("/"))
    async with lane(argv, {**env, "TZ": "Europe/Berlin"}, wrap=wrap) as opened:
        history = await ask_history(opened, str(prefix), "gpu01", timeout=30)
        assert opened.stderr_tail() == b""
        return history


def plant(prefix: Path, text: str | bytes) -> Path:
    meta = prefix / "conda-meta"
    meta.mkdir(parents=True, exist_ok=True)
    (meta / "history").write_bytes(text.encode() if isinstance(text, str) else text)
    return prefix


async def test_a_history_is_read_with_the_times_of_the_hosts_zone(shell: Shell, tmp_path: Path) -> None:
    history = await ask(plant(tmp_path / "a", TEXT), shell)
    assert [each.command for each in history.revisions] == [
        "/opt/conda/bin/conda install numpy=1.26",
        "/opt/conda/bin/conda create -n a numpy=1.25",
    ]
    summer, winter = (each.time for each in history.revisions)
    assert summer is not None and winter is not None
    # Without GNU's date the offset of now stands for both: an hour wrong at most.
    exact = "busybox" not in shell[1]["PATH"] and "/bb/" not in shell[1]["PATH"]
    assert max(abs(summer - SUMMER), abs(winter - WINTER)) <= (0 if exact else 3600)


async def test_names_that_a_shell_might_misread_are_read_like_others(shell: Shell, tmp_path: Path) -> None:
    for name in ("-rf", "two words", "$(touch x)", "new\nline", os.fsdecode(b"not-\xff-utf8"), "深度学习"):
        history = await ask(plant(tmp_path / name, TEXT), shell)
        assert len(history.revisions) == 2


async def test_of_a_long_file_the_end_is_read(shell: Shell, tmp_path: Path) -> None:
    long = plant(tmp_path / "a", TEXT * (2 + MOST_BYTES // len(TEXT)))
    history = await ask(long, shell)
    assert not history.complete
    assert history.revisions[0].command == "/opt/conda/bin/conda install numpy=1.26"
    assert history.revisions[0].number is None
    whole = plant(tmp_path / "b", (TEXT + "#" * MOST_BYTES)[:MOST_BYTES])
    assert (await ask(whole, shell)).complete


async def test_bytes_that_are_no_text_do_no_harm(shell: Shell, tmp_path: Path) -> None:
    history = await ask(plant(tmp_path / "a", b"\x00\xff\xfe\n" + TEXT.encode() + b"# cmd: \x1b[2J\x00\xff\n"), shell)
    assert history.revisions[0].command == "\x1b[2J\udcff"


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (lambda prefix: None, FaultKind.GHOST),
        (lambda prefix: prefix.mkdir(), FaultKind.INCOMPLETE),
        (lambda prefix: (prefix / "conda-meta" / "history").mkdir(parents=True), FaultKind.INCOMPLETE),
        (lambda prefix: (prefix.mkdir(), prefix.chmod(0)), FaultKind.PERMISSION),
        (lambda prefix: (plant(prefix, TEXT) / "conda-meta").chmod(0o600), FaultKind.PERMISSION),
        (lambda prefix: (plant(prefix, TEXT) / "conda-meta" / "history").chmod(0o600), FaultKind.PERMISSION),
    ],
    ids=["gone", "none", "no-file", "shut", "shut-inside", "shut-file"],
)  # fmt: skip
async def test_what_cannot_be_read_is_a_fault_with_its_reason(
    make: object, kind: FaultKind, shell: Shell, tmp_path: Path
) -> None:
    open_to_others(tmp_path)
    prefix = tmp_path / "env"
    make(prefix)  # type: ignore[operator]  # a list of lambdas
    with pytest.raises(HostFaultError) as caught:
        await ask(prefix, shell, wrap=NOBODY)
    assert caught.value.fault.kind is kind
    assert f"gpu01:{prefix}" in caught.value.fault.message


async def test_a_pipe_in_its_place_is_not_waited_for(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "conda-meta").mkdir()
    os.mkfifo(tmp_path / "conda-meta" / "history")
    with pytest.raises(HostFaultError) as caught:
        await ask(tmp_path, shell)
    assert caught.value.fault.kind is FaultKind.INCOMPLETE


@pytest.mark.parametrize("body", [b"", b"=history\x001\x00y\x00", b"=other\x000\x00"])
def test_an_answer_without_a_history_makes_no_sense(body: bytes) -> None:
    with pytest.raises(WireError):
        parse_history(body, "/a", "gpu01")


async def test_a_probe_reads_one_over_a_shell_of_its_own_and_closes_it(tmp_path: Path) -> None:
    root = CondaRoot(tmp_path / "c")
    prefix = root.named("a")
    connection = ShellConnection(env={"PATH": GNU_PATH, "TMUX_TMPDIR": str(tmp_path)})
    probe = HostProbe(
        connection,
        HostSpec("gpu01"),
        FakeClock(),
        command_limit=30.0,
        interner=PackageInterner(),
        protect=(),
        inventory=inventory(tmp_path),
    )
    try:
        await probe.status()
        before = len(connection.channels)
        history = await probe.history(str(prefix))
        assert history.revisions and history.revisions[-1].added
        assert len(connection.channels) == before + 1
        assert await connection.channels[-1].wait() is not None
        with pytest.raises(HostFaultError):
            await probe.history(str(tmp_path / "gone"))
        assert await probe.history(str(prefix)) == history
    finally:
        await probe.close()
        await connection.close()
