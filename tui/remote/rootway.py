"""Root's shell on a host, by ``sudo -n``, for an account that is not root: for hosts with ``sudo: true``.

What it is for: to look, at what the account may not read and at processes of others; and to become the owner of a thing
before that is changed. No program of an install is ever run by it as root. The command is a constant, and means the
same to sh, csh and fish. Where the login is root, it is a shell like any other.

- ``sudo -n`` never asks for anything: where it would, it ends, and says so in English.
- Nothing of the login's environment gets in (``env -i``), and programs come from the system's own directories: what the
  account's PATH names first may be an environment's.
- ``CONDAFLEET_LOGIN`` is ``UID:HOME`` of the account that asked, for scripts that look where its things are.
"""

from __future__ import annotations

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import phrase
from tui.domain.text import decode, printable

__all__ = ["AS_ROOT", "ROOT_COMMAND", "ROOT_TASKS", "NoRootError", "refusal"]

ROOT_COMMAND = (
    "exec /bin/sh -c '"
    'test "$(id -u)" = 0 && exec /bin/sh; '
    'exec env LC_ALL=C sudo -n -H -u root -- /bin/sh -c "$0" "${HOME:-/}"'
    "' '"
    "cd / && exec env -i LC_ALL=C "
    '"PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/bin:/run/current-system/sw/bin" '
    '"HOME=${HOME:-/root}" "CONDAFLEET_LOGIN=$SUDO_UID:$0" "XDG_SESSION_ID=${XDG_SESSION_ID:-}" /bin/sh'
    "'"
)

ROOT_TASKS = "root tasks"
"""The kind of the lane on which root's tasks are started and looked at. Without root there is none."""
AS_ROOT = frozenset({"inventory", "search", "disk", "caches", "history", "export", "changes", "clean", ROOT_TASKS})
"""What is asked as root where that is wanted and allowed, and else as the account: looks, and what becomes an owner."""


class NoRootError(HostFaultError):
    """The host gave no shell of root's: nothing was asked."""


def refusal(host: str, user: str | None, said: bytes, seconds: float | None = None) -> Fault:
    """Why there is no such shell. *said*: the last of what came on stderr; *seconds*: nothing came in that time."""
    words = printable(decode(said[-400:].strip()))
    low = words.casefold()
    who = user or phrase("the account")
    line = phrase(
        "Let `{user} ALL=(root) NOPASSWD: /bin/sh` stand in its sudoers (visudo), or take `sudo: true` from the "
        "configuration; then make the connection anew.",
        user=user or "USER",
    )
    if seconds is not None:
        return Fault(
            FaultKind.TIMEOUT,
            phrase("sudo on {host} did not answer within {seconds} s. {rest}", host=host, seconds=f"{seconds:g}",
                   rest=_rest()),
            phrase("See whether `sudo -n true` comes back there: a directory service may hang."),
        )  # fmt: skip
    if "no such file" in low or "not found" in low:
        return Fault(
            FaultKind.TOOL_MISSING,
            phrase("{host} has no sudo. {rest}", host=host, rest=_rest()),
            phrase("Install sudo there, or take `sudo: true` from the configuration."),
        )
    if "tty" in low or "terminal is required" in low:
        return Fault(
            FaultKind.PERMISSION,
            phrase("sudo on {host} wants a terminal (requiretty). {rest}", host=host, rest=_rest()),
            phrase("Let `Defaults:{user} !requiretty` stand in its sudoers (visudo); then make the connection anew.",
                   user=user or "USER"),
        )  # fmt: skip
    if "password" in low:
        message = phrase("sudo on {host} asks {user} for a password. {rest}", host=host, user=who, rest=_rest())
        return Fault(FaultKind.PERMISSION, message, line)
    if "not allowed" in low or "may not run" in low or "not in the sudoers" in low:
        message = phrase("sudo on {host} does not let {user} become root. {rest}", host=host, user=who, rest=_rest())
        return Fault(FaultKind.PERMISSION, message, line)
    message = phrase(
        "sudo on {host} gave no shell ({words}). {rest}", host=host, words=words or phrase("it said nothing"),
        rest=_rest(),
    )  # fmt: skip
    return Fault(FaultKind.PERMISSION, message, line)


def _rest() -> str:
    return phrase("The host is looked at without it, and nothing of other accounts is changed.")
