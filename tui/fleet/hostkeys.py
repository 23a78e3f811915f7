"""Deciding about a server's key: asking, saving, and saying why not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from tui.domain.errors import HostFaultError
from tui.domain.faults import Fault, FaultKind
from tui.domain.phrases import mark, phrase
from tui.domain.text import printable
from tui.fleet.engine import Engine
from tui.fleet.faults import clean
from tui.fleet.knownhosts import Verdict, append_line, fingerprint_of
from tui.fleet.login import HostKeyProblem
from tui.fleet.resolved import Resolved
from tui.ports import HostKeyAnswer, HostKeyQuestion, Notice

__all__ = ["append_key", "decide", "host_key_fault", "not_saved_fault", "save_key"]


def host_key_fault(resolved: Resolved, problem: HostKeyProblem | None, reason: str = "") -> Fault:
    """The fault for a key that was not accepted; without *problem* from the library's *reason*."""
    where = resolved.where
    if problem is None:
        if "revoked" in reason.lower():
            return _revoked(where, phrase("the key of its host certificate"), "known_hosts")
        return Fault(
            FaultKind.HOST_KEY_UNKNOWN,
            phrase(
                "{where} showed a host certificate that is not valid for it: {reason}.",
                where=where,
                reason=clean(reason),
            ),
            phrase("Have the certificate renewed for this name, or trust the host's own key."),
        )
    shown = f"{problem.key_type} {fingerprint_of(problem.key)}"
    if problem.verdict is Verdict.REVOKED and problem.entry is not None:
        return _revoked(where, shown, problem.entry.place)
    if problem.verdict is Verdict.CHANGED and problem.entry is not None:
        entry = problem.entry
        return Fault(
            FaultKind.HOST_KEY_CHANGED,
            phrase(
                "The host key of {where} has changed. It shows {shown}; {place} holds {key_type} "
                "{fingerprint}. Either the host was set up anew, or somebody sits in between. Nothing "
                "was sent.",
                where=where,
                shown=shown,
                place=printable(entry.place),
                key_type=entry.key_type,
                fingerprint=entry.fingerprint,
            ),
            phrase(
                "Ask the host's keeper for its fingerprint. If the new one is right: ssh-keygen -R "
                "'{key_name}' -f '{file}', then connect again.",
                key_name=printable(resolved.key_name),
                file=printable(entry.file),
            ),
        )
    if problem.authority:
        message = phrase(
            "The host key of {where} is certified by an unknown authority: {shown}.", where=where, shown=shown
        )
    else:
        message = phrase("The host key of {where} is not known: {shown}.", where=where, shown=shown)
    if resolved.strict == "yes":
        asked = phrase("It was not asked about, because of StrictHostKeyChecking yes.")
        message = phrase("{before} {next}", before=message, next=asked)
    return Fault(
        FaultKind.HOST_KEY_UNKNOWN,
        message,
        phrase(
            "Compare it with the host's own, then: condafleet hosts trust {host} --fingerprint {key}",
            host=resolved.name,
            key=fingerprint_of(problem.key),
        ),
    )


def not_saved_fault(resolved: Resolved, error: OSError) -> Fault:
    """The fault for a key that was accepted and could not be written down."""
    return Fault(
        FaultKind.PERMISSION,
        phrase(
            "The host key of {where} could not be saved in {file}: {reason}. It is not trusted.",
            where=resolved.where,
            file=printable(resolved.known_hosts[0]),
            reason=str(error.strerror),
        ),
        phrase("See who may write that file, and whether its disk is full."),
    )


def _revoked(where: str, shown: str, place: str) -> Fault:
    return Fault(
        FaultKind.HOST_KEY_REVOKED,
        phrase(
            "{where} showed {shown}, which {place} marks as revoked. Nothing was sent.",
            where=where,
            shown=shown,
            place=printable(place),
        ),
        phrase("Somebody may have copied the host's key: ask its keeper. It needs a new one."),
    )


async def decide(engine: Engine, resolved: Resolved, problem: HostKeyProblem, report: Callable[[str], None]) -> None:
    """Return when the key may be used from now on. Raises HostFaultError when it may not."""
    if problem.verdict is not Verdict.UNKNOWN or problem.authority or resolved.strict == "yes":
        raise HostFaultError(host_key_fault(resolved, problem))
    file = resolved.known_hosts[0] if resolved.known_hosts else "/dev/null"
    question = HostKeyQuestion(
        resolved.name, printable(resolved.hostname), resolved.port, problem.key_type,
        fingerprint_of(problem.key), printable(file),
    )  # fmt: skip

    def decided() -> HostKeyAnswer | None:
        files = (*resolved.known_hosts, *resolved.global_known_hosts)
        trust = engine.known_hosts.look_up(files, resolved.hostname, resolved.port, resolved.host_key_alias)
        known = problem.key in engine.accepted_keys(resolved)
        if known or trust.judge(problem.key_type, problem.key)[0] is Verdict.KNOWN:
            return HostKeyAnswer.ONCE
        return None

    report(phrase("asking about its host key {fingerprint}", fingerprint=question.fingerprint))
    answer = await engine.prompts.host_key(question, decided)
    if answer is None or answer is HostKeyAnswer.REFUSE:
        raise HostFaultError(host_key_fault(resolved, problem))
    engine.accepted.setdefault(resolved.key_name, set()).add(problem.key)
    if answer is HostKeyAnswer.SAVE:
        await save_key(resolved, problem, report)


async def save_key(resolved: Resolved, problem: HostKeyProblem, report: Callable[[str], None]) -> str | None:
    """Add the key to the first known_hosts file; the file's name, or None, with a notice, when it is not saved."""
    try:
        file = await append_key(resolved, problem, report)
    except OSError as error:
        report(
            Notice(
                mark(
                    "The host key of {host} could not be saved in {file}: {reason}. It is trusted until this program "
                    "ends; the next start asks again. See who may write that file, and whether its disk is full."
                ),
                {"host": resolved.name, "file": resolved.known_hosts[0], "reason": str(error.strerror)},
            )
        )
        return None
    if file is None:
        report(
            Notice(
                mark(
                    "The host key of {host} is not saved, because its UserKnownHostsFile is none. It is trusted until "
                    "this program ends; the next start asks again. Name a file in ssh_config or as `known_hosts`."
                ),
                {"host": resolved.name},
            )
        )
    return file


async def append_key(resolved: Resolved, problem: HostKeyProblem, report: Callable[[str], None]) -> str | None:
    """As :func:`save_key`, but None only when the configuration names no file. Raises OSError."""
    if not resolved.known_hosts:
        return None
    file = resolved.known_hosts[0]
    await asyncio.to_thread(
        append_line, file, resolved.key_name, problem.key_type, problem.key, hashed=resolved.hash_known_hosts
    )
    report(phrase("saved its key in {file}", file=printable(file)))
    return file
