"""Logging in: keys, agents, certificates, passphrases, passwords, questions; and saying why it failed."""

from __future__ import annotations

import asyncio
import base64
import re
import struct
import subprocess
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import asyncssh
import pytest
from asyncssh import auth
from asyncssh.auth import ServerAuth
from asyncssh.packet import SSHPacket

from tests.fakes import ScriptedPrompter, eventually
from tests.fleet.conftest import MakeConnector, ask
from tests.sshd import SshServer, SshUser, generate_key, sign_key
from tests.stalls import watched
from tui.domain.errors import HostFaultError
from tui.domain.faults import FaultKind
from tui.domain.hosts import HostSpec
from tui.domain.settings import Limits
from tui.fleet.connector import SshConnector
from tui.ports import SecretKind, SecretQuestion

HOST = HostSpec("one")


async def fault_of(engine: SshConnector, spec: HostSpec = HOST) -> HostFaultError:
    with pytest.raises(HostFaultError) as caught:
        connection = await engine.connect(spec)
        await connection.close()
    return caught.value


@contextmanager
def agent_with(directory: Path, *keys: Path) -> Iterator[dict[str, str]]:
    """A real ssh-agent that holds *keys*; the environment that leads to it."""
    path = directory / "agent.sock"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(path)], stdout=subprocess.DEVNULL)
    environment = {"PATH": "/usr/bin:/bin", "SSH_AUTH_SOCK": str(path)}
    try:
        deadline = time.monotonic() + 10
        while not path.exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        for key in keys:
            subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, capture_output=True)
        yield environment
    finally:
        process.terminate()
        process.wait(10)


def config_for(server: SshServer, user: SshUser, directory: Path, **options: str) -> Path:
    options = {"IdentityAgent": "SSH_AUTH_SOCK", **options}
    return server.client_config({"one": user}, directory=directory, options={"one": options}).config


# -- keys -----------------------------------------------------------------------------------------------


async def test_missing_key_files_are_passed_over(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    config = config_for(shared_server, ada, tmp_path, IdentityFile=f"{tmp_path}/none\n  IdentityFile {ada.key}")
    await (await connector(config).connect(HOST)).close()


async def test_a_key_of_the_fleets_configuration_replaces_those_of_ssh_config(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    other = generate_key(tmp_path / "other")
    config = config_for(shared_server, ada, tmp_path, IdentityFile=str(other))
    error = await fault_of(connector(config))
    assert error.fault.kind is FaultKind.AUTH_NEEDED and str(other) in error.message
    spec = HostSpec("one", identity=(str(ada.key),))
    await (await connector(config).connect(spec)).close()


@pytest.mark.parametrize("kind", ["rsa", "ecdsa", "ed25519"])
async def test_every_common_kind_of_key_works(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path, kind: str
) -> None:
    key = generate_key(tmp_path / "key", kind)
    shared_server.authorize(ada, key.with_suffix(".pub").read_text())
    await (await connector(config_for(shared_server, ada, tmp_path, IdentityFile=str(key))).connect(HOST)).close()


async def test_an_rsa_key_in_the_old_format_works(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = tmp_path / "pem"
    await asyncio.to_thread(
        subprocess.run,
        ["ssh-keygen", "-q", "-t", "rsa", "-b", "2048", "-m", "PEM", "-N", "words", "-f", str(key)],
        check=True,
    )
    shared_server.authorize(ada, key.with_suffix(".pub").read_text())
    config = config_for(shared_server, ada, tmp_path, IdentityFile=str(key))
    await (await connector(config, prompter=ScriptedPrompter(["words"])).connect(HOST)).close()


async def test_the_agent_is_used_and_an_encrypted_file_whose_key_it_holds_is_not_asked_for(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "key")
    shared_server.authorize(ada, key.with_suffix(".pub").read_text())
    prompter = ScriptedPrompter()
    with agent_with(tmp_path, key) as environment:
        await asyncio.to_thread(
            subprocess.run, ["ssh-keygen", "-q", "-p", "-P", "", "-N", "secret", "-f", str(key)], check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        config = config_for(shared_server, ada, tmp_path, IdentityFile=str(key))
        engine = connector(config, prompter=prompter, environment=environment)
        connection = await engine.connect(HOST)
        assert connection.facts.auth_method is not None and str(key) in connection.facts.auth_method
        await connection.close()
        public_only = config_for(shared_server, ada, tmp_path, IdentityFile=f"{key}.pub")
        await (await connector(public_only, environment=environment).connect(HOST)).close()
    assert not prompter.asked


async def test_identities_only_keeps_the_agents_other_keys_to_itself(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    other = generate_key(tmp_path / "other")
    with agent_with(tmp_path, ada.key) as environment:
        alone = config_for(shared_server, ada, tmp_path, IdentityFile=str(other), IdentitiesOnly="yes")
        error = await fault_of(connector(alone, environment=environment))
        assert error.fault.kind is FaultKind.AUTH_NEEDED and str(other) in error.message
        free = config_for(shared_server, ada, tmp_path, IdentityFile=str(other), IdentitiesOnly="no")
        await (await connector(free, environment=environment).connect(HOST)).close()


async def test_a_full_agent_never_uses_up_the_servers_patience(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    wrong = [generate_key(tmp_path / f"wrong{n}") for n in range(12)]
    with agent_with(tmp_path, *wrong) as environment:
        config = config_for(shared_server, ada, tmp_path, IdentityFile=str(ada.key), IdentitiesOnly="no")
        await (await connector(config, environment=environment).connect(HOST)).close()
        lost = config_for(shared_server, ada, tmp_path, IdentityFile="none", IdentitiesOnly="no")
        error = await fault_of(connector(lost, environment=environment))
    assert error.fault.kind is FaultKind.AUTH_FAILED
    assert error.message.count("SHA256:") == 5 and "only 5 of 12 keys were offered" in error.message


async def test_a_dead_agent_is_passed_over(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    environment = {"PATH": "/usr/bin:/bin", "SSH_AUTH_SOCK": str(tmp_path / "gone")}
    await (await connector(config_for(shared_server, ada, tmp_path), environment=environment).connect(HOST)).close()


@pytest.mark.parametrize("place", ["beside the key", "CertificateFile", "agent"])
async def test_a_certificate_is_offered_with_its_key(connector: MakeConnector, tmp_path: Path, place: str) -> None:
    authority, key = generate_key(tmp_path / "ca"), generate_key(tmp_path / "key")
    with SshServer(options=[f"TrustedUserCAKeys {authority}.pub"]) as server:
        user = server.add_user(authorized=False)
        certificate = sign_key(authority, key.with_suffix(".pub"), [user.name])
        options = {"IdentityFile": str(key)}
        if place == "CertificateFile":
            options["CertificateFile"] = str(certificate.rename(tmp_path / "elsewhere"))
        if place == "agent":
            with agent_with(tmp_path, key) as environment:
                certificate.unlink()
                config = config_for(server, user, tmp_path, IdentitiesOnly="no", **options)
                connection = await connector(config, environment=environment).connect(HOST)
        else:
            connection = await connector(config_for(server, user, tmp_path, **options)).connect(HOST)
        method = connection.facts.auth_method or ""
        assert method.startswith("publickey") and ("certificate" in method)
        await connection.close()


async def test_the_key_that_worked_is_offered_first_and_signed_at_once_the_next_time(
    ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    with SshServer(options=["LogLevel DEBUG2"]) as server:
        server.authorize(ada, ada.key.with_suffix(".pub").read_text())
        wrong = generate_key(tmp_path / "wrong")
        config = config_for(server, ada, tmp_path, IdentityFile=f"{wrong}\n  IdentityFile {ada.key}")
        engine = connector(config)
        counts = []
        for _ in range(2):
            before = server.log().count("userauth-request for user")
            await (await engine.connect(HOST)).close()
            counts.append(server.log().count("userauth-request for user") - before)
    assert counts == [4, 1]  # none, wrong key, right key, signature; then the signature alone


@pytest.mark.parametrize(
    ("wrong", "requests"),
    [
        (0, ["publickey"]),  # the signature alone
        (1, ["publickey", "none", "publickey", "publickey"]),  # wrong, what goes, the right one, its signature
        # So many that one wrong try more would be one too many: the server is asked first.
        (4, ["none", *["publickey"] * 6]),
    ],
)
async def test_the_first_login_begins_with_a_signature_where_that_asks_nobody(
    ada: SshUser, connector: MakeConnector, tmp_path: Path, wrong: int, requests: list[str]
) -> None:
    with SshServer(options=["LogLevel DEBUG2"]) as server:
        server.authorize(ada, ada.key.with_suffix(".pub").read_text())
        keys = [*(generate_key(tmp_path / f"wrong{n}") for n in range(wrong)), ada.key]
        config = config_for(server, ada, tmp_path, IdentityFile="\n  IdentityFile ".join(map(str, keys)))
        connection = await connector(config).connect(HOST)
        assert (
            re.findall(r"userauth-request for user \S+ service ssh-connection method (\S+)", server.log()) == requests
        )
        assert connection.facts.auth_method is not None and str(ada.key) in connection.facts.auth_method
        await connection.close()


async def test_a_person_who_wants_another_method_first_gets_it(
    bob: SshUser, shared_server: SshServer, connector: MakeConnector, tmp_path: Path
) -> None:
    config = config_for(
        shared_server, bob, tmp_path, IdentityFile=str(bob.key), PreferredAuthentications="password,publickey"
    )
    prompter = ScriptedPrompter([bob.password])
    steps: list[str] = []
    connection = await connector(config, prompter=prompter).connect(HOST, steps.append)
    assert connection.facts.auth_method == "password"
    assert steps[-2:] == ["asking for the password", "logged in by password"]
    await connection.close()


class _TakesNothing(ServerAuth):
    """A login that asks for nothing."""

    @classmethod
    def supported(cls, conn: asyncssh.SSHServerConnection) -> bool:
        return True

    async def _start(self, packet: SSHPacket) -> None:
        await self.send_success()


async def test_a_server_that_asks_for_nothing_lets_in_whose_key_it_does_not_know(
    connector: MakeConnector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(auth._server_auth_handlers, b"none", _TakesNothing)
    key = generate_key(tmp_path / "stranger")
    prompter = ScriptedPrompter()
    async with interactive_server(tmp_path) as config:
        config.write_text(config.read_text().replace("IdentityFile none", f"IdentityFile {key}"))
        connection = await connector(config, prompter=prompter).connect(HOST)
        await connection.close()
    assert not prompter.asked


async def test_a_key_that_worked_and_was_withdrawn_falls_back_to_the_others(
    shared_server: SshServer, connector: MakeConnector, tmp_path: Path
) -> None:
    user = shared_server.add_user()
    second = generate_key(tmp_path / "second")
    config = config_for(shared_server, user, tmp_path, IdentityFile=f"{user.key}\n  IdentityFile {second}")
    engine = connector(config)
    await (await engine.connect(HOST)).close()
    (shared_server.directory / "authorized" / user.name).write_text(second.with_suffix(".pub").read_text())
    connection = await engine.connect(HOST)
    assert connection.facts.auth_method is not None and str(second) in connection.facts.auth_method
    await connection.close()


def security_key(path: Path) -> Path:
    """A file as ``ssh-keygen -t ed25519-sk`` leaves it: a handle that is useless without its token."""

    def string(data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + data

    blob = string(b"sk-ssh-ed25519@openssh.com") + string(bytes(32)) + string(b"ssh:")
    private = struct.pack(">II", 7, 7) + blob + b"\1" + string(b"handle") + string(b"") + string(b"me") + b"\1\2\3"
    body = (
        b"openssh-key-v1\0" + string(b"none") * 2 + string(b"") + struct.pack(">I", 1) + string(blob) + string(private)
    )
    text = base64.b64encode(body).decode()
    path.write_text(f"-----BEGIN OPENSSH PRIVATE KEY-----\n{text}\n-----END OPENSSH PRIVATE KEY-----\n")
    return path


async def test_what_cannot_be_honoured_is_named_in_the_facts_and_in_the_fault(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    token, broken = security_key(tmp_path / "id_sk"), tmp_path / "broken"
    broken.write_text("no key at all")
    files = f"{token}\n  IdentityFile {broken}\n  IdentityFile "
    config = config_for(shared_server, ada, tmp_path, IdentityFile=files + str(ada.key), PKCS11Provider="/lib/card.so")
    connection = await connector(config).connect(HOST)
    facts = " ".join(connection.facts.not_honoured)
    assert (
        "PKCS11Provider" in facts and f"{token} belongs to a security key" in facts and f"{broken} is no key" in facts
    )
    await connection.close()
    options = {"PKCS11Provider": "/lib/card.so", "PasswordAuthentication": "no", "KbdInteractiveAuthentication": "no"}
    config = config_for(shared_server, ada, tmp_path, IdentityFile=files + "none", **options)
    error = await fault_of(connector(config))
    assert error.fault.kind is FaultKind.AUTH_FAILED
    for words in ("PKCS11Provider", "security key", "broken", "no key that could be offered"):
        assert words in error.message


# -- passphrases ----------------------------------------------------------------------------------------


async def test_a_passphrase_is_asked_once_for_many_hosts_and_off_the_event_loop(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "locked", passphrase="open sesame")
    shared_server.authorize(ada, key.with_suffix(".pub").read_text())
    names = [f"gpu{n}" for n in range(6)]
    options = {name: {"IdentityFile": str(key)} for name in names}
    files = shared_server.client_config(dict.fromkeys(names, ada), directory=tmp_path, options=options)
    prompter = ScriptedPrompter(["wrong", "open sesame"])
    engine = connector(files.config, prompter=prompter)
    async with watched() as stalls:
        connections = await asyncio.gather(*(engine.connect(HostSpec(name)) for name in names))
    assert [(q.kind, q.attempt) for q in prompter.asked] == [(SecretKind.PASSPHRASE, 1), (SecretKind.PASSPHRASE, 2)]
    assert str(key) in prompter.asked[0].detail
    assert stalls.longest < 0.09
    for connection in connections:
        await connection.close()


async def test_a_passphrase_is_not_asked_for_a_key_that_the_server_does_not_want(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "locked", passphrase="open sesame")
    prompter = ScriptedPrompter(["open sesame"])
    config = config_for(shared_server, ada, tmp_path, IdentityFile=str(key), PreferredAuthentications="publickey")
    error = await fault_of(connector(config, prompter=prompter))
    assert error.fault.kind is FaultKind.AUTH_FAILED and not prompter.asked


async def test_a_passphrase_that_nobody_gives_is_needed_and_not_asked_again_by_the_next_host(
    shared_server: SshServer, ada: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "locked", passphrase="open sesame")
    shared_server.authorize(ada, key.with_suffix(".pub").read_text())
    prompter = ScriptedPrompter()
    engine = connector(config_for(shared_server, ada, tmp_path, IdentityFile=str(key)), prompter=prompter)
    for _ in range(2):
        error = await fault_of(engine)
        assert error.fault.kind is FaultKind.AUTH_NEEDED and "passphrase" in error.message
    assert len(prompter.asked) == 1


# -- passwords ------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bob(shared_server: SshServer) -> SshUser:
    return shared_server.add_user(password="pass wörd", authorized=False)


async def test_a_password_is_asked_for_by_host_and_kept_in_memory_for_the_next_time(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter(["wrong", "pass wörd"])
    engine = connector(config_for(shared_server, bob, tmp_path, IdentityFile="none"), prompter=prompter)
    for _ in range(2):
        connection = await engine.connect(HOST)
        assert connection.facts.auth_method == "password"
        assert (await ask(connection, "id -un")).decode().strip() == bob.name
        await connection.close()
    assert [(q.host, q.kind, q.attempt) for q in prompter.asked] == [
        ("one", SecretKind.PASSWORD, 1),
        ("one", SecretKind.PASSWORD, 2),
    ]
    assert bob.name in prompter.asked[0].prompt


async def test_three_wrong_passwords_end_it_and_the_fault_names_what_was_tried(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter(["1", "2", "3", "4"])
    config = config_for(shared_server, bob, tmp_path, IdentityFile=str(generate_key(tmp_path / "stranger")))
    error = await fault_of(connector(config, prompter=prompter))
    assert error.fault.kind is FaultKind.AUTH_FAILED and len(prompter.asked) == 3
    assert "publickey with" in error.message and "password" in error.message
    assert "still accepts publickey" in error.message


async def test_a_cancelled_or_unanswered_question_is_a_need_not_a_failure(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter()
    error = await fault_of(connector(config_for(shared_server, bob, tmp_path, IdentityFile="none"), prompter=prompter))
    assert error.fault.kind is FaultKind.AUTH_NEEDED and error.fault.waits_for_a_person
    assert len(prompter.asked) == 1 and "wants a password" in error.message
    # Nobody answered, so nothing was tried: neither a password nor what this server never asked for.
    assert "Nothing could be tried. There was no key that could be offered." in error.message
    assert "The server still accepts publickey" in error.message and "Tried" not in error.message


async def test_only_what_was_sent_counts_as_tried(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    key = generate_key(tmp_path / "stranger")
    error = await fault_of(connector(config_for(shared_server, bob, tmp_path, IdentityFile=str(key))))
    assert error.fault.kind is FaultKind.AUTH_NEEDED
    tried, _, accepts = error.message.partition("Tried: ")[2].partition(". The server still accepts ")
    assert tried.startswith("publickey with ") and "password" not in tried and "interactive" not in tried
    assert "password" in accepts


async def test_password_authentication_no_is_honoured(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter(["pass wörd"])
    config = config_for(
        shared_server,
        bob,
        tmp_path,
        PasswordAuthentication="no",
        KbdInteractiveAuthentication="no",
        IdentityFile="none",
    )
    error = await fault_of(connector(config, prompter=prompter))
    assert error.fault.kind is FaultKind.AUTH_FAILED and not prompter.asked


async def test_people_are_asked_one_question_at_a_time(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    prompter = ScriptedPrompter(["pass wörd"] * 8)
    names = [f"h{n}" for n in range(4)]
    files = shared_server.client_config(dict.fromkeys(names, bob), directory=tmp_path)
    engine = connector(files.config, prompter=prompter)
    connections = await asyncio.gather(*(engine.connect(HostSpec(name)) for name in names))
    assert prompter.most_open == 1
    for connection in connections:
        await connection.close()


async def test_the_time_in_which_a_person_is_asked_does_not_count(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    async def slowly(question: SecretQuestion) -> str:
        await asyncio.sleep(3.5)
        return "pass wörd"

    config = config_for(shared_server, bob, tmp_path, IdentityFile="none")
    engine = connector(config, prompter=ScriptedPrompter([slowly]), limits=Limits(connect=3.0))
    await (await engine.connect(HOST)).close()


async def test_a_server_that_loses_patience_is_met_again_with_the_answer(
    connector: MakeConnector, tmp_path: Path
) -> None:
    async def slowly(question: SecretQuestion) -> str:
        await asyncio.sleep(4)
        return "secret"

    with SshServer(options=["LoginGraceTime 3"]) as server:
        user = server.add_user(password="secret", authorized=False)
        prompter = ScriptedPrompter([slowly])
        config = config_for(server, user, tmp_path, IdentityFile="none")
        await (await connector(config, prompter=prompter).connect(HOST)).close()
        assert len(prompter.asked) == 1


async def test_a_key_and_a_password_can_both_be_demanded(connector: MakeConnector, tmp_path: Path) -> None:
    with SshServer(options=["AuthenticationMethods publickey,password"]) as server:
        user = server.add_user(password="secret")
        engine = connector(config_for(server, user, tmp_path), prompter=ScriptedPrompter(["secret"] * 2))
        for _ in range(2):
            await (await engine.connect(HOST)).close()


async def test_cancelling_while_a_person_is_asked_takes_the_question_back(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    async def never(question: SecretQuestion) -> str:
        await asyncio.sleep(1000)
        return ""

    prompter = ScriptedPrompter([never])
    engine = connector(config_for(shared_server, bob, tmp_path, IdentityFile="none"), prompter=prompter)
    connecting = asyncio.create_task(engine.connect(HOST))
    await eventually(lambda: prompter.asked)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await asyncio.sleep(0)
    assert prompter.open == 0


# -- keyboard-interactive, against the library's own server ---------------------------------------------------


class _Interactive(asyncssh.SSHServer):
    def password_auth_supported(self) -> bool:
        return False

    def public_key_auth_supported(self) -> bool:
        return False

    def kbdint_auth_supported(self) -> bool:
        return True

    def get_kbdint_challenge(
        self, username: str, lang: str, submethods: str
    ) -> tuple[str, str, str, list[tuple[str, bool]]]:
        return (
            "Duo",
            "Two\x1b[2J steps",
            "",
            [("Password: ", False), ("Verification code: ", False), ("Colour? ", True)],
        )

    def validate_kbdint_response(self, username: str, responses: Sequence[str]) -> bool:
        return list(responses) == ["secret", "123456", "blue"]


@asynccontextmanager
async def interactive_server(directory: Path) -> AsyncIterator[Path]:
    key = generate_key(directory / "server_key")
    server = await asyncssh.listen("127.0.0.1", 0, server_factory=_Interactive, server_host_keys=[str(key)])
    port = server.get_port()
    public = key.with_suffix(".pub").read_text()
    (directory / "known").write_text(f"[127.0.0.1]:{port} {public}")
    config = directory / "config"
    config.write_text(
        f"Host one\n HostName 127.0.0.1\n Port {port}\n UserKnownHostsFile {directory}/known\n IdentityFile none\n"
    )
    try:
        yield config
    finally:
        server.close()
        await server.wait_closed()


async def test_the_servers_own_questions_are_passed_on_harmless_and_by_kind(
    connector: MakeConnector, tmp_path: Path
) -> None:
    async with interactive_server(tmp_path) as config:
        prompter = ScriptedPrompter(["secret", "123456", "blue"])
        connection = await connector(config, prompter=prompter).connect(HOST)
        await connection.close()
        kinds = [(q.kind, q.echo) for q in prompter.asked]
        assert kinds == [
            (SecretKind.PASSWORD, False),
            (SecretKind.ONE_TIME_CODE, False),
            (SecretKind.INTERACTIVE, True),
        ]
        assert "\x1b" not in prompter.asked[0].detail and "Two" in prompter.asked[0].detail
        wrong = ScriptedPrompter(["secret", "1", "blue"] * 5)
        error = await fault_of(connector(config, prompter=wrong))
        assert error.fault.kind is FaultKind.AUTH_FAILED and "keyboard-interactive" in error.message
        silent = await fault_of(connector(config))
        assert silent.fault.kind is FaultKind.AUTH_NEEDED


async def test_no_secret_appears_in_steps_or_faults(
    shared_server: SshServer, bob: SshUser, connector: MakeConnector, tmp_path: Path
) -> None:
    steps: list[str] = []
    engine = connector(
        config_for(shared_server, bob, tmp_path, IdentityFile="none"), prompter=ScriptedPrompter(["hunter2"] * 3)
    )
    with pytest.raises(HostFaultError) as caught:
        await engine.connect(HOST, steps.append)
    assert "asking for the password" in steps
    assert "hunter2" not in " ".join([*steps, caught.value.message, caught.value.remedy, repr(engine.__dict__)])
