"""What of an explicit list can be carried to another host, and under which names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.carrying import Cargo, Load, Parcel, bases, cargo_concerns, nested_folder, parcels, wants_carrying
from tui.domain.changes import CarryMode, Change, ChangeKind, ConcernKind, EnvRef, Severity

MD5 = "0123456789abcdef" * 2
SHA256 = MD5 * 2
SERVER = "https://conda.example/main"
COPY = Change(
    ChangeKind.CLONE, "gpu02", "/opt/conda/envs/a", source=EnvRef("gpu01", "/opt/conda/envs/a"), explicit=("x",)
)


def test_a_package_with_its_hash_is_a_parcel() -> None:
    line = f"{SERVER}/linux-64/a-1.0-h0.conda#{MD5}"
    (parcel,), others = parcels([line], mamba=False)
    assert not others
    assert parcel == Parcel(f"{SERVER}/linux-64/a-1.0-h0.conda", "a-1.0-h0.conda", "md5", MD5)
    assert parcel.staged == f"md5-{MD5}.conda"
    assert parcel.folder == "https/conda.example/main/linux-64"


@pytest.mark.parametrize("mark", [SHA256, f"sha256:{SHA256}"])
def test_conda_finds_nothing_in_its_cache_by_sha256(mark: str) -> None:
    line = f"{SERVER}/noarch/a-1.0-h0.tar.bz2#{mark}"
    (parcel,), _ = parcels([line], mamba=True)
    assert (parcel.algorithm, parcel.digest, parcel.staged) == ("sha256", SHA256, f"sha256-{SHA256}.tar.bz2")
    assert parcels([line], mamba=False) == ((), (line,))


@pytest.mark.parametrize(
    "line",
    [
        f"{SERVER}/linux-64/a-1.0-h0.conda",
        f"{SERVER}/linux-64/..conda#{MD5}",
        f"{SERVER}/linux-64/-rf-1-0.conda#{MD5}",
        f"{SERVER}/linux-64/a b-1-0.conda#{MD5}",
        f"{SERVER}/linux-64/$(id)-1-0.conda#{MD5}",
        f"{SERVER}/linux-64/a\n-1-0.conda#{MD5}",
        f"{SERVER}/linux-64/{'a' * 300}-1-0.conda#{MD5}",
        f"{SERVER}/a folder/a-1-0.conda#{MD5}",
        f"{SERVER}/\n/a-1-0.conda#{MD5}",
        f"{SERVER}/../../etc/a-1-0.conda#{MD5}",
        f"https://../a-1-0.conda#{MD5}",
        f"{SERVER}/linux-64/a-1-0.conda#{MD5[:-1]}",
        f"{SERVER}/linux-64/a-1-0.sh#{MD5}",
        f"/a-1-0.conda#{MD5}",
    ],
)
def test_what_could_name_another_file_is_no_parcel(line: str) -> None:
    assert parcels([line], mamba=True) == ((), (line,))


@pytest.mark.parametrize(
    ("url", "folder"),
    [  # as the tests of libmamba have it
        ("https://prefix.dev/conda-forge/noarch/python_abi-3.14-8_cp314.conda", "https/prefix.dev/conda-forge/noarch"),
        ("http://localhost:8000/mychannel/noarch/test-pkg-0.1-0.tar.bz2", "http/localhost_8000/mychannel/noarch"),
        ("file:///home/user/packages/linux-64/local-pkg-1.0-0.tar.bz2", "file//home/user/packages/linux-64"),
    ],
)
def test_the_folder_of_a_channel_is_libmambas(url: str, folder: str) -> None:
    assert nested_folder(url) == folder


def test_one_address_for_each_server_is_asked() -> None:
    lines = [f"{SERVER}/linux-64/a-1-0.conda#{MD5}", f"{SERVER}/noarch/b-1-0.conda#{MD5}",
             f"https://other.example/x/c-1-0.conda#{MD5}", f"file:///data/x/d-1-0.conda#{MD5}"]  # fmt: skip
    found, _ = parcels(lines, mamba=False)
    assert bases(found) == (found[0].url, found[2].url, found[3].url)


def test_only_copies_of_other_hosts_are_carried() -> None:
    assert wants_carrying(COPY)
    assert not wants_carrying(replace(COPY, carry=CarryMode.NEVER))
    assert not wants_carrying(replace(COPY, host="gpu01"))
    assert not wants_carrying(replace(COPY, explicit=(), specs=("numpy",)))
    assert not wants_carrying(replace(COPY, kind=ChangeKind.INSTALL))


def test_what_does_not_fit_and_what_is_lacking_is_told() -> None:
    (one, two), _ = parcels([f"{SERVER}/x/a-1-0.conda#{MD5}", f"{SERVER}/x/b-1-0.conda#{MD5}"], mamba=False)
    cargo = Cargo("gpu01", "gpu02", "/opt/conda/pkgs", (Load(one, "/p/a", 1000),), (), (two,), 999)
    full, lacking, pip = cargo_concerns(cargo, replace(COPY, pip=("six==1.16.0",)))
    assert (full.kind, full.severity) == (ConcernKind.NO_SPACE, Severity.FORBIDDEN)
    assert (lacking.kind, lacking.details) == (ConcernKind.OFFLINE, ("b-1-0.conda",))
    assert (pip.kind, pip.details) == (ConcernKind.OFFLINE, ("six==1.16.0",))
    assert not cargo_concerns(replace(cargo, free_bytes=1000, absent=()), COPY)
