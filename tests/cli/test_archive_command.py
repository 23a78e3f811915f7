"""``archive list|show|restore``."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.cli.fakechanges import FakeDesk, FakeTasks
from tests.cli.fakes import HOSTILE, HOSTILE_SHOWN, MACHINE, Answer, FakeBackend, Run, fleet
from tests.domain.envrecords import FORGE, MD5, conda
from tui.domain.archive import ArchiveCause, archive_texts
from tui.domain.changes import ChangeKind, Concern, ConcernKind
from tui.domain.environments import Install, Manager
from tui.domain.envrecord import Condarc, EnvironmentRecord, PipOrigin, PipRecord
from tui.storage.archives import Archives
from tui.terminal.prompts import TtyPrompter

SECRET = "hunter2-Zq9"
ROOT = Install("/opt/conda", Manager.CONDA, "26.7.1", writable=True, envs_dirs=("/opt/conda/envs",))
CAUSE = ArchiveCause("remove", "ada@laptop", "20261121-120000-00000001", "/opt/conda")
LLM = EnvironmentRecord(
    "gpu01", "/opt/conda/envs/llm", "llm", (conda("numpy"), conda("python", "3.11.7")),
    (PipRecord("rich", "13.0"), PipRecord("dev", "0.1", PipOrigin.EDITABLE, "/home/ada/dev")),
    variables=(("CUDA_HOME", "/usr/local/cuda"),),
    condarcs=(Condarc("/home/ada/.condarc", "# \x1b[2J\nchannels: [conda-forge]\n"),),
)  # fmt: skip
ODD = EnvironmentRecord("gone", f"/data/{HOSTILE}", None, (conda("numpy", url=None, channel=None, file_name=None),))
PRIVATE = replace(LLM, name="own", conda=(conda("own", channel=f"https://u:{SECRET}@x.example/ch"),))


class Ticking:
    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        self.now += 86400
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Archives:
    return Archives(tmp_path, Ticking())


@pytest.fixture
def backend(store: Archives) -> FakeBackend:
    parts: dict[str, Any] = {"machine": MACHINE, "mounts": (), "gpus": (), "installs": (ROOT,), "environments": ()}
    made = fleet({"gpu01": Answer(parts), "gpu02": Answer(parts)}, desk=FakeDesk(FakeTasks()))
    made.kept = store
    return made


def test_archives_are_listed_the_newest_first_and_no_host_is_asked(
    run: Run, backend: FakeBackend, store: Archives
) -> None:
    ids = [store.save(record, CAUSE) for record in (LLM, ODD)]
    done = run(backend, "archive")
    assert done.code == 0 and not backend.fleets
    lines = done.out.splitlines()
    assert lines[0].split() == ["ID", "AGE", "ENVIRONMENT", "BEFORE", "BY", "CONDA", "PIP"]
    assert lines[1].startswith(ids[1]) and f"gone:/data/{HOSTILE_SHOWN}" in lines[1]
    assert lines[2].startswith(ids[0]) and "gpu01:llm" in lines[2] and "remove" in lines[2]
    shown = run(backend, "archive", "list", "--json").json
    assert [each["id"] for each in shown["archives"]] == ids[::-1]
    assert shown["hosts"] == [] and shown["error"] is None
    newest, oldest = shown["archives"]
    assert newest["name"] is None and newest["prefix"] == f"/data/{HOSTILE_SHOWN}"
    assert {key: oldest[key] for key in ("host", "name", "kind", "operator", "task", "install", "conda_packages")} == {
        "host": "gpu01", "name": "llm", "kind": "remove", "operator": "ada@laptop", "task": CAUSE.task,
        "install": "/opt/conda", "conda_packages": 2,
    }  # fmt: skip
    assert oldest["time"].endswith("Z") and oldest["size_bytes"] > 0
    assert [(each["reason"], each["names"]) for each in oldest["missing"]] == [("editable", ["dev"])]


@pytest.mark.parametrize(
    ("patterns", "count"),
    [
        (["gpu01"], 1), (["gpu01:llm"], 1), (["*:l*"], 1), (["gpu01:/opt/conda/envs/llm"], 1), (["gone", "gpu01"], 2),
        ([f"gone:/data/{HOSTILE_SHOWN}"], 1), (["gpu0[1-9]:nope"], 0), (["gpu02"], 0),
    ],
)  # fmt: skip
def test_a_list_is_narrowed_by_host_and_name(
    run: Run, backend: FakeBackend, store: Archives, patterns: list[str], count: int
) -> None:
    for record in (LLM, ODD):
        store.save(record, CAUSE)
    done = run(backend, "archive", *patterns, "--json")
    assert len(done.json["archives"]) == count
    assert done.code == (0 if count else 4)


def test_nothing_archived_yet_is_no_failure(run: Run, backend: FakeBackend) -> None:
    done = run(backend, "archive", "list")
    assert done.code == 0 and "nothing was archived yet" in done.err


def test_a_damaged_archive_is_named_beside_the_others(
    run: Run, backend: FakeBackend, store: Archives, tmp_path: Path
) -> None:
    bad, good = store.save(LLM, CAUSE), store.save(LLM, CAUSE)
    (tmp_path / "archives" / bad / "archive.json").write_text("{")
    done = run(backend, "archive", "list")
    assert good in done.out and bad not in done.out and bad in done.err
    shown = run(backend, "archive", "show", bad, "--json")
    assert shown.code == 1 and shown.json["error"]["kind"] == "storage"


def test_an_archive_is_shown_with_what_cannot_be_made_again(run: Run, backend: FakeBackend, store: Archives) -> None:
    id_ = store.save(LLM, CAUSE)
    done = run(backend, "archive", "show", id_[:12])
    assert done.code == 0
    assert id_ in done.out and "gpu01:llm" in done.out and "environment.yml" in done.out
    assert "pip packages that use their sources where they lie: dev" in done.err
    (archive,) = run(backend, "archive", "show", id_, "--json").json["archives"]
    texts = archive_texts(LLM)
    assert archive["texts"]["environment.yml"] == texts["environment.yml"]
    assert sorted(archive["texts"]) == sorted(texts) == archive["files"]


def test_a_file_of_an_archive_is_printed_exactly(run: Run, backend: FakeBackend, store: Archives) -> None:
    id_ = store.save(LLM, CAUSE)
    for name, text in archive_texts(LLM).items():
        done = run(backend, "archive", "show", id_, "--file", name)
        assert done.code == 0 and done.err == ""
        assert done.out == text.replace("\x1b", "\\x1b")
    missing = run(backend, "archive", "show", id_, "--file", "../archive.json", "--json")
    assert missing.code == 4 and "environment.yml" in missing.json["error"]["remedy"]


@pytest.mark.parametrize("wanted", ["nope", "../../etc", "2", ""])
def test_an_id_that_fits_none_or_several_matches_nothing(
    run: Run, backend: FakeBackend, store: Archives, wanted: str
) -> None:
    for _ in range(2):
        store.save(LLM, CAUSE)
    assert run(backend, "archive", "show", wanted, "--json").code == 4


def test_an_archive_is_made_again_where_it_was(run: Run, backend: FakeBackend, store: Archives) -> None:
    id_ = store.save(LLM, CAUSE)
    done = run(backend, "archive", "restore", id_, "--yes", "--json")
    assert done.code == 0, done.err
    assert backend.desk is not None
    (change,) = backend.desk.started
    assert (change.kind, change.host) == (ChangeKind.CREATE, "gpu01")
    assert (change.prefix, change.name) == ("/opt/conda/envs/llm", "llm")
    assert change.install == "/opt/conda"
    assert change.explicit == (
        f"{FORGE}/linux-64/numpy-1.0-h0_0.conda#{MD5}", f"{FORGE}/linux-64/python-3.11.7-h0_0.conda#{MD5}",
    )  # fmt: skip
    assert change.specs == () and change.pip == ("rich==13.0",)
    assert "pip packages that use their sources where they lie: dev" in done.err
    assert "conda env config vars set`: CUDA_HOME" in done.err


def test_an_archive_is_made_again_elsewhere(run: Run, backend: FakeBackend, store: Archives) -> None:
    id_ = store.save(ODD, CAUSE)
    done = run(backend, "archive", "restore", id_, "gpu02:again", "--yes")
    assert done.code == 0, done.err
    assert backend.desk is not None
    (change,) = backend.desk.started
    assert (change.host, change.prefix, change.name) == ("gpu02", "/opt/conda/envs/again", "again")
    assert change.explicit == () and change.specs == ("numpy=1.0=h0_0",)
    assert run(backend, "archive", "restore", id_, "--yes").code == 2, "the host is not in the fleet any more"


def test_what_lost_its_credentials_is_not_made_again_without_them(
    run: Run, backend: FakeBackend, store: Archives, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.cli.restore.TtyPrompter", partial(TtyPrompter, "/nonexistent"))
    id_ = store.save(PRIVATE, CAUSE)
    done = run(backend, "archive", "restore", id_, "--yes", "--json")
    assert done.code == 3
    error = done.json["error"]
    assert "https://REDACTED@x.example/ch" in error["message"] and "Nothing was changed" in error["message"]
    assert f"archive show {id_} --file environment.yml" in error["remedy"]
    assert backend.desk is not None and not backend.desk.looked
    assert SECRET not in done.out + done.err


def test_a_restore_asks_and_is_refused_as_a_creation_is(run: Run, backend: FakeBackend, store: Archives) -> None:
    id_ = store.save(LLM, CAUSE)
    assert run(backend, "archive", "restore", id_).code == 2
    exists = Concern.of(ConcernKind.EXISTS, "something is there")
    backend.desk = FakeDesk(FakeTasks(), concerns={LLM.prefix: (exists,)})
    assert run(backend, "archive", "restore", id_, "--dry-run", "--json").code == 3
    assert run(backend, "archive", "restore", id_, "--yes", "--json").code == 3
    assert not backend.desk.started
    nothing = store.save(replace(LLM, conda=(), pip=()), CAUSE)
    assert run(backend, "archive", "restore", nothing, "--yes", "--json").code == 3
