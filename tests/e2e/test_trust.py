"""``hosts trust`` against a real sshd with several keys, also where ssh_config would ask nobody."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.condafleet_command import Command
from tests.sshd import SshServer


@pytest.mark.parametrize("strict", ["ask", "yes"])
@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_the_key_that_was_told_is_saved_whichever_of_the_hosts_keys_it_is(
    tmp_path: Path, strict: str, kind: str
) -> None:
    with SshServer(host_keys=("ed25519", "ecdsa")) as server:
        user = server.add_user()
        known = tmp_path / "ssh" / "known_hosts"
        host = {"address": server.address, "port": server.port, "user": user.name, "identity": [str(user.key)]}
        config = {"hosts": {"gpu01": {**host, "known_hosts": str(known)}}}
        command = Command(tmp_path / "client", config, f"StrictHostKeyChecking {strict}\nIdentityAgent none\n")
        before = command("hosts", "--json")
        assert (before.code, before.hosts()["gpu01"]["fault"]["kind"]) == (1, "host_key_unknown")
        wrong = command("hosts", "trust", "gpu01", "--fingerprint", "SHA256:" + "A" * 43, "--json")
        assert wrong.code == 3
        assert server.fingerprint("ed25519") in wrong.json["error"]["message"]
        assert not known.exists()
        done = command("hosts", "trust", "gpu01", "--fingerprint", server.fingerprint(kind))
        assert done.code == 0, done.stderr
        assert len(known.read_text().splitlines()) == 1
        assert known.stat().st_mode & 0o777 == 0o600
        after = command("hosts", "--json")
        assert (after.code, after.hosts()["gpu01"]["state"]) == (0, "up"), after.stderr
