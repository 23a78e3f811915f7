from __future__ import annotations

import pytest

from tui.domain.errors import (
    CondafleetError,
    ConfigError,
    ConfigProblem,
    HostFaultError,
    NothingMatchedError,
    RefusedError,
    StorageError,
    UsageError,
)
from tui.domain.faults import Fault, FaultKind
from tui.domain.snapshot import HostSnapshot, Part


def test_the_kinds_are_the_closed_list_of_the_contract() -> None:
    assert " ".join(kind.value for kind in FaultKind) == (
        "name_not_found refused timeout no_route host_key_unknown host_key_changed host_key_revoked auth_failed "
        "auth_needed config jump_failed kex_failed sessions_exhausted lost shell_broken protocol permission "
        "tool_missing tool_hung too_large incomplete ghost"
    )


@pytest.mark.parametrize("kind", list(FaultKind))
def test_what_only_a_person_can_cure_waits_for_one(kind: FaultKind) -> None:
    waits = kind.value.startswith(("host_key_", "auth_")) or kind is FaultKind.CONFIG
    assert Fault(kind, "m", "r").waits_for_a_person is waits


def test_a_failed_jump_waits_for_a_person_when_its_cause_does() -> None:
    assert Fault(FaultKind.JUMP_FAILED, "m", "r", needs_person=True).with_retry_at(5.0).waits_for_a_person


def test_a_fault_with_another_time_is_otherwise_the_same() -> None:
    fault = Fault(FaultKind.TIMEOUT, "no answer", "wait")
    assert fault.with_retry_at(5.0) == Fault(FaultKind.TIMEOUT, "no answer", "wait", 5.0)
    assert fault.retry_at is None


@pytest.mark.parametrize(
    ("error", "kind", "code"),
    [
        (UsageError("m"), "usage", 2),
        (RefusedError("m"), "refused", 3),
        (NothingMatchedError("m"), "no_match", 4),
        (StorageError("m"), "storage", 1),
        (HostFaultError(Fault(FaultKind.LOST, "m", "r")), "lost", 1),
        (ConfigError([]), "config", 2),
    ],
)
def test_every_error_has_a_kind_and_an_exit_code(error: CondafleetError, kind: str, code: int) -> None:
    assert (error.kind, error.exit_code) == (kind, code)


def test_a_configuration_problem_names_file_line_key_found_and_expected() -> None:
    problem = ConfigProblem("/c.yaml", 3, "hosts.a.prot", "an unknown key", "one of …", "port")
    assert str(problem) == "/c.yaml:3: hosts.a.prot: found an unknown key, expected one of …. Did you mean 'port'?"
    assert str(ConfigProblem("/c.yaml", None, "", "a folder", "a file")) == "/c.yaml: found a folder, expected a file."


def test_the_remedy_of_a_configuration_names_lines_only_where_there_are_some() -> None:
    assert (
        "lines named"
        in ConfigError([ConfigProblem("c", None, "", "x", "y"), ConfigProblem("c", 1, "", "x", "y")]).remedy
    )
    assert "name another with --config" in ConfigError([ConfigProblem("c", None, "", "no file", "one")]).remedy


def test_a_part_that_failed_keeps_its_value_and_its_time() -> None:
    fault = Fault(FaultKind.TIMEOUT, "m", "r")
    part = Part((), 7.0).failed(fault)
    assert part == Part((), 7.0, fault)
    snapshot = HostSnapshot("h", gpus=Part(None, None, fault), mounts=Part((), 9.0))
    assert snapshot.faults() == (("gpus", fault),)
    assert snapshot.time == 9.0
    assert HostSnapshot("h").time is None
