"""What an environment can be made again from: asked over a real shell, and kept before something is done to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest

from tests.condaroot import NUMPY, PYTHON, CondaRoot, pip_install
from tests.remote.inventories import lane
from tui.domain.archive import ArchiveCause
from tui.domain.changes import Change, ChangeKind, ConcernKind, Prepared
from tui.domain.envrecord import Unread
from tui.domain.errors import HostFaultError, StorageError
from tui.domain.faults import FaultKind
from tui.domain.settings import Settings
from tui.remote.lane import Lane
from tui.services.exporting import Archiver, read_export
from tui.storage.archives import Archives

T = TypeVar("T")


class OneHost:
    """Of a fleet what is asked for here: questions to this machine."""

    def __init__(self) -> None:
        self.settings = Settings(hosts=())
        self.kinds: list[str] = []

    async def put_question(
        self, host: str, kind: str, question: Callable[[Lane], Awaitable[T]], *, keep: bool = False
    ) -> T:
        self.kinds.append(kind)
        assert host == "gpu01" and not keep
        async with lane() as opened:
            return await question(opened)


@pytest.fixture
def prefix(tmp_path: Path) -> Path:
    made = CondaRoot(tmp_path / "conda").named("llm", (PYTHON, NUMPY))
    pip_install(made, "rich", "13.0")
    return made


def prepared(prefix: Path, *accepted: ConcernKind) -> Prepared:
    change = Change(ChangeKind.REMOVE, "gpu01", str(prefix), "/opt/conda", "llm", accepted=frozenset(accepted))
    return Prepared(change, ("rm",), 1.0)


def archiver(tmp_path: Path, fleet: Any) -> tuple[Archiver, Archives]:
    store = Archives(tmp_path / "state")
    return Archiver(fleet, store, "ada@laptop"), store


async def test_an_environment_is_read_over_a_lane_of_its_own(prefix: Path) -> None:
    fleet = OneHost()
    record = await read_export(fleet, "gpu01", str(prefix), "llm")  # type: ignore[arg-type]  # a part of it
    assert fleet.kinds == ["export"]
    assert (record.host, record.prefix, record.name) == ("gpu01", str(prefix), "llm")
    assert [each.name for each in record.conda] == ["numpy", "python"]
    assert [each.name for each in record.pip] == ["rich"]


async def test_what_is_needed_to_make_it_again_is_kept_with_who_and_why(prefix: Path, tmp_path: Path) -> None:
    keep, store = archiver(tmp_path, OneHost())
    await keep(prepared(prefix), "20261121-120000-abcd")
    (head,) = store.list().archives
    assert head.cause == ArchiveCause("remove", "ada@laptop", "20261121-120000-abcd", "/opt/conda")
    assert (head.label, head.conda_packages, head.pip_packages) == ("gpu01:llm", 2, 1)
    assert "rich==13.0" in store.load(head.id).texts["environment.yml"]


async def test_what_cannot_be_read_or_kept_stops_what_was_to_follow(prefix: Path, tmp_path: Path) -> None:
    keep, store = archiver(tmp_path, OneHost())
    with pytest.raises(HostFaultError):
        await keep(prepared(tmp_path / "gone"), "t")
    (tmp_path / "nothing").mkdir()
    with pytest.raises(HostFaultError) as caught:
        await keep(prepared(tmp_path / "nothing"), "t")
    assert caught.value.fault.kind is FaultKind.INCOMPLETE
    assert store.list().archives == ()
    (tmp_path / "state").write_text("")
    with pytest.raises(StorageError, match="Nothing was changed on gpu01"):
        await keep(prepared(prefix), "t")


async def test_of_what_is_known_to_be_incomplete_the_little_there_is_is_kept(tmp_path: Path) -> None:
    keep, store = archiver(tmp_path, OneHost())
    (tmp_path / "half").mkdir()
    id_ = await keep.keep(prepared(tmp_path / "half", ConcernKind.INCOMPLETE), "t")
    assert store.load(id_).record.unread == (Unread.PACKAGES,)
