"""The commands from arguments to output and exit code, over a fleet that answers from memory."""

from __future__ import annotations

import json
import os
import signal
import threading
from dataclasses import replace
from typing import Any

import pytest

from tests.cli.fakes import (
    BUSY,
    GPU,
    HOSTILE,
    HOSTILE_SHOWN,
    LOAD,
    MACHINE,
    MOUNT,
    NO_TMUX,
    REFUSED,
    SESSION,
    Answer,
    FakeBackend,
    FakeFleet,
    Run,
    environment,
    fleet,
)  # fmt: skip
from tui.domain.errors import ConfigError, ConfigProblem
from tui.domain.faults import Fault, FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.settings import Settings
from tui.ports import Prompter, TrustedKey
from tui.services.events import HostNoticed

KEY = TrustedKey("ssh-ed25519", "SHA256:aaaaaaaaaaaa", "~/.ssh/known_hosts", False)
UNKNOWN_KEY = Fault(FaultKind.HOST_KEY_UNKNOWN, "nobody vouched for it", "condafleet hosts trust gpu01 …")


def two_hosts() -> FakeBackend:
    """One host that answers and one that refuses."""
    return fleet(
        {
            "gpu01": Answer(
                {"environments": (BUSY, environment("gpu01", None)), "gpus": (GPU,), "sessions": (SESSION,)}
            ),
            "gpu02": Answer(fault=REFUSED, stale={"environments": (environment("gpu02", "old"),)}),
        }
    )


def test_environments_are_listed_in_json_with_every_host_dead_ones_too(run: Run) -> None:
    done = run(two_hosts(), "envs", "--json")
    assert done.code == 1
    shown = done.json
    assert shown["schema"] == 1
    assert shown["error"] is None
    assert [host["name"] for host in shown["hosts"]] == ["gpu01", "gpu02"]
    assert shown["hosts"][0]["fault"] is None
    assert shown["hosts"][0]["age_s"] == 0
    assert shown["hosts"][1]["fault"]["kind"] == "refused"
    assert shown["hosts"][1]["fault"]["retry_at"] is None  # nobody tries again
    assert shown["hosts"][1]["age_s"] == 3600
    assert [env["name"] for env in shown["environments"]] == ["cv-resnet50", None]
    assert "gpu02: refused: gpu02: 192.0.2.2 port 22 refused the connection (last seen 1 h ago) → Is sshd" in done.err


def test_what_a_host_said_in_another_run_is_not_listed(run: Run) -> None:
    assert "old" not in run(two_hosts(), "envs").out


def test_a_table_is_written_in_full_when_nobody_looks(run: Run) -> None:
    done = run(two_hosts(), "envs", "gpu01")
    assert done.code == 0
    heading, first, *_ = done.out.splitlines()
    assert heading.split() == ["HOST", "NAME", "PYTHON", "CONDA", "PIP", "OWNER", "LAST", "USED", "STATUS", "PREFIX"]
    assert first.split()[:5] == ["gpu01", "cv-resnet50", "3.11.9", "1", "1"]
    assert "in use by 1" in first
    assert done.err == ""


def test_hostile_names_are_harmless_and_can_be_given_back(run: Run) -> None:
    hostile = environment("gpu01", HOSTILE, prefix=f"/e/{HOSTILE}", python=HOSTILE, owner=HOSTILE)
    session = replace(SESSION, name=HOSTILE, windows=(replace(SESSION.windows[0], name=HOSTILE),))
    backend = fleet(
        {"gpu01": Answer({"environments": (hostile,), "sessions": (session,), "gpus": (replace(GPU, name=HOSTILE),)})}
    )
    for command in ("envs", "sessions", "gpus"):
        for options in ([], ["--json"], ["--json-lines"]):
            done = run(backend, command, *options)
            assert done.code == 0
            assert all(char.isprintable() or char == "\n" for char in done.out + done.err)
            assert "owned" in done.out
    shown = run(backend, "envs", "--json").json["environments"][0]["name"]
    assert shown == HOSTILE_SHOWN
    assert run(backend, "envs", f"gpu01:{shown}").code == 0
    assert run(backend, "packages", f"gpu01:{shown}", "--json").json["environment"]["name"] == HOSTILE_SHOWN


def test_names_of_ten_thousand_characters_are_carried(run: Run) -> None:
    backend = fleet({"gpu01": Answer({"environments": (environment("gpu01", "n" * 10_000),)})})
    assert run(backend, "envs", "--json").json["environments"][0]["name"] == "n" * 10_000
    assert "n" * 10_000 in run(backend, "envs").out


def test_secrets_of_command_lines_are_taken_out(run: Run) -> None:
    done = run(two_hosts(), "envs", "--json")
    assert "hunter22" not in done.out
    assert done.json["environments"][0]["in_use"][0]["command"].startswith("python train.py")


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["envs", "gpu01"], 0),
        (["envs", "gpu01:cv-*"], 0),
        (["envs", "gpu01:nothing"], 4),
        (["envs", "gpu02:nothing"], 1),
        (["envs", "gpu03"], 2),
        (["envs", "@h100"], 2),
        (["envs", "@a100"], 1),
        (["envs", "gpu01:"], 2),
        (["envs", "gpu01", "--search", "relative"], 2),
        (["packages", "gpu01:cv-resnet50"], 0),
        (["packages", "gpu01:none"], 4),
        (["packages", "gpu01"], 2),
        (["packages", "gpu02:cv"], 1),
        (["sessions", "gpu01:train"], 0),
        (["sessions", "gpu01:$3"], 0),
        (["sessions", "gpu01:other"], 4),
        (["gpus", "gpu01:0"], 0),
        (["gpus", "gpu01:1"], 4),
        (["gpus", "gpu01:/x"], 4),
        (["hosts", "list", "gpu01:x"], 2),
        (["probe", "gpu*"], 2),
        (["probe", "gpu09"], 2),
        (["attach", "gpu01:train"], 2),
        (["attach", "gpu01"], 2),
        (["shell", "gpu01"], 2),
        (["envz"], 2),
        (["create", "gpu01:x"], 2),
        (["hosts", "rename"], 2),
    ],
)
def test_exit_codes(run: Run, argv: list[str], code: int) -> None:
    done = run(two_hosts(), *argv)
    assert done.code == code
    assert (done.err == "") == (code == 0)
    if code == 2:
        assert done.out == ""


@pytest.mark.parametrize(
    ("argv", "code", "kind"),
    [
        (["envs", "gpu03", "--json"], 2, "usage"),
        (["envs", "--json", "--wrong"], 2, "usage"),
        (["envs", "--json", "gpu01:none"], 4, "no_match"),
        (["packages", "--json"], 2, "usage"),
        (["envz", "--json"], 2, "usage"),
        (["probe", "--json", "gpu09"], 2, "usage"),
        (["envs", "--json", "--json-lines"], 2, "usage"),
    ],
)
def test_json_is_exactly_one_object_whatever_fails(run: Run, argv: list[str], code: int, kind: str) -> None:
    done = run(two_hosts(), *argv)
    assert done.code == code
    if "--json-lines" not in argv:
        assert done.json["error"]["kind"] == kind
        assert set(done.json["error"]) == {"kind", "message", "remedy"}
        assert isinstance(done.json["hosts"], list)


def test_a_wrong_configuration_names_every_problem_also_in_json(run: Run) -> None:
    backend = two_hosts()
    backend.load_error = ConfigError(
        [ConfigProblem("c.yaml", 3, "hosts.a.prot", "an unknown key", "one of port, user", "port")]
    )
    done = run(backend, "envs", "--json")
    assert done.code == 2
    assert done.json["error"]["kind"] == "config"
    assert done.json["environments"] == []
    assert "c.yaml:3: hosts.a.prot" in done.err
    assert run(backend, "hosts").code == 2


def test_an_unexpected_error_is_a_sentence_and_an_object(run: Run) -> None:
    backend = two_hosts()
    backend.load_error = ZeroDivisionError("boom")
    done = run(backend, "envs", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "internal"
    assert "Traceback" not in done.err


def test_a_host_that_never_answers_is_given_up_with_its_fault(run: Run) -> None:
    backend = fleet({"gpu01": Answer({"environments": (BUSY,)}), "gpu02": Answer(silent=True)})
    done = run(backend, "envs", "--json")
    assert done.code == 1
    assert [env["host"] for env in done.json["environments"]] == ["gpu01"]
    assert done.json["hosts"][1]["fault"]["kind"] == "timeout"
    assert done.json["hosts"][1]["state"] == "connecting"
    assert backend.fleets[0].closed


@pytest.mark.parametrize("option", ["--json", "--json-lines", "--debug"])
def test_ctrl_c_prints_what_arrived(run: Run, option: str, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = fleet({"gpu01": Answer({"environments": (BUSY,)}), "gpu02": Answer(silent=True)})
    backend.settings = replace(backend.settings, limits=replace(backend.settings.limits, connect=60.0))
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT))
    timer.start()
    done = run(backend, "envs", option)
    timer.join()
    assert done.code == 130
    assert "cv-resnet50" in done.out
    assert "1 of 2 hosts had not answered" in done.err
    if option == "--json":
        assert done.json["error"]["kind"] == "interrupted"
        assert done.json["hosts"][1]["fault"] is None
    if option == "--json-lines":
        assert done.json_lines[-1]["error"]["kind"] == "interrupted"


def test_json_lines_tell_what_changes_as_it_changes(run: Run) -> None:
    done = run(two_hosts(), "envs", "--json-lines")
    assert done.code == 1
    lines = done.json_lines
    assert all({"event", "time", "host"} <= set(line) for line in lines)
    assert [line["event"] for line in lines].count("environments") == 1
    states = [(line["host"], line["state"]) for line in lines if line["event"] == "host"]
    assert ("gpu01", "up") in states
    assert ("gpu02", "waiting") in states
    assert lines[-1]["event"] == "done"
    assert lines[-1]["exit_code"] == 1


def test_a_missing_tool_is_an_answer_but_is_told(run: Run) -> None:
    backend = fleet({"cpu01": Answer({}, {"sessions": NO_TMUX}), "gpu01": Answer({"sessions": (SESSION,)})})
    done = run(backend, "sessions", "--json")
    assert done.code == 0
    assert done.json["hosts"][0]["part_faults"][0]["kind"] == "tool_missing"
    assert "cpu01 sessions: tool_missing" in done.err


def test_a_part_that_failed_fails_the_run_and_its_rest_is_listed(run: Run) -> None:
    fault = Fault(FaultKind.PERMISSION, "/home/bob can't be read", "Ask bob.")
    done = run(fleet({"gpu01": Answer({"environments": (BUSY,)}, {"environments": fault})}), "envs", "--json")
    assert done.code == 1
    assert len(done.json["environments"]) == 1
    assert done.json["hosts"][0]["part_faults"][0]["part"] == "environments"


def test_packages_of_one_environment(run: Run) -> None:
    shown = run(two_hosts(), "packages", "gpu01:cv-resnet50", "--json").json
    assert shown["packages"] == [
        {"name": "numpy", "version": "1.0", "build": "h0_0", "channel": "conda-forge", "manager": "conda",
         "requested": True, "clobbered": False},
        {"name": "torch", "version": "2.0", "build": None, "channel": None, "manager": "pip",
         "requested": False, "clobbered": True},
    ]  # fmt: skip
    assert "over conda's files" in run(two_hosts(), "packages", "gpu01:cv-resnet50").out


def test_a_name_that_fits_several_environments_is_ambiguous(run: Run) -> None:
    bases = tuple(environment("gpu01", "base", prefix=prefix) for prefix in ("/opt/conda", "/home/ada/miniforge3"))
    done = run(fleet({"gpu01": Answer({"environments": bases})}), "packages", "gpu01:base", "--json")
    assert done.code == 2
    assert "gpu01:/opt/conda" in done.json["error"]["message"]


def test_packages_of_a_broken_environment_come_with_its_fault(run: Run) -> None:
    broken = environment("gpu01", "half", fault=Fault(FaultKind.INCOMPLETE, "a record is broken", "Reinstall it."))
    backend = fleet({"gpu01": Answer({"environments": (broken,)})})
    done = run(backend, "packages", "gpu01:half", "--json")
    assert done.json["environment"]["fault"]["kind"] == "incomplete"
    assert len(done.json["packages"]) == 2
    assert "a record is broken" in run(backend, "packages", "gpu01:half").err


def test_packages_that_could_not_be_read_are_no_empty_list(run: Run) -> None:
    ghost = environment("gpu01", "gone", packages_known=False, fault=Fault(FaultKind.GHOST, "it is gone", "Forget it."))
    done = run(fleet({"gpu01": Answer({"environments": (ghost,)})}), "packages", "gpu01:gone", "--json")
    assert done.code == 1
    assert done.json["error"]["kind"] == "ghost"


def test_search_looks_on_every_selected_host(run: Run) -> None:
    backend = two_hosts()
    run(backend, "envs", "--search", "/data")
    assert backend.fleets[0].searched == [("gpu01", "/data"), ("gpu02", "/data")]
    run(backend, "envs", "gpu01", "--search", r"/data/\xff\x0a\\")
    assert backend.fleets[1].searched == [("gpu01", "/data/\udcff\n\\")]


def test_probe_shows_everything_as_json_and_as_a_report(run: Run) -> None:
    parts: dict[str, Any] = {
        "machine": MACHINE, "load": LOAD, "mounts": (MOUNT,), "installs": (), "environments": (BUSY,), "gpus": (GPU,),
    }  # fmt: skip
    backend = fleet({"gpu01": Answer(parts, {"sessions": NO_TMUX})})
    done = run(backend, "probe", "gpu01", "--json")
    assert done.code == 0
    shown = done.json
    assert shown["connection"]["via"] == ["bastion"]
    assert shown["connection"]["log"][0]["text"] == "resolving"
    assert shown["machine"]["cores"] == 64
    assert shown["mounts"][0]["free_bytes"] == 1 << 38
    assert shown["installs"] == []
    assert shown["sessions"] is None
    text = run(backend, "probe", "gpu01").out
    for word in ("MACHINE", "LOAD", "MOUNTS (1)", "GPUS (1)", "bastion", "CONNECTION LOG", "glibc 2.36", "512 GiB"):
        assert word in text


def test_one_host_may_be_meant_by_a_glob_that_fits_no_other(run: Run) -> None:
    assert run(two_hosts(), "probe", "*01", "--json").json["hosts"][0]["name"] == "gpu01"
    done = run(two_hosts(), "probe", "gpu*", "--json")
    assert done.code == 2 and "fits 2 hosts: gpu01, gpu02" in done.json["error"]["message"]
    assert run(two_hosts(), "probe", "@a100").code == 2
    assert run(two_hosts(), "probe", "gpu01:env").code == 2


def test_hosts_are_tried_and_shown_with_their_state(run: Run) -> None:
    backend = fleet({"gpu01": Answer({"machine": MACHINE, "load": LOAD}), "gpu02": Answer(fault=REFUSED)})
    done = run(backend, "hosts", "--json")
    assert done.code == 1
    assert done.json["hosts"][0]["load"]["load1"] == 1.5
    assert done.json["hosts"][1]["machine"] is None
    table = run(backend, "hosts").out.splitlines()
    assert table[1].split()[:3] == ["gpu01", "up", "ada@192.0.2.1"]
    assert table[2].split()[:2] == ["gpu02", "refused"]
    assert run(backend, "hosts", "list", "gpu01", "--json").code == 0
    assert [line.split() for line in run(backend, "hosts", "gpu01").out.splitlines()[1:]] == [table[1].split()]
    assert run(backend, "probe", "gpu02").out.splitlines()[0] == "gpu02: refused"
    lost = run(backend, "hosts", "forgot", "gpu01")
    assert lost.code == 2
    assert "Did you mean `condafleet hosts forget`?" in lost.err


def test_without_a_file_the_aliases_of_ssh_config_are_offered_not_connected(run: Run) -> None:
    backend = FakeBackend(Settings(), {"local": Answer({"machine": MACHINE, "load": LOAD})}, ("gpu01", "gpu02"))
    done = run(backend, "hosts")
    assert done.code == 0
    assert "2 aliases in ssh_config (gpu01, gpu02): `condafleet hosts add NAME`" in done.err
    assert [view.name for view in backend.fleets[0].store.hosts()] == ["local"]


def test_hosts_are_added_and_forgotten_in_the_file(run: Run) -> None:
    backend = two_hosts()
    done = run(
        backend, "hosts", "add", "gpu05", "--address", "192.0.2.5", "--port", "2222", "--user", "ada", "--jump",
        "bastion", "--group", "a100", "--identity", "~/.ssh/k",
    )  # fmt: skip
    spec = HostSpec("gpu05", "192.0.2.5", 2222, "ada", ("~/.ssh/k",), "bastion", groups=("a100",))
    assert done.code == 0
    assert "gpu05 added to" in done.out
    assert run(backend, "hosts", "forget", "gpu01", "--json").json["hosts"][0]["name"] == "gpu01"
    assert backend.written == [("add", spec), ("forget", "gpu01")]
    assert run(backend, "hosts", "forget", "gpu99").code == 2
    assert run(backend, "hosts", "add", "-x").code == 2
    assert run(backend, "hosts", "add", "a b").code == 2
    assert run(backend, "hosts", "add", "x", "--port", "99999").code == 2
    assert len(backend.written) == 2
    assert backend.fleets == []


@pytest.mark.parametrize(
    ("key", "words", "code"),
    [
        (KEY, "saved in ~/.ssh/known_hosts", 0),
        (replace(KEY, file=None, known_before=True), "trusted already", 0),
        (replace(KEY, file=None), "cannot be saved", 1),
    ],
)
def test_a_key_is_trusted_when_its_fingerprint_fits(run: Run, key: TrustedKey, words: str, code: int) -> None:
    backend = fleet({"gpu01": Answer(trusted=key)})
    done = run(backend, "hosts", "trust", "gpu01", "--fingerprint", f"{KEY.fingerprint}=")
    assert done.code == code
    assert words in done.out
    shown = run(backend, "hosts", "trust", "gpu01", "--fingerprint", KEY.fingerprint, "--json").json
    assert shown["key"] == {
        "key_type": KEY.key_type,
        "fingerprint": KEY.fingerprint,
        "file": key.file,
        "known_before": key.known_before,
    }
    assert shown["error"] is None and shown["hosts"][0]["name"] == "gpu01"


@pytest.mark.parametrize(("fault", "code"), [(UNKNOWN_KEY, 3), (REFUSED, 1)])
def test_a_key_with_another_fingerprint_is_refused(run: Run, fault: Fault, code: int) -> None:
    argv = ("hosts", "trust", "gpu01", "--fingerprint", "SHA256:bbbbbbbbbbbb")
    done = run(fleet({"gpu01": Answer(fault=fault, trusted=KEY)}), *argv, "--json")
    assert done.code == code
    assert fault.message in done.err
    assert (done.json["error"] is not None) == (code == 3)


def test_everything_printed_in_json_is_one_plain_object(run: Run) -> None:
    for command in (["envs"], ["gpus"], ["sessions"], ["hosts"], ["probe", "gpu01"], ["packages", "gpu01:cv-resnet50"]):
        text = run(two_hosts(), *command, "--json").out
        assert list(json.loads(text))[:3] == ["schema", "generated", "hosts"]
        assert list(json.loads(text))[-1] == "error"


@pytest.mark.parametrize("argv", [("envs", "gpu02"), ("gpus", "gpu02:0"), ("packages", "gpu02:train")])
def test_nobody_claims_to_know_what_a_silent_host_holds(run: Run, argv: tuple[str, ...]) -> None:
    done = run(two_hosts(), *argv, "--json")
    assert done.code == 1
    assert done.json["error"] is None
    assert done.json["hosts"][0]["fault"]["kind"] == "refused"
    assert "fits" not in done.err
    both = run(two_hosts(), "envs", "gpu0*:none", "--json")
    assert both.code == 1
    assert "on the hosts that answered" in both.json["error"]["message"]


def test_a_notice_of_a_host_is_printed_on_stderr(run: Run) -> None:
    class Noticing(FakeBackend):
        def build(self, settings: Settings, prompter: Prompter) -> FakeFleet:
            api = super().build(settings, prompter)
            start = api.start

            async def begin(hosts: Any = None) -> None:
                await start(hosts)
                api.bus.publish(
                    HostNoticed("gpu01", 0.0, "The host key of gpu01 could not be saved in /ro/known_hosts.")
                )

            api.start = begin  # type: ignore[method-assign]
            return api

    backend = two_hosts()
    backend.__class__ = Noticing
    done = run(backend, "hosts", "--json")
    assert "gpu01: The host key of gpu01 could not be saved in /ro/known_hosts." in done.err
    assert "could not be saved" not in done.out
