"""The report for a ticket: what was said, what came free, and why it differs; nobody's markup takes effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.diskbounds import Reason
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.planitems import Item, ItemKind
from tui.domain.planmissed import NOT_COUNTED, Missed, missed_hosts
from tui.domain.planreport import HostReport, MountActual, PlanReport, Removed, markdown, why_different
from tui.domain.plans import Changed, Difference, HostOutlook, MountFreed

HOSTILE = "/opt/x|y\n# owned <b>`rm`</b>[a](http://b)\x1b[31m"
GONE = Item("gpu01", ItemKind.TARBALLS, "/opt/pkgs", None, 2_500_000, 2_500_000, 3)
ODD = Item("gpu01", ItemKind.ENVIRONMENT, HOSTILE, "x", 10, 10, 1)


@pytest.mark.parametrize(
    ("reasons", "actual", "complete", "why"),
    [
        (set(), 100, True, ""),
        (set(), 120, True, "others freed space there meanwhile"),
        (set(), 80, True, "others wrote there meanwhile"),
        (set(), 80, False, "not everything went"),
        ({Reason.METADATA}, 120, True, "within the bound: metadata"),
        ({Reason.METADATA}, 80, True, "others wrote there meanwhile"),
        ({Reason.OPEN_FILES}, 80, True, "within the bound: open_files"),
        ({Reason.OPEN_FILES}, 120, True, "others freed space there meanwhile"),
        ({Reason.SERVER}, 120, True, "within the bound: server"),
    ],
)
def test_a_difference_is_explained(reasons: set[Reason], actual: int, complete: bool, why: str) -> None:
    said = MountFreed("/", 100, 1, frozenset(reasons))
    assert why_different(said, MountActual("/", actual, 1), complete) == why


def test_what_the_tasks_wrote_themselves_is_told_from_what_others_did() -> None:
    said = MountFreed("/", 90_000, 1)
    assert why_different(said, MountActual("/", 81_808, 1, 8192), True) == (
        "the tasks' own logs hold 8.0 KiB (8,192 B) there"
    )
    assert why_different(said, MountActual("/", 70_000, 1, 8192), True).endswith("and others wrote there meanwhile")


def report(ran: float | None) -> PlanReport:
    outlook = HostOutlook("gpu01", (GONE,), (MountFreed("/data", 2_500_000, 3),), counted=1.0)
    host = HostReport(
        "gpu01",
        outlook,
        (Changed(ODD, (Difference.GREW,), None),),
        (Removed(GONE, True, "20261121-120000-00000001", 3, 2_500_000),) if ran else (),
        (MountActual("/data", 2_500_000, 3),) if ran else None,
    )
    return PlanReport((host,), 1_700_000_000.0, ran, "ada@laptop")


def test_a_report_holds_both_numbers() -> None:
    text = markdown(report(1_700_000_100.0))
    assert "| /data | 2.4 MiB (2,500,000 B) | 2.4 MiB (2,500,000 B) | +0 B |" in text
    assert "| tarballs | /opt/pkgs | 2.4 MiB (2,500,000 B) | removed |" in text
    assert "refused, changed since: grew" in text
    assert "Run 2023-11-14 22:15:00 UTC" in text


def test_a_report_says_which_hosts_are_not_in_it() -> None:
    missed = (Missed("gpu02", "refused", "gpu02 <b>refused</b>"), Missed("gpu03", NOT_COUNTED))
    text = markdown(replace(report(None), missed=missed))
    assert "Not looked at when it was made, and in none of the sums: 2 hosts." in text
    assert "- gpu02: gpu02 \\<b\\>refused\\</b\\>\n- gpu03: not counted\n" in text
    assert "Not looked at" not in markdown(report(None))


def test_hosts_that_were_not_counted_are_missed_and_say_why() -> None:
    down = Fault(FaultKind.REFUSED, "gpu02 refused it.", "")
    faults = {"gpu03": HostFaultError(Fault(FaultKind.TOOL_MISSING, "gpu03 has no find.", "")),
              "gpu05": CondafleetError("something else")}  # fmt: skip
    hosts = ["gpu01", "gpu02", "gpu03", "gpu04", "gpu05", "gpu02"]
    assert missed_hosts(hosts, ["gpu01"], {"gpu02": down, "gpu01": down}, faults) == (
        Missed("gpu02", "refused", "gpu02 refused it."),
        Missed("gpu03", "tool_missing", "gpu03 has no find."),
        Missed("gpu04", "not_counted"),
        Missed("gpu05", "not_counted", "something else"),
    )


def test_what_was_only_looked_at_claims_no_more() -> None:
    text = markdown(report(None))
    assert "actual" not in text
    assert "would go" in text


def test_no_markup_of_a_host_takes_effect() -> None:
    text = markdown(report(None))
    (line,) = (line for line in text.splitlines() if "owned" in line)
    assert line.startswith("| environment |")
    assert "<b>" not in line.replace("\\<b\\>", "")
    assert "\x1b" not in text
    assert all(line[at - 1] == "\\" for at, char in enumerate(line) if char in "[]<>#`" and at)
