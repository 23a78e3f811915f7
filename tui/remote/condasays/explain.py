"""What each kind of failure means, and the next step, in plain words. Pure."""

from __future__ import annotations

from tui.domain.phrases import mark, phrase
from tui.remote.condasays.kinds import Kind

__all__ = ["explanation", "remedy"]

_LOOK = mark("Look at what is there now before you go on.")
_READ_LOG = mark("Read the whole log.")
_AGAIN = mark("Start it again.")

_MEANS: dict[Kind, str] = {
    Kind.UNSATISFIABLE: mark("The packages asked for cannot be installed together."),
    Kind.PACKAGE_NOT_FOUND: mark("A package asked for is not there, under that name and version."),
    Kind.CHANNEL_UNREACHABLE: mark("A channel could not be reached."),
    Kind.CHANNEL_MISSING: mark("There is no channel at that address."),
    Kind.CHANNEL_DENIED: mark("A channel refused the request: it wants another login or token."),
    Kind.BROKEN_DOWNLOAD: mark("What was downloaded is not what the channel promises, or was cleaned away meanwhile."),
    Kind.DISK_FULL: mark("The disk or the quota on the host is full."),
    Kind.NO_PERMISSION: mark("The account on the host may not write there."),
    Kind.TERMS: mark("The terms of service of a channel have not been accepted on that install."),
    Kind.LOCKED: mark("Another conda or mamba holds the lock."),
    Kind.ENVIRONMENT_EXISTS: mark("An environment of that name exists already."),
    Kind.OVERWRITTEN: mark("The environment that was there has been deleted and replaced."),
    Kind.ENVIRONMENT_MISSING: mark("There is no such environment."),
    Kind.ENVIRONMENT_BROKEN: mark("The environment is broken: its own Python or its records cannot be used."),
    Kind.FROZEN: mark("The environment is frozen against changes."),
    Kind.PROTECTED: mark("That would change base or the install itself."),
    Kind.NOT_AN_ENVIRONMENT: mark("A folder that is no environment stands there."),
    Kind.FILE_MISSING: mark("The file to build from is not there."),
    Kind.FILE_BROKEN: mark("The file to build from cannot be read."),
    Kind.CONFIG: mark("A setting or a configuration file of conda is wrong, and was passed over."),
    Kind.INVALID_NAME: mark("An environment cannot have that name."),
    Kind.INVALID_SPEC: mark("A package is written in a way that is not understood as it was meant."),
    Kind.USAGE: mark("This version does not know that command or option."),
    Kind.PIP_FAILED: mark("pip failed; conda's own part may be done."),
    Kind.DECLINED: mark("The question was answered with no."),
    Kind.UNANSWERED: mark("A question that nobody answered was taken for a yes."),
    Kind.CANCELLED: mark("It was interrupted; what it had begun may be there by half."),
    Kind.KILLED: mark("It was killed or ran out of memory; what it had begun may be there by half."),
    Kind.CRASHED: mark("The tool itself crashed."),
    Kind.COMMAND_FAILED: mark("The program that was run failed."),
    Kind.TOOL_MISSING: mark("The command is not there or cannot be started."),
    Kind.UNPROVEN: mark("It ended with code 0, but nothing that it said proves that it did what was asked."),
    Kind.UNKNOWN: mark("It failed for a reason that is not known."),
}

_PERHAPS_REPLACED = mark("It ended with code 0, but would have done so too after deleting an environment of that name.")
_UNKNOWN_END = mark("Nobody saw how it ended.")

_NEXT: dict[Kind, str] = {
    Kind.UNSATISFIABLE: mark("Loosen or drop one of the versions named above."),
    Kind.PACKAGE_NOT_FOUND: mark("Check the spelling and the version, or add the channel that has it."),
    Kind.CHANNEL_UNREACHABLE: mark("Check the host's network and proxy, or use a channel that it reaches."),
    Kind.CHANNEL_MISSING: mark("Correct the channel's address."),
    Kind.CHANNEL_DENIED: mark("Renew the login for that channel on the host."),
    Kind.BROKEN_DOWNLOAD: mark("Clean the downloaded archives, then start it again."),
    Kind.DISK_FULL: mark("Free space on that disk, then start it again."),
    Kind.NO_PERMISSION: mark("Use an install that the account owns, or ask its owner."),
    Kind.TERMS: mark("Read the terms and accept them with 'conda tos accept', or use another channel."),
    Kind.LOCKED: mark("Wait until the other one has ended."),
    Kind.ENVIRONMENT_EXISTS: mark("Choose another name, or remove the old environment first."),
    Kind.OVERWRITTEN: _LOOK,
    Kind.ENVIRONMENT_MISSING: mark("Check the name; another install on the host may have it."),
    Kind.ENVIRONMENT_BROKEN: mark("Recreate the environment."),
    Kind.FROZEN: mark("Clone the environment, and change the clone."),
    Kind.PROTECTED: mark("Use an environment of its own."),
    Kind.NOT_AN_ENVIRONMENT: mark("Choose another name or place."),
    Kind.FILE_MISSING: mark("Check the path of the file."),
    Kind.FILE_BROKEN: mark("Correct the file at the line named above."),
    Kind.CONFIG: mark("Correct the file or the setting named above."),
    Kind.INVALID_NAME: mark("Choose another name or place."),
    Kind.INVALID_SPEC: mark("Write it like numpy>=1.26 or numpy=1.26."),
    Kind.USAGE: mark("Update the tool, or do it another way."),
    Kind.PIP_FAILED: _READ_LOG,
    Kind.UNANSWERED: _LOOK,
    Kind.CANCELLED: _LOOK,
    Kind.KILLED: _LOOK,
    Kind.CRASHED: _AGAIN,
    Kind.COMMAND_FAILED: _READ_LOG,
    Kind.TOOL_MISSING: mark("Check that it is installed on the host."),
    Kind.UNPROVEN: _LOOK,
    Kind.UNKNOWN: _READ_LOG,
}


def explanation(kind: Kind, verdict: str) -> str:
    """What *kind* means."""
    if verdict == "doubtful" and kind is Kind.OVERWRITTEN:
        return phrase(_PERHAPS_REPLACED)
    if verdict == "doubtful" and kind is Kind.UNKNOWN:
        return phrase(_UNKNOWN_END)
    return phrase(_MEANS[kind])


def remedy(kind: Kind) -> str:
    """The next step; empty where a person has decided already."""
    template = _NEXT.get(kind)
    return phrase(template) if template is not None else ""
