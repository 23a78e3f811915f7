"""The report for a ticket: what was said, what came free, and why it differs; nobody's markup takes effect."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tui.domain.diskbounds import Bound, Reason
from tui.domain.errors import CondafleetError, HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.planitems import Item, ItemKind
from tui.domain.planmissed import NOT_COUNTED, Missed, missed_hosts
from tui.domain.planreport import HostReport, MountActual, PlanReport, Removed, markdown, why_different
from tui.domain.plans import Changed, Difference, HostOutlook, MountFreed

HOSTILE = "/opt/x|y\n# owned <b>`rm`</b>[a](http://b)\x1b[31m"
GONE = Item("gpu01", ItemKind.TARBALLS, "/opt/pkgs", None, 2_500_000, 2_500_000, 3)
ODD = Item("gpu01", ItemKind.ENVIRONMENT, HOSTILE, "x", 10, 10, 1)


GIB = 1 << 30
WROTE = "others may have written there meanwhile, a process may have removed files open, or a snapshot may keep them"
FREED = "others may have freed space there meanwhile"
XFS = frozenset({Reason.METADATA, Reason.REFLINKS})
BTRFS = XFS | {Reason.SNAPSHOTS}


@pytest.mark.parametrize(
    ("reasons", "actual", "complete", "why"),
    [
        (set(), 100 * GIB, True, ""),
        (set(), 120 * GIB, True, f"not as predicted: {FREED}"),
        (set(), 80 * GIB, True, f"not as predicted: {WROTE}"),
        (set(), 80 * GIB, False, "not everything went"),
        ({Reason.METADATA}, 101 * GIB, True, "within what was told, 100.0 GiB (107,373,133,824 B) to 105.0 GiB"),
        ({Reason.METADATA}, 120 * GIB, True, "not as predicted, more than the 105.0 GiB"),
        ({Reason.METADATA}, 80 * GIB, True, "not as predicted, less than the 100.0 GiB"),
        ({Reason.OPEN_FILES}, 80 * GIB, True, "within what was told, 0 B to 100.0 GiB (107,374,182,400 B): open files"),
        ({Reason.OPEN_FILES}, 120 * GIB, True, "not as predicted, more than the 100.0 GiB (107,374,182,400 B) that"),
        ({Reason.OPEN_FILES}, -GIB, True, f"not as predicted, less than the 0 B that had to be: {WROTE}"),
        ({Reason.UNREADABLE}, 500 * GIB, True, "within what was told, 100.0 GiB (107,374,182,400 B) or more"),
        ({Reason.UNREADABLE}, 80 * GIB, True, "not as predicted, less than"),
        (XFS, 0, True, "within what was told, 0 B to 105.0 GiB (112,743,942,144 B): metadata, reflinks"),
        (BTRFS, -10 * GIB, True, f"that had to be: {WROTE}"),
        (BTRFS, 200 * GIB, True, f"that could be: {FREED}"),
        ({Reason.SERVER}, -10 * GIB, True, "not as predicted, less than"),
        ({Reason.SERVER}, 120 * GIB, True, "not as predicted, more than"),
    ],
)
def test_a_difference_is_told_as_one_unless_the_numbers_that_were_told_hold_it(
    reasons: set[Reason], actual: int, complete: bool, why: str
) -> None:
    said = MountFreed("/", 100 * GIB, 1, frozenset(reasons))
    found = why_different(said, MountActual("/", actual, 1), complete)
    assert why in found if why else not found


def test_by_links_no_more_can_come_back_than_is_held() -> None:
    linked = frozenset({Reason.LINKED_CACHES})
    assert MountFreed("/", 100, 1, linked, 150).between == (100, 150)
    assert MountFreed("/", 100, 1, linked).between == (100, None)
    assert MountFreed("/", 100, 1, linked | {Reason.OPEN_FILES}, 150).between == (0, 150)
    assert MountFreed("/", 100, 1, frozenset({Reason.CHANGED})).between == (0, None)


def test_every_reason_has_an_interval_that_holds_what_was_predicted() -> None:
    for reason in Reason:
        for held in (None, GIB, 3 * GIB):
            said = MountFreed("/", 2 * GIB, 1000, frozenset({reason}), held)
            least, most = said.between
            assert least <= said.bytes and (most is None or most >= said.bytes), reason
            if said.bound is Bound.AT_LEAST:
                assert least >= said.bytes - (1 << 20)
            elif said.bound is Bound.AT_MOST:
                assert most == said.bytes


def test_a_report_shows_the_interval() -> None:
    outlook = HostOutlook("gpu01", (GONE,), (MountFreed("/data", 100 * GIB, 1, XFS),), counted=1.0)
    host = HostReport("gpu01", outlook, removed=(Removed(GONE, True),), actual=(MountActual("/data", -GIB, 3),))
    text = markdown(PlanReport((host,), 1.0, 2.0))
    assert "| about 100.0 GiB (107,374,182,400 B), 0 B to 105.0 GiB (112,743,942,144 B) |" in text
    assert "not as predicted" in text


def test_what_the_tasks_wrote_themselves_is_told_from_what_others_did() -> None:
    said = MountFreed("/", 90_000, 1)
    assert why_different(said, MountActual("/", 81_808, 1, 8192), True) == (
        "the tasks' own logs hold 8.0 KiB (8,192 B) there"
    )
    assert f"and not as predicted: {WROTE}" in why_different(said, MountActual("/", 70_000, 1, 8192), True)


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
