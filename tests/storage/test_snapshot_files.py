from __future__ import annotations

import dataclasses
import gzip
import json
import logging
import os
import stat
import threading
import time
import types
import typing
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tui.domain.environments import Environment, EnvKind, Install, Manager, UsageSignal, Use
from tui.domain.faults import Fault, FaultKind
from tui.domain.gpus import Gpu, GpuProcess, MigDevice
from tui.domain.machine import Machine, Mount
from tui.domain.packages import Package, PackageInterner, PackageManager, PackageSet
from tui.domain.phrases import phrase
from tui.domain.redact import redact
from tui.domain.sessions import Pane, Session, Window
from tui.domain.snapshot import PARTS, HostSnapshot, Part
from tui.ports import SnapshotStore
from tui.storage import snapshots
from tui.storage.codec import _REDACTED, decode_snapshot, encode_snapshot
from tui.storage.snapshots import Snapshots

TEXT = st.text(st.characters(), max_size=6) | st.binary(max_size=4).map(
    lambda raw: raw.decode("utf-8", "surrogateescape")
)
SAFE = TEXT.filter(lambda text: redact(text) == text)
NUMBER = st.floats(allow_nan=False) | st.integers(-(2**70), 2**70).map(float)
PACKAGES = st.lists(
    st.builds(Package, TEXT, st.none() | TEXT, st.none() | TEXT, st.none() | SAFE, st.sampled_from(PackageManager)),
    max_size=3,
).map(lambda found: PackageInterner().package_set(found))
PLAIN: dict[Any, st.SearchStrategy[Any]] = {
    str: SAFE,
    int: st.integers(-(2**63), 2**63),
    float: st.floats(allow_nan=False),
    bool: st.booleans(),
    PackageSet: PACKAGES,
}


@cache
def values(hint: Any) -> st.SearchStrategy[Any]:
    """Values of a type, dataclasses by their annotations, so that a field added later is tried too."""
    if hint in PLAIN:
        return PLAIN[hint]
    cls: Any = typing.get_origin(hint) or hint
    args = typing.get_args(hint)
    if cls is types.UnionType or cls is typing.Union:
        return st.one_of([st.none() if arg is type(None) else values(arg) for arg in args])
    if cls is tuple and args[-1] is ...:
        return st.lists(values(args[0]), max_size=2).map(tuple)
    if cls is tuple:
        return st.tuples(*map(values, args))
    if cls is frozenset:
        return st.frozensets(values(args[0]), max_size=2)
    if hasattr(cls, "__dataclass_fields__"):
        hints = typing.get_type_hints(cls)
        if cls is Part:
            hints["value"] = args[0] | None
        return st.builds(cls, **{name: values(kind) for name, kind in hints.items()})
    return st.sampled_from(list(cls))


SNAPSHOTS = values(HostSnapshot)


def package_sets(snapshot: HostSnapshot) -> list[tuple[Package, ...]]:
    return [env.packages.packages for env in snapshot.environments.value or ()]


@given(SNAPSHOTS)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_every_field_comes_back_exactly(snapshot: HostSnapshot) -> None:
    data = json.loads(json.dumps(encode_snapshot(snapshot)))
    back = decode_snapshot(data, PackageInterner())
    assert back == dataclasses.replace(snapshot, stale=True)
    assert package_sets(back) == package_sets(snapshot)  # equal sets are told by their digests alone


def full(host: str = "gpu01", environments: int = 40, packages: int = 200) -> HostSnapshot:
    interner = PackageInterner()
    shared = [
        interner.package(f"package-{at}", f"1.{at}", f"py311h{at:x}_0", "conda-forge", PackageManager.CONDA)
        for at in range(packages)
    ]
    envs = tuple(
        Environment(
            host, f"/opt/conda/envs/e{at}", f"e{at}", EnvKind.NAMED, "/opt/conda", Manager.CONDA,
            packages=interner.package_set([*shared, Package(f"own-{at}", "1", None, None, PackageManager.PIP)]),
            packages_known=True, requested=frozenset({"a", "b"}), python="3.11.4", created=1.5, last_used=2.5,
            last_used_signal=UsageSignal.PROCESS, in_use=(Use(7, "ada", "python --token hunter2", "exe"),),
        )
        for at in range(environments)
    )  # fmt: skip
    return HostSnapshot(host, environments=Part(envs, 12.5), machine=Part(Machine(cores=4), 1.0))


def test_a_snapshot_is_kept_private_and_comes_back_stale(tmp_path: Path) -> None:
    store: SnapshotStore = Snapshots(tmp_path / "state")
    store.save(full())
    (file,) = (tmp_path / "state" / "snapshots").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == stat.S_IMODE(file.parent.parent.stat().st_mode) == 0o700
    back = store.load(["gpu01", "gpu02"])
    assert list(back) == ["gpu01"]
    assert back["gpu01"].stale
    assert back["gpu01"].time == 12.5


def test_a_phrase_comes_back_as_its_english_words(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    lost = Fault(
        FaultKind.LOST, phrase("The connection to {host} was lost.", host="gpu01"), phrase("It is tried again.")
    )
    store.save(HostSnapshot("gpu01", load=Part(None, 1.0, lost)))
    back = store.load(["gpu01"])["gpu01"].load.fault
    assert back == lost
    assert back is not None
    assert back.message == "The connection to gpu01 was lost."


def test_packages_are_shared_in_memory_and_small_on_the_disk(tmp_path: Path) -> None:
    interner = PackageInterner()
    store = Snapshots(tmp_path, interner)
    store.save(full("a"))
    store.save(full("b"))
    back = store.load(["a", "b"])
    sets = [env.packages for name in "ab" for env in back[name].environments.value or ()]
    assert len({id(found) for found in sets}) == 40
    assert len({id(package) for found in sets for package in found.packages}) == 240
    assert max(file.stat().st_size for file in (tmp_path / "snapshots").iterdir()) < 40_000


def test_no_secret_reaches_the_disk(tmp_path: Path) -> None:
    secret = "hunter2Zq9"
    leak = f"x --password {secret} https://u:{secret}@h/t/{secret}/c"
    packages = PackageInterner().package_set([Package("a", "1", "0", f"https://h/t/{secret}/c", PackageManager.CONDA)])
    env = Environment("h", "/e", "e", EnvKind.NAMED, None, Manager.CONDA, packages, True, in_use=(Use(1, "u", leak),))
    window = Window("@1", 0, leak, True, (Pane("%1", 1, leak, leak),))
    snapshot = HostSnapshot(
        "h",
        environments=Part((env,)),
        gpus=Part((Gpu("h", 0, processes=(GpuProcess(1, command=leak),)),), 1.0, Fault(FaultKind.LOST, leak, leak)),
        mounts=Part((Mount("/m", f"//u:{secret}@srv/x", "cifs", fault=Fault(FaultKind.LOST, leak, "")),)),
        sessions=Part((Session("h", "tmux", "/s", "$1", "n", windows=(window,)),)),
    )
    Snapshots(tmp_path).save(snapshot)
    (file,) = (tmp_path / "snapshots").iterdir()
    assert secret.encode() not in gzip.decompress(file.read_bytes())
    assert Snapshots(tmp_path).load(["h"])["h"].environments.value is not None


def test_the_fields_that_are_redacted_exist() -> None:
    for cls, names in _REDACTED.items():
        assert names <= {field.name for field in dataclasses.fields(cls)}


def test_every_part_is_kept() -> None:
    assert {"host", "stale", *PARTS} == {field.name for field in dataclasses.fields(HostSnapshot)}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no gzip",
        gzip.compress(b"{"),
        gzip.compress(b"[]"),
        gzip.compress(b"null"),
        gzip.compress(b'{"schema":2,"packages":[],"sets":[],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1}'),
        gzip.compress(b'{"schema":1,"packages":[1],"sets":[],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1,"packages":[["a",1,null,null,"conda"]],"sets":[],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1,"packages":[["a",null,null,null,"apt"]],"sets":[],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[[0]],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[5],"snapshot":{"host":"gpu01"}}'),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[],"snapshot":{}}'),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":5}}'),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":"other"}}'),
        gzip.compress(
            b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":"gpu01","load":{"value":{"load1":"x"}}}}'
        ),
        gzip.compress(
            b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":"gpu01","gpus":{"value":[{"index":0}]}}}'
        ),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":"gpu01","gpus":{"value":5}}}'),
        gzip.compress(b"[" * 200_000),
        gzip.compress(b" " * (17 << 20)),
        gzip.compress(b'{"schema":1,"packages":[],"sets":[],"snapshot":{"host":"gpu01"}}')[:-9],
    ],
    ids=lambda content: f"{len(content)}-bytes",
)
def test_a_damaged_foreign_or_newer_file_is_left_out_and_logged(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    store = Snapshots(tmp_path)
    store.save(full("gpu01", 1, 1))
    store.save(full("gpu02", 1, 1))
    (file,) = (tmp_path / "snapshots").glob("gpu01*")
    file.write_bytes(content)
    with caplog.at_level(logging.WARNING):
        assert list(store.load(["gpu01", "gpu02"])) == ["gpu02"]
    assert "the snapshot of gpu01 is left out" in caplog.text


def test_a_file_of_an_older_program_without_a_newer_field_is_read(tmp_path: Path) -> None:
    data = {"schema": 1, "packages": [], "sets": [], "snapshot": {"host": "h", "new": 5, "load": {"time": 3}}}
    back = decode_snapshot(data, PackageInterner())
    assert back == HostSnapshot("h", load=Part(None, 3.0), stale=True)


def test_what_others_could_have_written_is_not_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = Snapshots(tmp_path)
    store.save(full("gpu01", 1, 1))
    (file,) = (tmp_path / "snapshots").iterdir()
    file.chmod(0o666)
    assert store.load(["gpu01"]) == {}
    file.chmod(0o600)
    other = file.rename(tmp_path / "elsewhere")
    file.symlink_to(other)
    assert store.load(["gpu01"]) == {}
    file.unlink()
    os.mkfifo(file)
    assert store.load(["gpu01"]) == {}


def test_names_that_differ_in_case_alone_or_look_like_paths_have_files_of_their_own(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    names = ["gpu", "GPU", ".", "..", "x" * 255]
    for name in names:
        store.save(full(name, 1, 1))
    assert list(store.load(names)) == names
    assert len({file.name.lower() for file in (tmp_path / "snapshots").iterdir()}) == len(names)
    assert [item.name for item in tmp_path.iterdir()] == ["snapshots"]


def test_the_oldest_hosts_go_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots, "MAX_HOSTS", 3)
    store = Snapshots(tmp_path)
    for at in range(5):
        store.save(full(f"h{at}", 1, 1))
        for file in (tmp_path / "snapshots").glob(f"h{at}-*"):
            os.utime(file, (1000 + at, 1000 + at))
    assert list(store.load([f"h{at}" for at in range(5)])) == ["h2", "h3", "h4"]


def test_a_huge_snapshot_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(snapshots, "MAX_BYTES", 1000)
    Snapshots(tmp_path).save(full())
    assert "is not kept" in caplog.text
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_client_left_is_swept_up(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    store.save(full("h", 1, 1))
    left = tmp_path / "snapshots" / ".new-x"
    young = tmp_path / "snapshots" / ".new-y"
    left.touch()
    young.touch()
    os.utime(left, (1, 1))
    store.save(full("h", 1, 1))
    assert not left.exists()
    assert young.exists()


def test_two_clients_at_once_leave_a_whole_file(tmp_path: Path) -> None:
    stop = time.monotonic() + 1
    failures: list[str] = []

    def client(cores: int) -> None:
        store = Snapshots(tmp_path)
        snapshot = dataclasses.replace(full("h", 5, 20), machine=Part(Machine(cores=cores), 1.0))
        while time.monotonic() < stop:
            store.save(snapshot)
            back = store.load(["h"])
            machine = back["h"].machine.value if back else None
            if machine is None or machine.cores not in (1, 2):
                failures.append(repr(back))

    threads = [threading.Thread(target=client, args=(cores,)) for cores in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(list((tmp_path / "snapshots").iterdir())) == 1


def test_a_disk_that_fails_is_logged_once_and_raises_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "state").write_text("a file")
    store = Snapshots(tmp_path / "state")
    store.save(full("h", 1, 1))
    store.save(full("h", 1, 1))
    store.save_search("h", ["/x"])
    assert store.load(["h"]) == {}
    assert store.load_search("h") == ()
    assert caplog.text.count("nothing is kept in") == 2  # one for each folder


def test_places_to_search_are_remembered(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    assert store.load_search("h") == ()
    store.save_search("h", ["/data", "~/x", "/data", "/b\udcff"])
    assert Snapshots(tmp_path).load_search("h") == ("/data", "~/x", "/b\udcff")
    assert store.load_search("H") == ()
    store.save_search("h", [f"/{at}" for at in range(150)])
    assert len(store.load_search("h")) == 100
    store.save_search("h", [])
    assert store.load_search("h") == ()
    (file,) = (tmp_path / "search").iterdir()
    file.write_text("{")
    assert store.load_search("h") == () == store.load_found("h")


def test_what_a_search_found_is_remembered_within_bounds_and_never_at_the_cost_of_the_place(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    store.save_search("h", ["/data"], ["/data/a", "relative", "/data/a", "/data/n\udcffl", "/nul\0", "/" + "x" * 5000])
    assert Snapshots(tmp_path).load_found("h") == ("/data/a", "/data/n\udcffl")
    store.save_search("h", ["/data"], [f"/data/{at}" for at in range(900)])
    assert store.load_found("h") == tuple(f"/data/{at}" for at in range(500))
    # The longest names in their longest spelling: still a file that is read again.
    store.save_search("h", ["/data"], [f"/{at:03}" + "\udcff" * 4000 for at in range(500)])
    assert store.load_search("h") == ("/data",) and len(store.load_found("h")) > 10
    (file,) = (tmp_path / "search").iterdir()
    file.write_text(json.dumps({"schema": 1, "host": "h", "paths": ["/data"], "found": {"/x": 1}}))
    assert store.load_search("h") == ("/data",) and store.load_found("h") == ()


def test_saving_a_large_host_takes_little_time(tmp_path: Path) -> None:
    store = Snapshots(tmp_path)
    snapshot = full()
    store.save(snapshot)
    start = time.process_time()
    for _ in range(5):
        store.save(snapshot)
    assert (time.process_time() - start) / 5 < 0.25


def test_a_mig_slice_and_an_odd_value_survive(tmp_path: Path) -> None:
    gpu = Gpu("h", 0, name="A\udcff\x1b[red]", mig=True, mig_devices=(MigDevice(0, None, "", 0, None),), processes=())
    install = Install("/opt", Manager.MAMBA, None, tools=(("conda", None), ("mamba", "")))
    snapshot = HostSnapshot("h", gpus=Part((gpu,)), installs=Part((install,)), mounts=Part(()), sessions=Part(None))
    Snapshots(tmp_path).save(snapshot)
    assert Snapshots(tmp_path).load(["h"])["h"] == dataclasses.replace(snapshot, stale=True)
