from __future__ import annotations

from dataclasses import replace

import pytest

from tests.domain.fleetvalues import environment
from tui.domain.beforehand import (
    Need,
    base_concern,
    channels_concern,
    copy_need,
    driver_concern,
    lessened,
    naming_concern,
    need_of,
    parted,
    pip_concern,
    removes_concern,
    space_concern,
    space_concerns,
)
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Severity
from tui.domain.environments import DiskSize, EnvKind
from tui.domain.gpus import Gpu
from tui.domain.machine import Mount
from tui.domain.packages import PackageInterner, PackageManager
from tui.domain.planned import PackagePlan, PlannedPackage

CHANGE = Change(ChangeKind.INSTALL, "gpu01", "/opt/conda/envs/train", specs=("numpy",))
MOUNT = Mount("/data", "/dev/sda1", "ext4", free_bytes=1000, inodes=10**6, inodes_free=10**6)


def plan(*link: str, unlink: tuple[str, ...] = (), channel: str | None = None) -> PackagePlan:
    def package(text: str) -> PlannedPackage:
        name, _, rest = text.partition("=")
        version, _, build = rest.partition("=")
        return PlannedPackage(name, version or None, build or None, channel)

    return PackagePlan(link=tuple(map(package, link)), unlink=tuple(map(package, unlink)))


def kind_of(concern: Concern | None) -> tuple[ConcernKind, Severity] | None:
    return None if concern is None else (concern.kind, concern.severity)


def test_room_is_forbidden_where_sure_and_doubted_where_estimated() -> None:
    fetch = PackagePlan(fetch=(PlannedPackage("a", size_bytes=300),))
    need = need_of(fetch)
    assert (need.download_bytes, need.total_bytes) == (300, 1500)
    assert kind_of(space_concern(need, MOUNT)) == (ConcernKind.LITTLE_SPACE, Severity.WARNING)
    assert kind_of(space_concern(need, replace(MOUNT, free_bytes=299))) == (ConcernKind.NO_SPACE, Severity.FORBIDDEN)
    assert space_concern(need, replace(MOUNT, free_bytes=1500)) is None
    assert space_concern(Need(), replace(MOUNT, free_bytes=0)) is None
    assert space_concern(need, None) is None
    few = replace(MOUNT, free_bytes=10**12, inodes_free=10)
    assert kind_of(space_concern(need, few)) == (ConcernKind.LITTLE_SPACE, Severity.WARNING)


def test_room_is_wanted_where_packages_are_kept_and_where_the_environment_is() -> None:
    need = need_of(PackagePlan(fetch=(PlannedPackage("a", size_bytes=300),)))
    roomy = replace(MOUNT, free_bytes=10**6)
    cache = replace(MOUNT, path="/cache", source="/dev/sdz1")

    def found(mount: Mount | None, cache: Mount | None) -> list[tuple[ConcernKind, str]]:
        return [(each.kind, each.text.split()[0]) for each in space_concerns(need, mount, cache)]

    assert found(roomy, replace(cache, free_bytes=10**6)) == []
    assert found(roomy, replace(cache, free_bytes=10)) == [(ConcernKind.NO_SPACE, "/cache")]
    # From another file system packages are copied.
    assert found(replace(MOUNT, free_bytes=1000), replace(cache, free_bytes=1400)) == [
        (ConcernKind.LITTLE_SPACE, "/cache"),
        (ConcernKind.LITTLE_SPACE, MOUNT.path),
    ]
    assert found(replace(MOUNT, free_bytes=10), None) == [(ConcernKind.NO_SPACE, MOUNT.path)]
    assert len(found(replace(MOUNT, free_bytes=10), replace(MOUNT, free_bytes=10))) == 1


def test_a_copy_wants_what_is_not_linked_again() -> None:
    size = DiskSize(1000, 300, 700, 5, 1.0)
    assert (copy_need(size, True).total_bytes, copy_need(size, False).total_bytes) == (300, 1000)
    assert copy_need(None, True).total_bytes is None
    few = replace(MOUNT, free_bytes=10**12, inodes_free=10)
    assert [each.kind for each in space_concerns(copy_need(None, True), few, few)] == [ConcernKind.LITTLE_SPACE]


def test_a_convention_is_for_the_whole_name() -> None:
    assert naming_concern("cv-resnet50-exp1", "[a-z]+(-[a-z0-9]+)+") is None
    assert kind_of(naming_concern("test2!", "[a-z]+")) == (ConcernKind.NAMING, Severity.WARNING)
    assert naming_concern("anything", None) is None


def test_base_is_advised_against() -> None:
    base = replace(environment("gpu01", "base"), kind=EnvKind.BASE)
    assert kind_of(base_concern(base)) == (ConcernKind.BASE_TARGET, Severity.WARNING)
    assert base_concern(environment("gpu01", "train")) is None


def test_pip_over_conda_is_seen_in_what_is_there_and_in_what_comes() -> None:
    interner = PackageInterner()
    numpy = interner.package("numpy", "2.0", "0", "conda-forge", PackageManager.CONDA)
    held = replace(environment("gpu01", "train"), packages=interner.package_set([numpy]), packages_known=True)
    over = replace(CHANGE, specs=(), pip=("NumPy==2.1",))
    assert kind_of(pip_concern(over, held, None)) == (ConcernKind.PIP_OVER_CONDA, Severity.WARNING)
    assert kind_of(pip_concern(over, None, plan("numpy=2.0=0"))) is not None
    assert pip_concern(replace(over, pip=("six",)), held, None) is None
    assert pip_concern(replace(over, kind=ChangeKind.UNINSTALL), held, None) is None


def test_only_what_nobody_asked_for_counts_as_removed() -> None:
    told = plan("numpy=2", unlink=("numpy=1", "scipy=1"))
    concern = removes_concern(CHANGE, told)
    assert concern is not None
    assert concern.details == ("scipy 1",)
    away = replace(CHANGE, kind=ChangeKind.UNINSTALL, specs=("scipy",))
    assert removes_concern(away, plan(unlink=("scipy=1",))) is None
    assert removes_concern(away, plan(unlink=("scipy=1", "pandas=2"))) is not None
    assert removes_concern(CHANGE, None) is None


def test_defaults_and_conda_forge_side_by_side_are_told_once() -> None:
    interner = PackageInterner()
    there = interner.package("a", "1", "0", "https://repo.anaconda.com/pkgs/main", PackageManager.CONDA)
    held = replace(environment("gpu01", "train"), packages=interner.package_set([there]), packages_known=True)
    forge = "https://conda.anaconda.org/conda-forge"
    assert kind_of(channels_concern(plan("b=1", channel=forge), held)) == (ConcernKind.CHANNELS, Severity.WARNING)
    assert channels_concern(plan("b=1", channel="defaults"), held) is None
    assert channels_concern(plan("a=2", unlink=("a=1",), channel=forge), held) is None
    assert channels_concern(plan("b=1", channel="https://intern.example/own"), held) is None
    assert channels_concern(None, held) is None


@pytest.mark.parametrize(
    ("packages", "gpu", "expected"),
    [
        (("cudatoolkit=11.8.0",), Gpu("h", 0, driver="535.54.03", cuda_max="12.2"), None),
        (("cuda-version=12.4",), Gpu("h", 0, driver="535.54.03", cuda_max="12.2"), Severity.NOTE),
        (("pytorch=2.1.2=py311_cuda12.1_0",), Gpu("h", 0, driver="470.82", cuda_max="11.4"), Severity.WARNING),
        (("pytorch=2.1.2=cuda118_py311",), Gpu("h", 0, driver="470.82", cuda_max="11.4"), Severity.NOTE),
        (("cuda-version=12.4",), Gpu("h", 0, driver="535.54.03"), None),
        (("cuda-version=13.0",), Gpu("h", 0, driver="535.54.03"), Severity.WARNING),
        (("cudatoolkit=10.2",), Gpu("h", 0, driver="396.44"), Severity.WARNING),
        (("cuda-version=12.4",), Gpu("h", 0), None),
        (("numpy=2.0.2=py311h0",), Gpu("h", 0, cuda_max="9.0"), None),
    ],
)
def test_cuda_against_the_driver(packages: tuple[str, ...], gpu: Gpu, expected: Severity | None) -> None:
    concern = driver_concern(replace(CHANGE, specs=()), plan(*packages), (gpu,))
    assert (None if concern is None else concern.severity) is expected
    assert concern is None or concern.kind is ConcernKind.DRIVER


def test_what_pip_was_built_for_counts_as_well() -> None:
    change = replace(CHANGE, specs=(), pip=("torch==2.5.1+cu124",))
    old = Gpu("h", 0, driver="470.82", cuda_max="11.4")
    assert kind_of(driver_concern(change, None, (old,))) == (ConcernKind.DRIVER, Severity.WARNING)
    assert driver_concern(change, None, ()) is None
    assert driver_concern(change, None, None) is None


def test_the_oldest_driver_of_a_host_decides() -> None:
    gpus = (Gpu("h", 0, cuda_max="12.4"), Gpu("h", 1, cuda_max="11.4"))
    assert driver_concern(CHANGE, plan("cuda-version=12.1"), gpus) is not None


def test_what_forbids_a_removal_only_warns_of_an_installation() -> None:
    found = tuple(Concern.of(kind, "x") for kind in (ConcernKind.BASE, ConcernKind.USE_UNKNOWN, ConcernKind.IN_USE))
    assert [kind_of(each) for each in lessened(ChangeKind.INSTALL, found)] == [
        (ConcernKind.BASE_TARGET, Severity.WARNING),
        (ConcernKind.USE_UNKNOWN, Severity.WARNING),
        (ConcernKind.IN_USE, Severity.NAME),
    ]
    assert lessened(ChangeKind.RENAME, found) == found


def test_pip_gets_what_is_written_for_it_and_what_it_alone_brought() -> None:
    interner = PackageInterner()
    held = environment(
        "gpu01",
        "train",
        interner.package("six", "1", None, None, PackageManager.PIP),
        interner.package("numpy", "2", "0", "conda-forge", PackageManager.CONDA),
        interner.package("numpy", "2.1", None, None, PackageManager.PIP),
    )
    words = ("pip:peft==0.13", "six", "numpy", "conda:tqdm", "pip::x", "conda-forge::y")
    install = parted(replace(CHANGE, specs=words), held)
    assert install.pip == ("peft==0.13",)
    assert install.specs == ("six", "numpy", "tqdm", "pip::x", "conda-forge::y")
    gone = parted(replace(CHANGE, kind=ChangeKind.UNINSTALL, specs=words), held)
    assert gone.pip == ("peft==0.13", "six")
    new = parted(replace(CHANGE, kind=ChangeKind.CREATE, specs=("python", "pip:six")), None)
    assert (new.specs, new.pip) == (("python", "pip"), ("six",))
    assert parted(replace(new, explicit=("x",), specs=()), None).specs == ()
