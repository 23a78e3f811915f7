"""Archives on the operator's machine: whole or not there, private, bounded, and never silently lost."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.domain.envrecords import RECORDS, asked, conda, history
from tui.domain.archive import ArchiveCause, archive_texts
from tui.domain.envrecord import Condarc, EnvironmentRecord, PipOrigin, PipRecord, without_secrets
from tui.domain.errors import NothingMatchedError, StorageError
from tui.domain.exports import Form, render
from tui.domain.losses import losses
from tui.storage.archives import LEFT_S, YOUNG_S, Archives

NOW = 1_790_000_000.5
DAY = 86400.0
SECRET = "hunter2-Zq9"
CAUSE = ArchiveCause("remove", "ada@laptop", "20261121-120000-abcd", "/opt/conda")
ENVIRONMENT = EnvironmentRecord(
    "gpu01", "/opt/conda/envs/llm", "llm", (conda("numpy"), conda("python", "3.11.7")),
    (PipRecord("rich", "13.0"), PipRecord("own", "0.1", PipOrigin.EDITABLE, "/home/ada/own")),
    history(asked("numpy", "python=3.11", command="conda create -n llm numpy python=3.11")), ("numpy 1.*",), None,
    (("HF_TOKEN", SECRET),), (Condarc("/home/ada/.condarc", f"channels: [https://u:{SECRET}@x.example/c]"),),
)  # fmt: skip


class Ticking:
    """A clock that goes on by a second whenever it is looked at."""

    def __init__(self, now: float = NOW) -> None:
        self.now = now

    def __call__(self) -> float:
        self.now += 1
        return self.now


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_what_was_kept_is_read_back_whole(tmp_path: Path) -> None:
    store = Archives(tmp_path / "state", lambda: NOW)
    id_ = store.save(ENVIRONMENT, CAUSE)
    archive = store.load(id_)
    assert archive.record == without_secrets(ENVIRONMENT)
    assert archive.texts == archive_texts(ENVIRONMENT)
    assert set(archive.texts) == {
        "environment.yml", "environment-no-builds.yml", "environment-from-history.yml", "explicit.txt",
        "pip-freeze.txt", "condarc.yml", "pinned",
    }  # fmt: skip
    assert archive.texts["environment.yml"] == render(ENVIRONMENT, Form.FULL).text
    head = archive.head
    assert (head.id, head.time, head.cause) == (id_, NOW, CAUSE)
    assert (head.host, head.prefix, head.name, head.label) == ("gpu01", "/opt/conda/envs/llm", "llm", "gpu01:llm")
    assert (head.conda_packages, head.pip_packages) == (2, 2)
    assert head.missing == losses(ENVIRONMENT)
    assert head.files == tuple(sorted(archive.texts)) and head.size_bytes > 1000
    assert store.list().archives == (head,)
    assert store.list().unreadable == ()


def test_no_file_of_an_archive_holds_a_secret(tmp_path: Path) -> None:
    Archives(tmp_path, lambda: NOW).save(ENVIRONMENT, CAUSE)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == 9
    assert not any(SECRET.encode() in path.read_bytes() for path in files)


@given(record=RECORDS)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_whatever_a_host_said_is_kept_and_read_back(record: EnvironmentRecord, tmp_path: Path) -> None:
    store = Archives(tmp_path, lambda: NOW)
    archive = store.load(store.save(record, CAUSE))
    assert archive.record == without_secrets(record)
    assert archive.head.missing == losses(record)
    shutil.rmtree(tmp_path / "archives")


def test_all_of_it_is_private(tmp_path: Path) -> None:
    old = os.umask(0)
    try:
        Archives(tmp_path / "state", lambda: NOW).save(ENVIRONMENT, CAUSE)
    finally:
        os.umask(old)
    for path in (tmp_path / "state").rglob("*"):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700


def test_ids_sort_by_time_and_are_found_by_their_beginning(tmp_path: Path) -> None:
    store = Archives(tmp_path, Ticking())
    ids = [store.save(ENVIRONMENT, CAUSE) for _ in range(5)]
    assert ids == sorted(ids)
    assert [head.id for head in store.list().archives] == ids[::-1]
    assert store.load(ids[2][:16]).head.id == ids[2]
    for wanted in ("", "2", "../..", ids[0] + "x", "99999999", ".new-x", "*", ids[0][:8]):
        with pytest.raises(NothingMatchedError):
            store.load(wanted)


def test_nothing_kept_yet_is_an_empty_list(tmp_path: Path) -> None:
    assert Archives(tmp_path / "nothing").list().archives == ()
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (lambda folder: (folder / "environment.yml").unlink(), "environment.yml is missing"),
        (lambda folder: (folder / "environment.yml").write_text("name: other"), "environment.yml is not what was"),
        (lambda folder: (folder / "record.json").write_text("{}"), "record.json is not what was"),
        (lambda folder: (folder / "explicit.txt").chmod(0o622), "no plain file"),
        (lambda folder: (folder / "archive.json").unlink(), "it has no archive.json"),
        (lambda folder: (folder / "archive.json").write_text("[" * 100000), "makes no sense"),
        (lambda folder: (folder / "archive.json").write_text('{"schema": 9}'), "another version"),
        (
            lambda folder: (folder / "archive.json").write_text('{"schema": 1, "archive": {}, "contents": {}}'),
            "without",
        ),
        (lambda folder: folder.chmod(0o777), "only this user"),
    ],
)
def test_a_damaged_archive_is_named_and_never_taken_for_whole(
    harm: Callable[[Path], Any], why: str, tmp_path: Path
) -> None:
    store = Archives(tmp_path, Ticking())
    bad, good = store.save(ENVIRONMENT, CAUSE), store.save(ENVIRONMENT, CAUSE)
    harm(tmp_path / "archives" / bad)
    listing = store.list()
    assert good in [head.id for head in listing.archives]
    assert all(id_ == bad for id_, _ in listing.unreadable)
    with pytest.raises(StorageError) as caught:
        store.load(bad)
    assert why in caught.value.message
    assert store.load(good).record == without_secrets(ENVIRONMENT)


def test_an_archive_of_another_name_is_not_taken(tmp_path: Path) -> None:
    store = Archives(tmp_path, lambda: NOW)
    id_ = store.save(ENVIRONMENT, CAUSE)
    (tmp_path / "archives" / id_).rename(tmp_path / "archives" / f"{id_[:-4]}0000")
    assert store.list().archives == () and len(store.list().unreadable) == 1


# Bounds


def test_the_oldest_go_and_the_young_not_without_a_word(tmp_path: Path) -> None:
    clock = Ticking(NOW - 200 * DAY)
    said: list[str] = []
    store = Archives(tmp_path, clock, most=3)
    old = [store.save(ENVIRONMENT, CAUSE, told=said.append) for _ in range(3)]
    clock.now = NOW
    young = [store.save(ENVIRONMENT, CAUSE, told=said.append) for _ in range(3)]
    assert [head.id for head in store.list().archives] == young[::-1]
    assert said == []
    last = store.save(ENVIRONMENT, CAUSE, told=said.append)
    assert [head.id for head in store.list().archives] == [last, *young[:0:-1]]
    assert len(said) == 1 and young[0] in said[0] and "gpu01:llm" in said[0]
    assert names(tmp_path / "archives") == sorted([last, *young[1:]])
    assert not set(old) & set(names(tmp_path / "archives"))


def test_their_sizes_are_bounded_together_and_the_new_one_stays(tmp_path: Path) -> None:
    store = Archives(tmp_path, Ticking(), most_bytes=1)
    store.save(ENVIRONMENT, CAUSE)
    last = store.save(ENVIRONMENT, CAUSE)
    assert [head.id for head in store.list().archives] == [last]
    size = store.list().archives[0].size_bytes
    roomy = Archives(tmp_path, Ticking(NOW + 100), most_bytes=3 * size + 10)
    for _ in range(5):
        roomy.save(ENVIRONMENT, CAUSE)
    assert len(roomy.list().archives) == 3


def test_what_killed_clients_left_is_never_listed_and_goes_in_time(tmp_path: Path) -> None:
    store = Archives(tmp_path, lambda: NOW)
    id_ = store.save(ENVIRONMENT, CAUSE)
    folder = tmp_path / "archives"
    for name in (".new-abc", f".gone-{id_}", ".new-now"):
        (folder / name).mkdir()
        (folder / name / "archive.json").write_text("{}")
        then = NOW if name == ".new-now" else NOW - LEFT_S - 1
        os.utime(folder / name, (then, then))
    assert [head.id for head in store.list().archives] == [id_]
    assert store.list().unreadable == ()
    store.save(ENVIRONMENT, CAUSE)
    assert [name for name in names(folder) if name.startswith(".")] == [".new-now"]


# Two clients, a killed one, a full disk

DYING = """
import os, signal, sys
from pathlib import Path
from tests.storage.test_archives import CAUSE, ENVIRONMENT
from tui.storage.archives import Archives
real = os.fsync
for wanted in range(1, 13):
    if os.fork() == 0:
        left = [wanted]
        def fsync(descriptor):
            left[0] -= 1
            if not left[0]:
                os.kill(os.getpid(), signal.SIGKILL)
            real(descriptor)
        os.fsync = fsync
        Archives(Path(sys.argv[1], str(wanted))).save(ENVIRONMENT, CAUSE)
        os._exit(0)
    print(wanted, os.waitstatus_to_exitcode(os.wait()[1]), flush=True)
"""


def test_a_writer_killed_at_any_moment_leaves_a_whole_archive_or_none(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(tmp_path)], cwd=root, capture_output=True, text=True, check=True, timeout=120
    )
    killed = [int(line.split()[0]) for line in done.stdout.splitlines() if line.endswith(" -9")]
    # Nine files, their folder, and the folder of all: the twelfth moment is behind the end.
    assert killed == list(range(1, 12))
    for moment in range(1, 13):
        store = Archives(tmp_path / str(moment))
        listing = store.list()
        assert listing.unreadable == ()
        assert len(listing.archives) == (1 if moment > 10 else 0)
        for head in listing.archives:
            assert store.load(head.id).record == without_secrets(ENVIRONMENT)


def save_many(state: str, count: int) -> None:
    store = Archives(Path(state), most=5)
    for _ in range(count):
        store.load(store.save(ENVIRONMENT, CAUSE))


def test_two_clients_that_write_and_prune_at_once_do_not_harm_each_other(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    clients = [context.Process(target=save_many, args=(str(tmp_path), 3)) for _ in range(2)]
    for client in clients:
        client.start()
    for client in clients:
        client.join(120)
        assert client.exitcode == 0
    store = Archives(tmp_path)
    assert len(store.list().archives) == 5 and store.list().unreadable == ()
    assert not [name for name in names(tmp_path / "archives") if name.startswith(".")]


FILLING = """
import resource, signal, sys
from pathlib import Path
from tests.storage.test_archives import CAUSE, ENVIRONMENT
from tui.domain.errors import StorageError
from tui.storage.archives import Archives
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
try:
    Archives(Path(sys.argv[1])).save(ENVIRONMENT, CAUSE)
except StorageError as error:
    print(error.message, error.remedy, sep="\\n")
"""


@pytest.mark.parametrize("room", [0, 100, 1000])
def test_a_full_disk_is_an_error_that_says_that_nothing_was_changed(room: int, tmp_path: Path) -> None:
    first = Archives(tmp_path, lambda: NOW).save(ENVIRONMENT, CAUSE)
    # A limit on the size of files fails as a full disk does: in the middle of a write.
    root = Path(__file__).resolve().parents[2]
    argv = [sys.executable, "-c", FILLING, str(tmp_path), str(room)]
    done = subprocess.run(argv, cwd=root, capture_output=True, text=True, check=True, timeout=120)
    message, remedy = done.stdout.splitlines()
    assert "gpu01:/opt/conda/envs/llm" in message and "File too large" in message
    assert message.endswith("Nothing was changed on gpu01.")
    assert remedy.startswith("Free space there")
    assert names(tmp_path / "archives") == [first]


def test_a_folder_that_cannot_be_used_is_an_error_before_anything_is_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError) as caught:
        Archives(tmp_path / "file").save(ENVIRONMENT, CAUSE)
    assert "Nothing was changed on gpu01." in caught.value.message
    shared = tmp_path / "shared"
    shared.mkdir(mode=0o777)
    shared.chmod(0o777)
    (shared / "somebody's").write_text("")
    with pytest.raises(StorageError):
        Archives(shared).save(ENVIRONMENT, CAUSE)
    assert names(shared) == ["somebody's"]


def test_one_that_is_too_large_is_not_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.storage.archives.MAX_BYTES", 1000)
    with pytest.raises(StorageError, match="larger"):
        Archives(tmp_path).save(ENVIRONMENT, CAUSE)
    assert not (tmp_path / "archives").exists()


def test_a_later_version_is_left_alone(tmp_path: Path) -> None:
    store = Archives(tmp_path, Ticking(), most=1)
    id_ = store.save(ENVIRONMENT, CAUSE)
    head = tmp_path / "archives" / id_ / "archive.json"
    head.write_text(json.dumps({**json.loads(head.read_text()), "schema": 2}))
    store.save(ENVIRONMENT, CAUSE)
    store.save(ENVIRONMENT, CAUSE)
    assert id_ in names(tmp_path / "archives")
    assert [each for each, _ in store.list().unreadable] == [id_]
    assert YOUNG_S == 90 * DAY
