"""``export HOST:ENV``: exactly the file on standard output, and what it leaves out beside it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import yaml

from tests.cli.fakes import BUSY, HOSTILE, HOSTILE_SHOWN, Answer, FakeBackend, Run, environment, fleet
from tests.domain.envrecords import asked, conda, history
from tui.domain.envrecord import EnvironmentRecord, PipOrigin, PipRecord
from tui.domain.errors import HostFaultError
from tui.domain.exports import Form, render
from tui.domain.faults import Fault, FaultKind

SECRET = "hunter2-Zq9"
RECORD = EnvironmentRecord(
    "gpu01", BUSY.prefix, BUSY.name, (conda("numpy"), conda("python", "3.11.7")), (PipRecord("rich", "13.0"),),
    history(asked("numpy", "python=3.11")), variables=(("HF_TOKEN", SECRET),),
)  # fmt: skip
EDITABLE = replace(RECORD, pip=(PipRecord("dev", "0.1", PipOrigin.EDITABLE, f"/home/{HOSTILE}"),))
GHOST = Fault(FaultKind.GHOST, "gpu01:/gone is not there any more.", "Refresh to see what is there now.")


@pytest.fixture
def says(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Sets what the host says of every environment."""

    def say(record: EnvironmentRecord | Fault, fault: Fault | None = None) -> FakeBackend:
        async def read_export(fleet: Any, host: str, prefix: str, name: str | None) -> EnvironmentRecord:
            if isinstance(record, Fault):
                raise HostFaultError(record)
            assert (host, prefix, name) == ("gpu01", record.prefix, record.name)
            return record

        monkeypatch.setattr("tui.cli.export.read_export", read_export)
        return fleet({"gpu01": Answer({"environments": (replace(BUSY, fault=fault), environment("gpu01", None))})})

    return say


@pytest.mark.parametrize(
    ("option", "form"),
    [
        ((), Form.FULL), (("--no-builds",), Form.NO_BUILDS), (("--from-history",), Form.FROM_HISTORY),
        (("--explicit",), Form.EXPLICIT), (("--pip",), Form.PIP),
    ],
)  # fmt: skip
def test_standard_output_is_exactly_the_file(run: Run, says: Any, option: tuple[str, ...], form: Form) -> None:
    done = run(says(RECORD), "export", "gpu01:cv-resnet50", *option)
    assert done.code == 0
    assert done.out == render(RECORD, form).text
    assert SECRET not in done.out + done.err


def test_what_cannot_be_made_again_is_said_beside_it(run: Run, says: Any) -> None:
    done = run(says(EDITABLE), "export", "gpu01:cv-resnet50")
    assert done.code == 0
    assert yaml.safe_load(done.out)["name"] == "cv-resnet50"
    assert "pip packages that use their sources where they lie: dev" in done.err
    assert HOSTILE_SHOWN in done.out and "\x1b" not in done.out + done.err
    plain = run(says(replace(RECORD, variables=())), "export", "gpu01:cv-resnet50")
    assert plain.err == ""


def test_json_has_the_text_and_what_is_missing(run: Run, says: Any) -> None:
    done = run(says(EDITABLE), "export", "gpu01:cv-resnet50", "--explicit", "--json")
    (export,) = done.json["exports"]
    assert {key: export[key] for key in ("host", "name", "prefix", "form")} == {
        "host": "gpu01", "name": "cv-resnet50", "prefix": BUSY.prefix, "form": "explicit",
    }  # fmt: skip
    assert export["text"] == render(EDITABLE, Form.EXPLICIT).text
    assert [(each["reason"], each["names"]) for each in export["missing"]] == [
        ("pip_packages", ["dev"]), ("variables", ["HF_TOKEN"]),
    ]  # fmt: skip
    assert done.json["error"] is None and [host["name"] for host in done.json["hosts"]] == ["gpu01"]


def test_an_empty_file_is_said_to_be_empty(run: Run, says: Any) -> None:
    done = run(says(replace(RECORD, pip=())), "export", "gpu01:cv-resnet50", "--pip")
    assert (done.code, done.out) == (0, "")
    assert "nothing was installed by pip" in done.err


def test_what_cannot_be_read_fails_with_its_reason(run: Run, says: Any) -> None:
    done = run(says(GHOST), "export", "gpu01:cv-resnet50", "--json")
    assert done.code == 1
    assert done.json["exports"] == [] and done.json["error"]["kind"] == "ghost"
    text = run(says(GHOST), "export", "gpu01:cv-resnet50")
    assert (text.code, text.out) == (1, "")
    assert "gpu01:/gone is not there any more." in text.err


def test_an_environment_that_is_not_whole_gives_no_empty_file(run: Run, says: Any) -> None:
    incomplete = Fault(FaultKind.INCOMPLETE, "gpu01:/a has no history.", "")
    nothing = replace(RECORD, conda=(), pip=())
    done = run(says(nothing, incomplete), "export", "gpu01:cv-resnet50")
    assert (done.code, done.out) == (1, "")
    assert "gpu01:/a has no history." in done.err
    some = run(says(RECORD, incomplete), "export", "gpu01:cv-resnet50")
    assert (some.code, some.out) == (0, render(RECORD, Form.FULL).text)
    assert "gpu01:/a has no history." in some.err
    empty = run(says(nothing), "export", "gpu01:cv-resnet50")
    assert empty.code == 0 and yaml.safe_load(empty.out)["dependencies"] == []


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("gpu01",), 2), (("gpu01:nope",), 4), (("nowhere:x",), 2),
        (("gpu01:cv-resnet50", "--explicit", "--no-builds"), 2), ((), 2),
    ],
)  # fmt: skip
def test_what_means_no_one_environment_is_refused(run: Run, says: Any, arguments: tuple[str, ...], code: int) -> None:
    done = run(says(RECORD), "export", *arguments, "--json")
    assert done.code == code
    assert done.json["exports"] == []
