"""What is one thing seen twice."""

from __future__ import annotations

from tui.domain.environments import Environment, EnvKind, Manager
from tui.domain.identity import same_environments, same_exports, same_machines
from tui.domain.machine import Machine, Mount
from tui.domain.snapshot import HostSnapshot, Part


def host(name: str, machine: Machine | None = None, *mounts: Mount) -> HostSnapshot:
    return HostSnapshot(name, machine=Part(machine), mounts=Part(mounts))


def test_two_names_of_one_running_machine_are_one() -> None:
    one = Machine(machine_id="m", boot_id="b", hostname="gpu01")
    assert same_machines([host("x", one), host("other"), host("y", one)]) == {"x": ("x", "y"), "y": ("x", "y")}


def test_cloned_images_containers_and_the_unknown_are_not_one_machine() -> None:
    assert not same_machines(
        [
            host("cloned1", Machine(machine_id="m", boot_id="1", hostname="n")),
            host("cloned2", Machine(machine_id="m", boot_id="2", hostname="n")),
            host("container", Machine(machine_id="m", boot_id="1", hostname="c7")),
            host("unknown1", Machine(machine_id="m")),
            host("unknown2", Machine(machine_id="m")),
            host("nothing1"),
            host("nothing2"),
        ]
    )


def test_an_export_is_shared_only_when_several_hosts_mount_it() -> None:
    data = Mount("/data", "nas:/data", "nfs4", export_id="nas:/data")
    again = Mount("/mnt/data", "nas:/data", "nfs4", export_id="nas:/data")
    alone = Mount("/scratch", "nas:/scratch", "nfs4", export_id="nas:/scratch")
    twice = Mount("/scratch2", "nas:/scratch", "nfs4", export_id="nas:/scratch")
    disk = Mount("/", "/dev/sda1", "ext4")
    shared = same_exports([host("a", None, data, disk), host("b", None, again, alone, twice, disk)])
    assert shared == {"nas:/data": (("a", data), ("b", again))}


def test_an_environment_seen_from_several_hosts_is_one() -> None:
    def seen(name: str, prefix: str, fs_id: str | None) -> Environment:
        return Environment(name, prefix, None, EnvKind.PREFIX, None, Manager.CONDA, fs_id=fs_id)

    first, second = seen("a", "/data/e", "nas:/data:e"), seen("b", "/mnt/data/e", "nas:/data:e")
    others = [seen("a", "/opt/e", "m:1:2"), seen("a", "/opt/f", None), seen("b", "/opt/f", None)]
    assert same_environments([first, *others, second]) == {"nas:/data:e": (first, second)}
