"""An account that may become root by sudo, or may not, and its shells on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from tests.remote.shells import GNU_PATH, ShellConnection
from tests.sshd import SshServer, SshUser

__all__ = ["as_account", "give", "openable"]


def as_account(
    user: SshUser, *, path: str = GNU_PATH, shell: str = "/bin/sh", home: Path | None = None
) -> ShellConnection:
    """A connection as *user*, whose login shell is *shell*: commands come to it as from sshd."""
    env = {"PATH": path, "HOME": str(home or user.home), "USER": user.name, "SECRET_OF_THE_LOGIN": "hush"}
    wrap = ("setpriv", f"--reuid={user.uid}", "--regid=nogroup", "--init-groups")
    return ShellConnection(login=(shell,), env=env, wrap=wrap, cwd=Path("/"))


def give(top: Path, uid: int) -> None:
    """All of *top* to *uid*."""
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files, "."):
            os.chown(Path(folder, name), uid, uid, follow_symlinks=False)


def openable(server: SshServer) -> Path:
    """A directory that every account can reach."""
    folder = server.directory / "open"
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    return folder
