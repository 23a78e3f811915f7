from __future__ import annotations

import asyncio
import json
import os
import pwd
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.remote.answers import answer
from tests.remote.shells import GNU_PATH, SHELLS, ShellConnection, busybox_path
from tui.domain.faults import FaultKind
from tui.domain.gpus import Gpu, GpuProcess, MigDevice
from tui.domain.sessions import Pane, Session, Window
from tui.remote.gpus import join_sessions, parse_gpus
from tui.remote.lane import Lane
from tui.remote.scripts import script
from tui.remote.wire import WireError

MIB = 1 << 20
PLAIN = "0, GPU-aa, NVIDIA A100-SXM4-80GB, 570.86.15, 97, 40123, 81920, 61, 398.52, Disabled"
HEADER = "| NVIDIA-SMI 570.86.15    Driver Version: 570.86.15    CUDA Version: 12.8     |\n"


def read(*items: tuple[str | bytes | int, ...], cuda: dict[str, str] | None = None) -> tuple[Gpu, ...]:
    result = parse_gpus(answer(*items, ("end",)), "h", cuda or {})
    assert result.gpus is not None
    return result.gpus


def test_a_card_is_read_with_its_processes_and_the_highest_cuda_version() -> None:
    found = parse_gpus(
        answer(
            ("nvidia", 0, PLAIN),
            ("apps", 0, "GPU-aa, 4711, 39000\nGPU-aa, 4712, [N/A]\nGPU-bb, 1, 5"),
            ("table", HEADER),
            (
                "procs",
                "/proc/4711 ada\n/proc/4712 grace hopper",
                "lrwxrwxrwx 1 ada ada 0 Nov 20 12:00 /proc/4711/exe -> /opt/conda/envs/x y/bin/python3.11\n"
                "lrwxrwxrwx 1 g g 0 Nov 20 12:00 /proc/4712/exe -> /usr/bin/python3.11",
                b"==> /proc/4711/cmdline <==\npython\x01train.py\x01--name\x01a b\x01\n\n"
                b"==> /proc/4712/cmdline <==\nother\x01",
                "==> /proc/4711/environ <==\nTMUX=/tmp/tmux-1000/default,99,0\nTMUX_PANE=%7\n"
                "==> /proc/4712/environ <==\nCONDA_PREFIX=/home/g/envs/b",
            ),
            ("end",),
        ),
        "h",
        {},
    )
    assert found.gpus == (
        Gpu(
            "h", 0, "GPU-aa", "NVIDIA A100-SXM4-80GB", "570.86.15", "12.8", 97.0, 40123 * MIB, 81920 * MIB, 61.0,
            398.52, False, (),
            (
                GpuProcess(4711, "ada", "python train.py --name a b", 39000 * MIB, "/opt/conda/envs/x y"),
                GpuProcess(4712, "grace hopper", "other", None, "/home/g/envs/b"),
            ),
        ),
    )  # fmt: skip
    assert found.fault is None
    assert found.cuda == {"570.86.15": "12.8"}
    panes = (Pane("%7", 1),)
    session = Session(
        "h", "tmux", "/tmp/tmux-1000/default", "$3", "train", windows=(Window("@1", 0, "w", True, panes),)
    )
    joined = join_sessions(found.gpus, found.tmux, [session])
    assert [process.session for process in joined[0].processes] == ["$3", None]


def test_the_newer_header_names_cuda_otherwise() -> None:
    header = "| NVIDIA-SMI 610.57   KMD Version: 610.57     CUDA UMD Version: 13.3     |"
    assert read(("nvidia", 0, PLAIN), ("table", header))[0].cuda_max == "13.3"


def test_the_cuda_version_is_remembered_for_its_driver() -> None:
    assert read(("nvidia", 0, PLAIN), cuda={"570.86.15": "12.8"})[0].cuda_max == "12.8"
    assert read(("nvidia", 0, PLAIN), cuda={"550.1": "12.4"})[0].cuda_max is None


@pytest.mark.parametrize("word", ["[N/A]", "N/A", "[Not Supported]", "ERR!", "[Unknown Error]", "[GPU is lost]", ""])
def test_what_the_driver_does_not_know_is_unknown_and_never_zero(word: str) -> None:
    gpu = read(("nvidia", 0, f"3, {word}, {word}, {word}, {word}, {word}, {word}, {word}, {word}, [N/A]"))[0]
    assert gpu == Gpu("h", 3)


def test_a_name_may_hold_commas() -> None:
    gpu = read(("nvidia", 0, PLAIN.replace("NVIDIA A100-SXM4-80GB", "Quadro, the old one, 2")))[0]
    assert gpu.name == "Quadro, the old one, 2"
    assert gpu.driver == "570.86.15"


def test_a_driver_too_old_for_mig_is_asked_without_it() -> None:
    gpu = read(("nvidia", 0, "0, GPU-aa, Tesla K80, 418.43, 0, 11, 11441, 33, 26.10"))[0]
    assert (gpu.name, gpu.power_w, gpu.mig) == ("Tesla K80", 26.1, None)


def test_mig_devices_come_from_the_list_and_their_memory_from_the_table() -> None:
    listing = (
        "GPU 0: NVIDIA H100 (UUID: GPU-aa)\n"
        "  MIG 3g.40gb     Device  0: (UUID: MIG-1)\n"
        "  MIG 1c.1g.10gb  Device  1: (UUID: MIG-2)\n"
        "GPU 1: NVIDIA H100 (UUID: GPU-bb)\n"
    )
    table = HEADER + "|  0    2   0   0  |              26MiB / 40448MiB    | 60      0 |  3   0    3    0    3 |\n"
    rows = (
        "0, GPU-aa, NVIDIA H100, 570.1, [N/A], 59, 81559, 42, 71.15, Enabled\n"
        "1, GPU-bb, NVIDIA H100, 570.1, 0, 0, 81559, 42, 71.15, Disabled"
    )
    first, second = read(("nvidia", 0, rows), ("table", table), ("list", listing))
    assert first.mig is True
    assert first.mig_devices == (
        MigDevice(0, "3g.40gb", "MIG-1", 26 * MIB, 40448 * MIB),
        MigDevice(1, "1c.1g.10gb", "MIG-2", None, None),
    )
    assert (second.mig, second.mig_devices) == (False, ())


def test_a_host_without_gpus_has_none_and_no_fault() -> None:
    result = parse_gpus(answer(("end",)), "h", {})
    assert (result.gpus, result.fault) == ((), None)
    result = parse_gpus(answer(("nvidia", 6, "No devices were found"), ("end",)), "h", {})
    assert (result.gpus, result.fault) == ((), None)


def test_a_card_without_its_tool_is_a_fault_and_no_empty_list() -> None:
    result = parse_gpus(answer(("device", "nvidia"), ("end",)), "h", {})
    assert result.gpus is None
    assert result.fault is not None
    assert result.fault.kind is FaultKind.TOOL_MISSING


def test_a_driver_that_does_not_answer_is_a_fault_with_its_words() -> None:
    said = "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver.\n\x1b[31mMake sure"
    result = parse_gpus(answer(("nvidia", 9, said), ("end",)), "h", {})
    assert result.gpus is None
    assert result.fault is not None
    assert "couldn't communicate with the NVIDIA driver" in result.fault.message
    assert "\x1b" not in result.fault.message


def test_an_unfinished_answer_is_refused() -> None:
    with pytest.raises(WireError):
        parse_gpus(answer(("nvidia", 0, PLAIN)), "h", {})


def test_amd_cards_are_read_from_json_after_warnings() -> None:
    card = {
        "Card series": "AMD Instinct MI250X",
        "Unique ID": "0x79cc",
        "GPU use (%)": "12",
        "VRAM Total Memory (B)": "68702699520",
        "VRAM Total Used Memory (B)": "11137024",
        "Temperature (Sensor edge) (C)": "N/A",
        "Temperature (Sensor junction) (C)": "51.0",
        "Average Graphics Package Power (W)": "93.0",
    }
    said = "WARNING: AMD GPU device(s) is/are in a low-power state.\n" + json.dumps(
        {"card1": {"GPU use (%)": "N/A"}, "card0": card, "system": {"Driver version": "6.3.6"}, "odd": 3}
    )
    first, second = read(("rocm", 0, said))
    assert first == Gpu(
        "h", 0, "0x79cc", "AMD Instinct MI250X", "6.3.6", None, 12.0, 11137024, 68702699520, 51.0, 93.0, vendor="amd"
    )
    assert second == Gpu("h", 1, driver="6.3.6", vendor="amd")


@pytest.mark.parametrize("said", ["", "rocm-smi: error", "{", "[]", "{" * 100_000])
def test_amd_noise_is_a_fault(said: str) -> None:
    result = parse_gpus(answer(("rocm", 1, said), ("end",)), "h", {})
    assert result.gpus is None
    assert result.fault is not None


@given(
    st.lists(st.tuples(st.sampled_from(["nvidia", "apps", "table", "list", "procs", "rocm"]), st.binary(max_size=80)))
)
@settings(max_examples=150, deadline=None)
def test_noise_of_the_tools_never_raises(items: list[tuple[str, bytes]]) -> None:
    fields = [(tag, 0, noise.replace(b"\0", b"")) for tag, noise in items]
    parse_gpus(answer(*fields, ("end",)), "h", {})


SMI = """#!/bin/sh
case "$*" in
*mig.mode*) if [ -e {old} ]; then echo 'Field "mig.mode.current" is not a valid field to query.'; exit 2; fi
  echo "0, GPU-aa, NVIDIA L40S, 595.80, 9, 1235, 46068, 54, 110.23, [N/A]" ;;
*query-gpu*) echo "0, GPU-aa, NVIDIA K80, 418.43, 9, 1235, 46068, 54, 110.23" ;;
*query-compute*) echo "GPU-aa, {pid}, 538"; echo "GPU-aa, 999999999, 1" ;;
*) echo "| Driver Version: 595.80   CUDA Version: 13.2 |"; : >{asked} ;;
esac
"""


@pytest.mark.parametrize("userland", ["gnu", "busybox"])
@pytest.mark.parametrize("shell", SHELLS)
async def test_the_script_joins_processes_with_owner_command_environment_and_pane(
    shell: str, userland: str, tmp_path: Path
) -> None:
    worker = await asyncio.create_subprocess_exec(
        "sleep", "60", env={"PATH": GNU_PATH, "CONDA_PREFIX": "/opt/envs/a\nb", "TMUX": "/s/x,1,0", "TMUX_PANE": "%4"}
    )
    tools = tmp_path / "tools"
    tools.mkdir()
    smi = tools / "nvidia-smi"
    smi.write_text(SMI.format(pid=worker.pid, asked=tmp_path / "asked", old=tmp_path / "old"))
    smi.chmod(0o755)
    path = f"{tools}:{GNU_PATH if userland == 'gnu' else busybox_path(tmp_path)}"
    connection = ShellConnection(SHELLS[shell], env={"PATH": path})
    lane = await Lane.open(connection, timeout=10)
    try:
        found = parse_gpus(await lane.ask(script("gpus"), [""], timeout=10), "h", {})
        assert found.gpus is not None
        gpu = found.gpus[0]
        assert (gpu.name, gpu.cuda_max, gpu.memory_used_bytes) == ("NVIDIA L40S", "13.2", 1235 * MIB)
        assert [process.pid for process in gpu.processes] == [worker.pid, 999999999]
        process = gpu.processes[0]
        assert (process.command, process.memory_bytes, process.user) == (
            "sleep 60",
            538 * MIB,
            pwd.getpwuid(os.getuid()).pw_name,
        )
        assert process.prefix == "/opt/envs/a\nb"
        assert found.tmux == {worker.pid: ("/s/x", "%4")}

        (tmp_path / "asked").unlink()
        again = parse_gpus(await lane.ask(script("gpus"), ["595.80"], timeout=10), "h", found.cuda)
        assert again.gpus == found.gpus
        assert not (tmp_path / "asked").exists()

        (tmp_path / "old").touch()
        old = parse_gpus(await lane.ask(script("gpus"), ["595.80"], timeout=10), "h", found.cuda)
        assert old.gpus is not None
        assert (old.gpus[0].name, old.gpus[0].mig) == ("NVIDIA K80", None)
    finally:
        await connection.close()
        worker.kill()
        await worker.wait()
