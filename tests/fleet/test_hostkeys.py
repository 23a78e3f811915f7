"""Host keys: known, unknown, changed, revoked, certified; against a real sshd and the real ssh-keygen."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fakes import ScriptedPrompter
from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import ClientFiles, SshServer, SshUser, generate_key, sign_key
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.fleet.connector import SshConnector
from tui.fleet.knownhosts import KnownHosts, KnownHostsFiles, Verdict, append_line, fingerprint_of
from tui.ports import HostKeyAnswer, Notice

HOST = HostSpec("one")


@pytest.fixture
def files(shared_server: SshServer, ada: SshUser, tmp_path: Path) -> ClientFiles:
    return shared_server.client_config({"one": ada}, directory=tmp_path / "client")


def lines_of(server: SshServer, kind: str, name: str | None = None) -> str:
    line = server.known_hosts_lines([kind])[0]
    return line if name is None else f"{name} {line.split(' ', 1)[1]}"


async def fault_of(engine: SshConnector, spec: HostSpec = HOST) -> HostFaultError:
    with pytest.raises(HostFaultError) as caught:
        connection = await engine.connect(spec)
        await connection.close()
    return caught.value


def run(argv: list[str]) -> str:
    return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=30).stdout


def with_option(files: ClientFiles, line: str) -> Path:
    """The same config with one directive before all others."""
    path = files.config.with_name("more_config")
    path.write_text(f"{line}\n{files.config.read_text()}")
    return path


async def test_an_unknown_key_is_shown_with_its_fingerprint_and_refused_when_nobody_answers(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector
) -> None:
    files.known_hosts.write_text("")
    prompter = ScriptedPrompter()
    error = await fault_of(connector(files.config, prompter=prompter))
    fingerprint = shared_server.fingerprint("ed25519")
    assert error.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert fingerprint in error.message and f"hosts trust one --fingerprint {fingerprint}" in error.remedy
    (question,) = prompter.keys_asked
    assert (question.host, question.port, question.algorithm) == ("one", shared_server.port, "ssh-ed25519")
    assert question.fingerprint == fingerprint and question.known_hosts == str(files.known_hosts)
    assert files.known_hosts.read_text() == ""


async def test_a_refused_key_leaves_no_trace(files: ClientFiles, connector: MakeConnector) -> None:
    files.known_hosts.write_text("")
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.REFUSE])
    assert (await fault_of(connector(files.config, prompter=prompter))).fault.kind is FaultKind.HOST_KEY_UNKNOWN
    assert files.known_hosts.read_text() == ""


async def test_a_key_accepted_once_is_good_for_this_run_and_saved_nowhere(
    files: ClientFiles, connector: MakeConnector
) -> None:
    files.known_hosts.write_text("")
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.ONCE])
    engine = connector(files.config, prompter=prompter)
    for _ in range(2):
        await (await engine.connect(HOST)).close()
    assert len(prompter.keys_asked) == 1
    assert files.known_hosts.read_text() == ""


@pytest.mark.parametrize("hashed", ["no", "yes"])
async def test_a_saved_key_is_a_line_that_openssh_itself_finds(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, tmp_path: Path, hashed: str
) -> None:
    target = tmp_path / "new folder" / "known hosts"
    config = with_option(files, f'HashKnownHosts {hashed}\nUserKnownHostsFile "{target}"')
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE])
    # OpenSSH prints file names with blanks unquoted, and a file that is not there yet cannot be guessed.
    target.parent.mkdir(mode=0o700)
    target.write_text("# mine, without a newline at its end")
    target.chmod(0o600)
    await (await connector(config, prompter=prompter).connect(HOST)).close()
    await (await connector(config).connect(HOST)).close()
    text = target.read_text()
    assert text.startswith("# mine, without a newline at its end\n") and text.count("ssh-ed25519") == 1
    assert ("|1|" in text) is (hashed == "yes")
    name = f"[127.0.0.1]:{shared_server.port}"
    found = run(["ssh-keygen", "-F", name, "-f", str(target)])
    assert "ssh-ed25519" in found


async def test_the_file_and_folder_made_for_a_saved_key_are_private(tmp_path: Path) -> None:
    file = tmp_path / "ssh" / "known_hosts"
    assert append_line(str(file), "h", "ssh-ed25519", "A" * 68, hashed=False)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


async def test_two_clients_that_save_at_once_lose_no_line(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    keys = ["AAAA" + f"{n:064d}" for n in range(40)]
    await asyncio.gather(
        *(
            asyncio.to_thread(append_line, str(file), f"h{n % 20}", "ssh-x", keys[n // 2], hashed=False)
            for n in range(80)
        )
    )
    lines = file.read_text().splitlines()
    assert len(lines) == len(set(lines)) and {line.split()[2] for line in lines} == set(keys)


async def test_a_full_disk_does_not_stop_a_connection_that_was_accepted(
    files: ClientFiles, connector: MakeConnector
) -> None:
    config = with_option(files, "UserKnownHostsFile /proc/nowhere/known_hosts")
    steps: list[str] = []
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE])
    await (await connector(config, prompter=prompter).connect(HOST, steps.append)).close()
    said = [step for step in steps if isinstance(step, Notice)]
    assert len(said) == 1
    assert f"The host key of {HOST.name} could not be saved in /proc/nowhere/known_hosts: No such file" in said[0]
    assert "until this program ends" in said[0] and "who may write that file" in said[0]


async def test_a_key_that_no_file_is_named_for_is_told_as_not_saved(
    files: ClientFiles, connector: MakeConnector
) -> None:
    config = with_option(files, "UserKnownHostsFile none")
    steps: list[str] = []
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE])
    await (await connector(config, prompter=prompter).connect(HOST, steps.append)).close()
    said = [step for step in steps if isinstance(step, Notice)]
    assert len(said) == 1 and "UserKnownHostsFile is none" in said[0]


@pytest.mark.parametrize("strict", ["ask", "no", "accept-new", "yes"])
async def test_a_changed_key_stops_the_host_whatever_is_configured(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, tmp_path: Path, strict: str
) -> None:
    old = generate_key(tmp_path / "old").with_suffix(".pub").read_text().split()
    name = f"[127.0.0.1]:{shared_server.port}"
    files.known_hosts.write_text(f"# first\nother.example {old[0]} {old[1]}\n{name} {old[0]} {old[1]}\n")
    before = files.known_hosts.read_text()
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE])
    error = await fault_of(connector(with_option(files, f"StrictHostKeyChecking {strict}"), prompter=prompter))
    assert error.fault.kind is FaultKind.HOST_KEY_CHANGED
    assert shared_server.fingerprint("ed25519") in error.message
    assert fingerprint_of(old[1]) in error.message
    assert f"{files.known_hosts}:3" in error.message
    assert f"ssh-keygen -R '{name}' -f '{files.known_hosts}'" in error.remedy
    assert not prompter.keys_asked and files.known_hosts.read_text() == before


async def test_the_remedy_for_a_changed_key_works(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, tmp_path: Path
) -> None:
    old = generate_key(tmp_path / "old").with_suffix(".pub").read_text().split()
    files.known_hosts.write_text(f"[127.0.0.1]:{shared_server.port} {old[0]} {old[1]}\n")
    engine = connector(files.config, prompter=ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE]))
    remedy = (await fault_of(engine)).remedy
    command = remedy.split(": ", 1)[1].split(", then")[0]
    run(["sh", "-c", command])
    await (await engine.connect(HOST)).close()


async def test_a_host_known_by_another_kind_of_key_is_asked_for_that_one(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector
) -> None:
    for kind, shown in (("rsa", "ssh-rsa"), ("ecdsa", "ecdsa-sha2-nistp256")):
        files.known_hosts.write_text(lines_of(shared_server, kind))
        connection = await connector(files.config).connect(HOST)
        assert connection.facts.host_key == f"{shown} {shared_server.fingerprint(kind)}"
        await connection.close()


async def test_a_host_that_no_longer_has_the_kind_of_key_it_is_known_by_has_changed(
    ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    with SshServer(host_keys=("ed25519",)) as server:
        server.authorize(ada, ada.key.with_suffix(".pub").read_text())
        files = server.client_config({"one": ada}, directory=tmp_path)
        other = generate_key(tmp_path / "ecdsa", "ecdsa").with_suffix(".pub").read_text().split()
        files.known_hosts.write_text(f"[127.0.0.1]:{server.port} {other[0]} {other[1]}\n")
        error = await fault_of(connector(with_option(files, "StrictHostKeyChecking accept-new")))
        assert error.fault.kind is FaultKind.HOST_KEY_CHANGED


@pytest.mark.parametrize("strict", ["accept-new", "no"])
async def test_a_new_key_is_saved_without_a_question_where_openssh_would(
    files: ClientFiles, connector: MakeConnector, strict: str
) -> None:
    files.known_hosts.write_text("")
    prompter = ScriptedPrompter()
    config = with_option(files, f"StrictHostKeyChecking {strict}")
    await (await connector(config, prompter=prompter).connect(HOST)).close()
    assert not prompter.keys_asked and files.known_hosts.read_text().count("ssh-ed25519") == 1


async def test_strict_checking_asks_nobody(files: ClientFiles, connector: MakeConnector) -> None:
    files.known_hosts.write_text("")
    prompter = ScriptedPrompter(host_keys=[HostKeyAnswer.SAVE])
    error = await fault_of(connector(with_option(files, "StrictHostKeyChecking yes"), prompter=prompter))
    assert error.fault.kind is FaultKind.HOST_KEY_UNKNOWN and not prompter.keys_asked


async def test_the_usual_throwaway_settings_connect(files: ClientFiles, connector: MakeConnector) -> None:
    config = with_option(files, "StrictHostKeyChecking no\nUserKnownHostsFile /dev/null")
    assert await ask(await connector(config).connect(HOST), "echo in") == b"in\n"


async def test_a_revoked_key_stops_the_host(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector
) -> None:
    good = files.known_hosts.read_text()
    files.known_hosts.write_text(f"{good}@revoked * {lines_of(shared_server, 'ed25519').split(' ', 1)[1]}")
    error = await fault_of(connector(with_option(files, "StrictHostKeyChecking no")))
    assert error.fault.kind is FaultKind.HOST_KEY_REVOKED
    assert f"{files.known_hosts}:{good.count(chr(10)) + 1}" in error.message


async def test_hashed_names_patterns_other_files_and_bad_lines_all_count(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, tmp_path: Path
) -> None:
    hashed = tmp_path / "hashed"
    hashed.write_text(lines_of(shared_server, "ed25519"))
    run(["ssh-keygen", "-H", "-f", str(hashed)])
    assert hashed.read_text().startswith("|1|")
    wild = tmp_path / "wild"
    wild.write_text(lines_of(shared_server, "ed25519", f"!127.0.0.9,[127.0.0.?]:{shared_server.port}"))
    broken = tmp_path / "broken"
    broken.write_text(
        "it's\n|1|bad\n@unknown x y z\nname 1024 35 9999\nh ssh-ed25519 AAAA\n\x00\xff\n"
        + lines_of(shared_server, "ed25519")
    )
    bare = tmp_path / "bare"
    bare.write_text(lines_of(shared_server, "ed25519", "127.0.0.1"))
    for file in (hashed, wild, broken, bare):
        missing = tmp_path / "missing"
        config = with_option(files, f"UserKnownHostsFile {missing} {file}\nStrictHostKeyChecking yes")
        await (await connector(config).connect(HOST)).close()


async def test_an_alias_names_the_key(shared_server: SshServer, files: ClientFiles, connector: MakeConnector) -> None:
    files.known_hosts.write_text(lines_of(shared_server, "ed25519", "the-one"))
    await (await connector(with_option(files, "HostKeyAlias the-%n")).connect(HOST)).close()
    assert (await fault_of(connector(files.config))).fault.kind is FaultKind.HOST_KEY_UNKNOWN


@pytest.fixture(scope="module")
def certified(ada: SshUser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SshServer, Path]]:
    authority = generate_key(tmp_path_factory.mktemp("ca") / "ca")
    with SshServer(host_keys=("ed25519",)) as server:
        server.authorize(ada, ada.key.with_suffix(".pub").read_text())
        certificate = sign_key(authority, server.host_key().with_suffix(".pub"), ["127.0.0.1"], host=True)
        server.reload(options=[f"HostCertificate {certificate}"])
        yield server, authority


async def test_a_host_certificate_of_a_known_authority_is_enough(
    certified: tuple[SshServer, Path], ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    server, authority = certified
    files = server.client_config({"one": ada}, directory=tmp_path)
    public = authority.with_suffix(".pub").read_text()
    files.known_hosts.write_text(f"@cert-authority 127.0.0.* {public}")
    connection = await connector(with_option(files, "StrictHostKeyChecking yes")).connect(HOST)
    assert connection.facts.host_key is not None and "authority" in connection.facts.host_key
    await connection.close()
    files.known_hosts.write_text(f"@cert-authority * {public}@revoked * {public}")
    assert (await fault_of(connector(files.config))).fault.kind is FaultKind.HOST_KEY_REVOKED
    files.known_hosts.write_text(f"@cert-authority * {public}@revoked * {lines_of(server, 'ed25519').split(' ', 1)[1]}")
    assert (await fault_of(connector(files.config))).fault.kind is FaultKind.HOST_KEY_REVOKED


async def test_a_certificate_of_an_unknown_authority_counts_for_nothing_and_the_plain_key_for_all(
    certified: tuple[SshServer, Path], ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    server, _ = certified
    files = server.client_config({"one": ada}, directory=tmp_path)
    other = generate_key(tmp_path / "other_ca").with_suffix(".pub").read_text()
    plain = files.known_hosts.read_text()
    files.known_hosts.write_text(f"@cert-authority * {other}{plain}")
    await (await connector(files.config).connect(HOST)).close()
    files.known_hosts.write_text(f"@cert-authority * {other}")
    assert (await fault_of(connector(files.config))).fault.kind is FaultKind.HOST_KEY_UNKNOWN


async def test_a_certificate_for_another_name_is_refused(
    certified: tuple[SshServer, Path], ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    server, authority = certified
    files = server.client_config({"one": ada}, directory=tmp_path, options={"one": {"HostName": "localhost"}})
    files.known_hosts.write_text(f"@cert-authority * {authority.with_suffix('.pub').read_text()}")
    error = await fault_of(connector(with_option(files, "AddressFamily inet")))
    assert error.fault.kind is FaultKind.HOST_KEY_UNKNOWN and "certificate" in error.message


# -- trusting without a login -----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_host_can_be_trusted_by_any_of_its_fingerprints_without_logging_in(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, kind: str
) -> None:
    files.known_hosts.write_text("")
    engine = connector(with_option(files, "IdentityFile none\nPubkeyAuthentication no\nStrictHostKeyChecking yes"))
    trusted = await engine.trust(HOST, shared_server.fingerprint(kind))
    assert (trusted.file, trusted.known_before) == (str(files.known_hosts), False)
    again = await engine.trust(HOST, shared_server.fingerprint(kind))
    assert again.known_before and files.known_hosts.read_text().count("\n") == 1
    await (await connector(files.config).connect(HOST)).close()


async def test_a_wrong_fingerprint_saves_nothing_and_names_what_was_seen(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector
) -> None:
    files.known_hosts.write_text("")
    with pytest.raises(HostFaultError) as caught:
        await connector(files.config).trust(HOST, "SHA256:" + "A" * 43)
    assert caught.value.fault.kind is FaultKind.HOST_KEY_UNKNOWN
    for kind in ("ed25519", "ecdsa", "rsa"):
        assert shared_server.fingerprint(kind) in caught.value.message
    assert files.known_hosts.read_text() == ""


async def test_a_key_that_cannot_be_saved_is_not_called_trusted(
    shared_server: SshServer, files: ClientFiles, connector: MakeConnector, tmp_path: Path
) -> None:
    (tmp_path / "folder").mkdir()
    engine = connector(with_option(files, f"UserKnownHostsFile {tmp_path}/folder"))
    with pytest.raises(HostFaultError) as caught:
        await engine.trust(HOST, shared_server.fingerprint())
    assert caught.value.fault.kind is FaultKind.PERMISSION
    assert f"{tmp_path}/folder: Is a directory" in caught.value.message


# -- the parser ---------------------------------------------------------------------------------------------


def test_a_file_is_read_once_and_again_only_when_it_changes(tmp_path: Path) -> None:
    file = tmp_path / "known_hosts"
    key = "AAAA" + "b" * 64
    file.write_text(f"a ssh-ed25519 {key}\n")
    files = KnownHostsFiles()
    first = files.get(str(file))
    assert files.get(str(file)) is first
    file.write_text(f"a ssh-ed25519 {key}\nb ssh-ed25519 {key}\n")
    os.utime(file, (1, 1))
    assert files.get(str(file)) is not first
    assert files.look_up([str(file)], "b", 22, None).judge("ssh-ed25519", key)[0] is Verdict.KNOWN


def test_ten_thousand_lines_are_read_quickly() -> None:
    key = "AAAA" + "b" * 64
    text = "".join(f"host{n},10.0.{n // 256}.{n % 256} ssh-ed25519 {key}\n" for n in range(10_000))
    parsed = KnownHosts.parse(text, "f")
    assert len(parsed.exact) == 20_000 and parsed.skipped == ()
    assert [entry.line for entry in parsed.find("host777")] == [778]


@given(st.text(max_size=400), st.text(max_size=40))
@settings(max_examples=100)
def test_no_file_however_broken_stops_the_parser(text: str, name: str) -> None:
    good = "AAAA" + "b" * 64
    parsed = KnownHosts.parse(f"{text}\nplain.example ssh-ed25519 {good}\n", "f")
    assert any(entry.key == good for entry in parsed.find("plain.example"))
    parsed.find(name)
