"""What ``ssh -G`` says, what the fleet's configuration adds, and where the SSH library's own parser breaks."""

from __future__ import annotations

import asyncio
import os
import pwd
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import SshServer, SshUser
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.fleet.aliases import list_aliases
from tui.fleet.blocks import scan
from tui.fleet.resolved import JumpPart, Resolved, parse_jumps
from tui.fleet.sshconfig import SshConfig
from tui.fleet.tokens import TokenContext, expand, expand_path, split_paths

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "HOME": "/nonexistent", "KEYS": "/from/env"}
CONTEXT = TokenContext("gpu01", "10.0.0.1", 2222, "ada", "/home/me", "me", 1000, "laptop.example", "bastion", "")


async def resolve(text: str, directory: Path, spec: HostSpec | None = None) -> Resolved:
    config = directory / "config"
    config.write_text(text)
    return await SshConfig(config, ENVIRONMENT).resolve(spec or HostSpec("gpu01"))


async def test_everything_that_matters_is_read_as_openssh_reads_it(tmp_path: Path) -> None:
    (tmp_path / "more").write_text("Host gpu*\n  User from-include\n  HostKeyAlias key-of-%n\n")
    got = await resolve(
        f"""Include {tmp_path}/more
Match host gpu01 exec "test 1 = 1"
  Port 2200
Host gpu01 other
  HostName in.%h.example
Host *
  IdentityFile ~/.ssh/id_%r_%h
  IdentityFile ${{KEYS}}/key
  CertificateFile %d/cert-%p
  UserKnownHostsFile ~/.known-%h /b/known
  ProxyJump a@one:22,two
  PreferredAuthentications password,publickey
  NumberOfPasswordPrompts 2
  StrictHostKeyChecking accept-new
  HashKnownHosts yes
  IdentitiesOnly yes
  IdentityAgent %d/agent
  PubkeyAuthentication no
""",
        tmp_path,
    )
    home = pwd.getpwuid(os.getuid()).pw_dir
    assert got.hostname == "in.gpu01.example"
    assert (got.user, got.port, got.host_key_alias) == ("from-include", 2200, "key-of-gpu01")
    assert got.identities == (f"{home}/.ssh/id_from-include_{got.hostname}", "/from/env/key")
    assert got.certificates == (f"{home}/cert-2200",)
    assert got.known_hosts == (f"{home}/.known-{got.hostname}", "/b/known")
    assert got.jumps == (JumpPart("one", "a", 22), JumpPart("two"))
    assert got.preferred == ("password", "publickey") and got.prompts == 2
    assert (got.strict, got.hash_known_hosts, got.identities_only, got.publickey) == ("accept-new", True, True, False)
    assert got.agent == f"{home}/agent"


async def test_what_the_fleets_configuration_says_wins_and_is_seen_by_match(tmp_path: Path) -> None:
    spec = HostSpec(
        "gpu01", address="192.0.2.7", port=2022, user="ada", identity=("~/k",), jump="b@j:7", known_hosts="/kh"
    )
    text = "Match host 192.0.2.7 user ada\n  Compression yes\nHost *\n  HostName no\n  Port 1\n  User no\n"
    text += "  ProxyCommand nc %h\n"
    got = await resolve(text, tmp_path, spec)
    assert (got.hostname, got.port, got.user, got.compression) == ("192.0.2.7", 2022, "ada", True)
    assert got.jumps == (JumpPart("j", "b", 7),) and got.proxy_command is None
    assert got.known_hosts == ("/kh",) and got.identities[0].endswith("/k") and len(got.identities) == 1


async def test_jump_none_means_directly(tmp_path: Path) -> None:
    got = await resolve("Host *\n ProxyJump far\n", tmp_path, HostSpec("gpu01", jump="none"))
    assert got.jumps == () and got.proxy_command is None


async def test_a_jump_for_all_hosts_does_not_hold_for_the_jump_host_itself(tmp_path: Path) -> None:
    got = await resolve("", tmp_path, HostSpec("bastion", jump="bastion"))
    assert got.jumps == ()


async def test_directives_without_a_counterpart_are_named(tmp_path: Path) -> None:
    got = await resolve(
        "GSSAPIAuthentication yes\nHostbasedAuthentication yes\nPKCS11Provider /lib/x.so\n"
        "SecurityKeyProvider /lib/sk.so\n"
        "KnownHostsCommand /bin/false\nVerifyHostKeyDNS yes\n",
        tmp_path,
    )
    named = " ".join(got.not_honoured)
    for word in ("GSSAPI", "Hostbased", "PKCS11", "SecurityKey", "KnownHostsCommand", "VerifyHostKeyDNS"):
        assert word in named
    assert (await resolve("", tmp_path)).not_honoured == ()


async def test_a_broken_configuration_is_said_in_opensshs_own_words(tmp_path: Path) -> None:
    with pytest.raises(HostFaultError) as caught:
        await resolve("Host *\n  Prot 22\n", tmp_path)
    assert caught.value.fault.kind is FaultKind.CONFIG
    assert "line 2" in caught.value.message and "prot" in caught.value.message.lower()


async def test_a_corrected_configuration_is_read_again(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Host *\n  Prot 22\n")
    ssh = SshConfig(config, ENVIRONMENT)
    with pytest.raises(HostFaultError):
        await ssh.resolve(HostSpec("a"))
    config.write_text("Host *\n  Port 23\n")
    assert (await ssh.resolve(HostSpec("a"))).port == 23


async def test_the_same_host_is_resolved_once_and_a_cancelled_caller_takes_nothing_from_another(tmp_path: Path) -> None:
    counter = tmp_path / "count"
    (tmp_path / "config").write_text(f'Match exec "echo x >>{counter}; sleep 0.2"\n  Port 23\n')
    ssh = SshConfig(tmp_path / "config", ENVIRONMENT)
    first = asyncio.create_task(ssh.resolve(HostSpec("a")))
    second = asyncio.create_task(ssh.resolve(HostSpec("a")))
    await asyncio.sleep(0.05)
    first.cancel()
    assert (await second).port == 23 and (await ssh.resolve(HostSpec("a"))).port == 23
    assert counter.read_text() == "x\n"


async def test_without_an_ssh_program_only_hosts_written_out_work(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector
) -> None:
    known = shared_server.directory / "known_for_no_ssh"
    known.write_text("".join(shared_server.known_hosts_lines()))
    engine = connector(ssh="no-such-program")
    spec = HostSpec("gpu", "127.0.0.1", shared_server.port, ada.name, (str(ada.key),), known_hosts=str(known))
    connection = await engine.connect(spec)
    assert await ask(connection, "echo in") == b"in\n"
    await connection.close()
    with pytest.raises(HostFaultError) as caught:
        await engine.connect(HostSpec("alias"))
    assert caught.value.fault.kind is FaultKind.CONFIG
    assert "without an `ssh` program" in caught.value.message and "address" in caught.value.remedy


async def test_none_of_the_librarys_own_traps_is_left(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    # An apostrophe, a trailing comment, a missing identity, a missing known_hosts, RemoteCommand, odd options.
    files.config.write_text(
        "IgnoreUnknown UseKeychain\nHost other\n  UseKeychain \"it's\"\n  # don't\n"
        f"Host one # the one\n  IdentityFile {tmp_path}/missing\n  RemoteCommand tmux attach\n  RequestTTY force\n"
        f"  UserKnownHostsFile {tmp_path}/missing_too {files.known_hosts}\n  ControlMaster auto\n"
        f"  ControlPath {tmp_path}/%C\n  LocalForward 1 localhost:1\n  AddKeysToAgent yes\n  Compression yes\n"
        + files.config.read_text()
    )
    connection = await connector(files.config).connect(HostSpec("one"))
    assert await ask(connection, "printf '\\377'; tty") == b"\xffnot a tty\n"
    await connection.close()


async def test_algorithms_are_kept_to_and_the_cheap_key_exchange_goes_first(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    files = shared_server.client_config({"one": ada}, directory=tmp_path)
    base = files.config.read_text()
    files.config.write_text(
        "Ciphers aes256-ctr\nMACs hmac-sha2-512-etm@openssh.com\nHostKeyAlgorithms rsa-sha2-256\n" + base
    )
    connection = await connector(files.config).connect(HostSpec("one"))
    assert connection.facts.host_key is not None and connection.facts.host_key.startswith("ssh-rsa ")
    await connection.close()
    files.config.write_text("KexAlgorithms sntrup761x25519-sha512@openssh.com\n" + base)
    with pytest.raises(HostFaultError) as caught:
        await connector(files.config).connect(HostSpec("one"))
    assert caught.value.fault.kind is FaultKind.CONFIG and "sntrup" in caught.value.message


# -- one answer for many hosts ------------------------------------------------------------------------------

PLAIN = """Host gpu0? !gpu03
  User ada
Host gpu02
  HostName 10.0.0.2
  IdentityFile ~/.ssh/two
Host *
  Port 2200
  IdentityFile ~/.ssh/all
"""
NAMES = ("gpu01", "gpu02", "gpu03", "gpu04", "Gpu05", "other", "host", "x")


def counting_ssh(directory: Path) -> dict[str, str]:
    """An environment whose ``ssh`` is the real one and counts its runs."""
    script = directory / "bin" / "ssh"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\necho x >>{directory}/runs\nexec /usr/bin/ssh "$@"\n')
    script.chmod(0o755)
    return {"PATH": f"{script.parent}:/usr/bin:/bin", "HOME": "/nonexistent"}


async def test_hosts_that_match_the_same_lines_share_one_run_and_get_the_very_answer_of_their_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "config").write_text(PLAIN)
    shared = SshConfig(tmp_path / "config", counting_ssh(tmp_path))
    specs = [HostSpec(name) for name in NAMES]
    specs += [HostSpec("z", address="192.0.2.1", port=7, user="u"), HostSpec("gpu09", address="192.0.2.2")]
    answers = await asyncio.gather(*(shared.resolve(spec) for spec in specs))
    runs = (tmp_path / "runs").read_text().count("x")
    assert runs == 2  # gpu0?, the rest; the user of gpu02 is its own affair
    # A Match line, even one that never holds, makes every host ask for itself.
    (tmp_path / "alone").write_text(PLAIN + "Match originalhost never\n  User never\n")
    alone = SshConfig(tmp_path / "alone", ENVIRONMENT)
    assert list(answers) == [await alone.resolve(spec) for spec in specs]


LINES = (
    "Host gpu01", "Host gpu0? !gpu02", "Host gpu02 other", "Host [x]", "Host x", "Host *", "Host !x *",
    "HostName 192.0.2.7", "HostName=%h.example", "HostName second.example", "Port 22", "Port = 2200", "User ada",
    "  User bob", "IdentityFile ~/.ssh/a", "IdentityFile /b", "ProxyJump one,two", "ProxyJump none",
    "ProxyCommand nc %h %p", "ControlPath ~/%C", "KexAlgorithms curve25519-sha256", "# Host gpu01", "Include more",
    "Include absent*", "Include more more2", "UserKnownHostsFile /a b",
)  # fmt: skip


@given(main=st.lists(st.sampled_from(LINES), max_size=14), more=st.lists(st.sampled_from(LINES[:22]), max_size=6))
@settings(max_examples=25, deadline=None)
async def test_shared_answers_are_those_that_each_host_would_get(main: list[str], more: list[str]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "more").write_text("\n".join(more))
        (directory / "more2").write_text("Host gpu02\nPort 9\n")
        text = "\n".join(main).replace("Include more", f"Include {directory}/more").replace(
            " more2", f" {directory}/more2")  # fmt: skip
        (directory / "config").write_text(text + "\n")
        (directory / "alone").write_text(text + "\nMatch originalhost never\n  User never\n")
        specs = [HostSpec(name) for name in ("gpu01", "gpu02", "gpu03", "other", "x")]
        shared = SshConfig(directory / "config", ENVIRONMENT)
        alone = SshConfig(directory / "alone", ENVIRONMENT)
        assert shared._scan() is not None
        assert alone._scan() is None
        for spec in specs:
            assert await shared.resolve(spec) == await alone.resolve(spec)


async def test_two_hundred_hosts_with_addresses_of_their_own_need_one_run(tmp_path: Path) -> None:
    blocks = "".join(f"Host h{n}\n  HostName 192.0.2.{n}\n  Port {2000 + n}\n" for n in range(200))
    (tmp_path / "config").write_text(f"{blocks}Host *\n  User ada\n  ForwardX11 no\n  ControlPath ~/.ssh/%C\n")
    ssh = SshConfig(tmp_path / "config", counting_ssh(tmp_path))
    found = await asyncio.gather(*(ssh.resolve(HostSpec(f"h{n}")) for n in range(200)))
    assert (tmp_path / "runs").read_text().count("x") == 1
    assert [(one.hostname, one.port, one.user) for one in found] == [
        (f"192.0.2.{n}", 2000 + n, "ada") for n in range(200)
    ]


async def test_where_ssh_reads_other_files_than_expected_every_host_is_asked_for(tmp_path: Path) -> None:
    environment = counting_ssh(tmp_path)
    program = tmp_path / "bin" / "ssh"
    # As if ssh had been built with another place for its own files.
    program.write_text(
        f"#!/bin/sh\necho x >>{tmp_path}/runs\nfor last; do :; done\n"
        f'case "$*" in *-v*) set -- -v;; *) set --;; esac\n'
        f'exec /usr/bin/ssh -G "$@" -F {tmp_path}/other -- "$last"\n'
    )
    (tmp_path / "config").write_text("Port 1\n")
    (tmp_path / "other").write_text("Host a\nPort 2\nHost b\nPort 3\n")
    ssh = SshConfig(tmp_path / "config", environment)
    assert [(await ssh.resolve(HostSpec(name))).port for name in ("a", "b")] == [2, 3]


@pytest.mark.parametrize(
    "line",
    [
        "Match all", "CanonicalizeHostname yes", "HostName %n.example", "IdentityFile ${KEYS}/k", "Include more",
        "IdentityFile ~/.ssh/%h", "HostKeyAlias %n", 'User "ada"', "Host 'gpu01'", "Port 22 # the usual one",
        "Port ssh", '"Host" gpu01', "Host a\\b", "User %u",
    ],
)  # fmt: skip
def test_a_configuration_that_depends_on_more_than_its_host_lines_is_not_shared(tmp_path: Path, line: str) -> None:
    (tmp_path / "more").write_text("Match user x\n")
    (tmp_path / "config").write_text(f"{PLAIN}\n{line}\n")
    assert scan([(tmp_path / "config", tmp_path)]) is None


async def test_a_changed_file_is_seen_after_a_failure(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.write_text("Port 1\n")
    ssh = SshConfig(config, ENVIRONMENT)
    assert [(await ssh.resolve(HostSpec(name))).port for name in ("a", "b")] == [1, 1]
    config.write_text("Port 2\n")
    ssh.forget(HostSpec("a"))
    assert (await ssh.resolve(HostSpec("a"))).port == 2


# -- pure parts -----------------------------------------------------------------------------------------


def test_tokens_stand_for_what_the_manual_says() -> None:
    assert expand("%%-%h-%n-%p-%r-%d-%u-%i-%l-%L-%j-%k", CONTEXT) == (
        "%-10.0.0.1-gpu01-2222-ada-/home/me-me-1000-laptop.example-laptop-bastion-gpu01"
    )
    assert len(expand("%C", CONTEXT)) == 40
    assert expand_path("~/x", CONTEXT, {}) == "/home/me/x"
    assert expand_path("${A}/%p", CONTEXT, {"A": "/a"}) == "/a/2222"
    for wrong in ("%z", "x%"):
        with pytest.raises(ValueError):
            expand(wrong, CONTEXT)
    with pytest.raises(ValueError):
        expand_path("${NOT_SET}", CONTEXT, {})


@given(st.text(alphabet=st.characters(blacklist_characters="%", blacklist_categories=["Cs"])))
@settings(max_examples=50)
def test_a_value_without_tokens_stays_as_it_is(value: str) -> None:
    assert expand(value, CONTEXT) == value


def test_paths_with_blanks_are_found_again(tmp_path: Path) -> None:
    spaced = tmp_path / "my known hosts"
    spaced.touch()
    assert split_paths(f"/a {spaced} /b") == ["/a", str(spaced), "/b"]


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("none", ()),
        ("b", (JumpPart("b"),)),
        ("u@b:22,c", (JumpPart("b", "u", 22), JumpPart("c"))),
        ("ssh://u@b:2222", (JumpPart("b", "u", 2222),)),
        ("u@[::1]:22", (JumpPart("::1", "u", 22),)),
        ("a@dom@b", (JumpPart("b", "a@dom"),)),
        ("-oProxyCommand=x", None),
        ("b:99999", None),
        (",", None),
    ],
)
def test_jump_values(value: str, parts: tuple[JumpPart, ...] | None) -> None:
    if parts is None:
        with pytest.raises(ValueError):
            parse_jumps(value)
    else:
        assert parse_jumps(value) == parts


# -- aliases to offer ---------------------------------------------------------------------------------------


def test_aliases_are_listed_through_includes_without_patterns(tmp_path: Path) -> None:
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "conf.d" / "a.conf").write_text("Host inc1 inc*\nMatch host x\nHost=inc2\n")
    (tmp_path / "config").write_text(
        'Include conf.d/*.conf missing/*\nhost gpu01 "gpu 02" !no gpu?? # note\nHost *\n  User x\n'
        "HOST\tgpu03\nHost it's -bad\n"
        "Include config\n"
    )
    assert list_aliases(tmp_path / "config") == ("inc1", "inc2", "gpu01", "gpu03")


def test_no_config_offers_nothing(tmp_path: Path) -> None:
    assert list_aliases(tmp_path / "none") == ()
