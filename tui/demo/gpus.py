"""The GPUs of demo hosts: the tables that the stand-in for nvidia-smi prints from. Played, never measured."""

from __future__ import annotations

import math
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from tui.demo.plan import GpuPlan
from tui.demo.played import NAMESPACE

__all__ = ["GpuProcess", "gpu_files"]


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A real process that is played onto a GPU."""

    gpu: int
    pid: int
    name: str
    mib: int


_GPU_FIELDS = (
    "index",
    "uuid",
    "name",
    "driver_version",
    "pci.bus_id",
    "serial",
    "count",
    "utilization.gpu %",
    "utilization.memory %",
    "memory.total MiB",
    "memory.used MiB",
    "memory.free MiB",
    "memory.reserved MiB",
    "temperature.gpu",
    "temperature.memory",
    "fan.speed %",
    "power.draw W",
    "power.limit W",
    "power.draw.instant W",
    "mig.mode.current",
    "mig.mode.pending",
    "persistence_mode",
    "compute_mode",
    "pstate",
    "compute_cap",
    "ecc.mode.current",
    "timestamp",
    "display_active",
)
_APP_FIELDS = ("timestamp", "gpu_name", "gpu_bus_id", "gpu_serial", "gpu_uuid", "pid", "process_name")


_RULE = "+" + "-" * 89 + "+\n"
_RULE3 = f"+{'-' * 41}+{'-' * 24}+{'-' * 22}+\n"
_RULE4 = f"+{'-' * 18}+{'-' * 34}+{'-' * 11}+{'-' * 23}+\n"
_XML_HEAD = '<?xml version="1.0" ?>\n<!DOCTYPE nvidia_smi_log SYSTEM "nvsmi_device_v12.dtd">\n'


def gpu_files(host: str, plan: GpuPlan, processes: Sequence[GpuProcess], tick: float) -> dict[str, str]:
    """The tables that the stand-in for nvidia-smi prints from."""
    stamp = "2026/01/01 00:00:00.000"
    gpus, apps, listed, xml, played = [list(_GPU_FIELDS)], [[*_APP_FIELDS, "used_gpu_memory MiB"]], [], [], []
    for index in range(plan.count):
        gpu = _Gpu.played(host, plan, index, processes, tick)
        gpus.append(gpu.row(stamp, plan))
        listed.append(f"GPU {index}: {plan.model} (UUID: {gpu.uuid})")
        listed += [
            f"  MIG {profile:<11} Device {number:>2}: (UUID: {gpu.slice_uuid(number)})"
            for number, (profile, _) in enumerate(gpu.slices)
        ]
        apps += [
            [stamp, plan.model, gpu.bus, "[N/A]", gpu.uuid, str(item.pid), item.name, str(item.mib)]
            for item in gpu.processes
        ]
        xml.append(gpu.xml(plan))
        played.append(gpu)
    log = _element(
        "nvidia_smi_log",
        _element("timestamp", "Thu Jan  1 00:00:00 2026"),
        _element("driver_version", plan.driver),
        _element("cuda_version", plan.cuda),
        _element("attached_gpus", str(plan.count)),
        *xml,
    )
    ElementTree.indent(log, "\t")
    files = {
        "gpus": "".join("\t".join(row) + "\n" for row in gpus),
        "apps": "".join("\t".join(row) + "\n" for row in apps),
        "list": "\n".join(listed) + "\n",
        "version": f"NVIDIA-SMI version  : {plan.driver}\nNVML version        : {plan.driver.rpartition('.')[0]}\n"
        f"DRIVER version      : {plan.driver}\nCUDA Version        : {plan.cuda}\n",
        "header": _table(plan, played),
        "query.xml": _XML_HEAD + ElementTree.tostring(log, "unicode") + "\n",
    }
    if plan.hung:
        files["hung"] = ""
    return files


def _table(plan: GpuPlan, gpus: Sequence[_Gpu]) -> str:
    """What nvidia-smi prints when it is asked nothing."""
    title = f"| NVIDIA-SMI {plan.driver:<21}  Driver Version: {plan.driver:<14} CUDA Version: {plan.cuda:<7} |\n"
    heads = (
        "| GPU  Name                 Persistence-M | Bus-Id          Disp.A | Volatile Uncorr. ECC |\n"
        "| Fan  Temp   Perf          Pwr:Usage/Cap |           Memory-Usage | GPU-Util  Compute M. |\n"
        f"|{' ' * 41}|{' ' * 24}|               MIG M. |\n"
        f"|{'=' * 41}+{'=' * 24}+{'=' * 22}|\n"
    )
    text = f"Thu Jan  1 00:00:00 2026       (played by the demo)\n{_RULE}{title}{_RULE3}{heads}"
    text += "".join(gpu.box(plan) for gpu in gpus) + "\n"
    if plan.mig:
        text += (
            f"{_RULE}| MIG devices:{' ' * 76}|\n{_RULE4}"
            "| GPU  GI  CI  MIG |              Shared Memory-Usage |        Vol|        Shared         |\n"
            "|      ID  ID  Dev |                Shared BAR1-Usage | SM     Unc| CE ENC  DEC  OFA  JPG |\n"
            f"|{' ' * 18}|{' ' * 34}|        ECC|{' ' * 23}|\n|{'=' * 18}+{'=' * 34}+{'=' * 11}+{'=' * 23}|\n"
        )
        text += "".join(gpu.slice_boxes() for gpu in gpus) + "\n"
    runs = "".join(gpu.lines() for gpu in gpus)
    return text + (
        f"{_RULE}| Processes:{' ' * 78}|\n"
        "|  GPU   GI   CI              PID   Type   Process name                        GPU Memory |\n"
        "|        ID   ID                                                               Usage      |\n"
        f"|{'=' * 89}|\n{runs or '|  No running processes found' + ' ' * 61 + '|' + chr(10)}{_RULE}"
    )


@dataclass(frozen=True, slots=True)
class _Gpu:
    index: int
    uuid: str
    bus: str
    util: str
    used: int
    total: int
    temperature: int
    power: str
    slices: tuple[tuple[str, int], ...]
    processes: tuple[GpuProcess, ...]

    @classmethod
    def played(cls, host: str, plan: GpuPlan, index: int, processes: Sequence[GpuProcess], tick: float) -> _Gpu:
        mine = tuple(item for item in processes if item.gpu == index)
        slices = plan.mig if index == 0 else ()
        busy = index in plan.busy
        wave = math.sin(tick / 13 + index * 2.1)
        util = "[N/A]" if slices else str(round(92 + 7 * wave) if busy else 0)
        used = max(sum(item.mib for item in mine), plan.memory_mib * 7 // 10 if busy else 0) + 430
        share = (0.8 + 0.12 * wave) if busy else 0.14
        power = "[N/A]" if plan.power_limit_w is None else f"{plan.power_limit_w * share:.2f}"
        return cls(
            index,
            f"GPU-{uuid.uuid5(NAMESPACE, f'{host} {index}')}",
            f"00000000:{0x17 + index * 0x22:02X}:00.0",
            util,
            min(used, plan.memory_mib),
            plan.memory_mib,
            round(63 + 6 * wave) if busy else 31 + index,
            power,
            slices,
            mine,
        )

    def slice_uuid(self, number: int) -> str:
        return f"MIG-{uuid.uuid5(NAMESPACE, f'{self.uuid} {number}')}"

    @property
    def mig(self) -> str:
        return "Enabled" if self.slices else "Disabled"

    def row(self, stamp: str, plan: GpuPlan) -> list[str]:
        mig = self.mig if plan.mig else ("[N/A]" if plan.power_limit_w is None else "Disabled")
        limit = "[N/A]" if plan.power_limit_w is None else f"{plan.power_limit_w:.2f}"
        values = [str(self.index), self.uuid, plan.model, plan.driver, self.bus, "[N/A]", str(plan.count)]
        values += [self.util, self.util, str(self.total), str(self.used), str(self.total - self.used), "430"]
        values += [str(self.temperature), "[N/A]", "[N/A]", self.power, limit, self.power, mig, mig, "Enabled"]
        values += ["Default", "P0", "9.0", "Enabled", stamp, "Disabled"]
        return values

    def box(self, plan: GpuPlan) -> str:
        share = "N/A" if self.util == "[N/A]" else f"{self.util}%"
        power = "N/A / N/A" if self.power == "[N/A]" else f"{float(self.power):.0f}W / {plan.power_limit_w:>4.0f}W"
        mode = self.mig if plan.mig else "N/A"
        return (
            f"|{self.index:>4}  {plan.model:<30} On  |   {self.bus} Off |{'On' if self.slices else '0':>21} |\n"
            f"| N/A {self.temperature:>3}C    P0     {power:>20} |{self.used:>8}MiB /{self.total:>7}MiB |"
            f"{share:>8}      Default |\n"
            f"|{' ' * 41}|{' ' * 24}|{mode:>21} |\n{_RULE3}"
        )

    def slice_boxes(self) -> str:
        return "".join(
            f"|{self.index:>3}  {number + 2:>3}   0  {number:>2}  |{12 + number:>16}MiB / {mib:>5}MiB    |"
            f" 14      0 |  1   0    1    0    0 |\n"
            f"|{' ' * 18}|{0:>16}MiB / {mib // 2:>5}MiB    |{' ' * 11}|{' ' * 23}|\n{_RULE4}"
            for number, (_, mib) in enumerate(self.slices)
        )

    def lines(self) -> str:
        return "".join(
            f"|{self.index:>5}  N/A  N/A  {item.pid:>15}      C   {item.name[-36:]:<36}{item.mib:>8}MiB |\n"
            for item in self.processes
        )

    def xml(self, plan: GpuPlan) -> ElementTree.Element:
        util = "N/A" if self.util == "[N/A]" else f"{self.util} %"
        slices = [
            _element(
                "mig_device",
                _element("index", str(number)),
                _element("gpu_instance_id", str(number + 2)),
                _element("compute_instance_id", "0"),
                _memory(mib, 12 + number, 0),
            )
            for number, (_, mib) in enumerate(self.slices)
        ]
        runs = [
            _element(
                "process_info",
                _element("gpu_instance_id", "N/A"),
                _element("compute_instance_id", "N/A"),
                _element("pid", str(item.pid)),
                _element("type", "C"),
                _element("process_name", item.name),
                _element("used_memory", f"{item.mib} MiB"),
            )
            for item in self.processes
        ]
        gpu = _element(
            "gpu",
            _element("product_name", plan.model),
            _element("uuid", self.uuid),
            _element("minor_number", str(self.index)),
            _element("mig_mode", _element("current_mig", self.mig), _element("pending_mig", self.mig)),
            _element("mig_devices", *slices),
            _memory(self.total, self.used, 430),
            _element("utilization", _element("gpu_util", util), _element("memory_util", util)),
            _element("temperature", _element("gpu_temp", f"{self.temperature} C")),
            _element(
                "gpu_power_readings",
                _element("power_draw", "N/A" if self.power == "[N/A]" else f"{self.power} W"),
            ),
            _element("processes", *runs),
        )
        gpu.set("id", self.bus)
        return gpu


def _element(name: str, *inside: ElementTree.Element | str) -> ElementTree.Element:
    made = ElementTree.Element(name)
    for item in inside:
        if isinstance(item, str):
            made.text = item
        else:
            made.append(item)
    return made


def _memory(total: int, used: int, reserved: int) -> ElementTree.Element:
    sizes = {"total": total, "reserved": reserved, "used": used, "free": total - used}
    return _element("fb_memory_usage", *(_element(name, f"{mib} MiB") for name, mib in sizes.items()))
