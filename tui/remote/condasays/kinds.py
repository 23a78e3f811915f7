"""How a command of conda or micromamba went wrong: a closed list, and by which words each kind is known. Pure."""

from __future__ import annotations

import re
from enum import StrEnum

__all__ = ["Kind", "kind_in"]


class Kind(StrEnum):
    """Why a command did not do what was asked, or why its words do not prove that it did."""

    UNSATISFIABLE = "unsatisfiable"
    PACKAGE_NOT_FOUND = "package_not_found"
    CHANNEL_UNREACHABLE = "channel_unreachable"
    CHANNEL_MISSING = "channel_missing"
    CHANNEL_DENIED = "channel_denied"
    BROKEN_DOWNLOAD = "broken_download"
    DISK_FULL = "disk_full"
    NO_PERMISSION = "no_permission"
    TERMS = "terms"
    LOCKED = "locked"
    ENVIRONMENT_EXISTS = "environment_exists"
    OVERWRITTEN = "overwritten"
    ENVIRONMENT_MISSING = "environment_missing"
    ENVIRONMENT_BROKEN = "environment_broken"
    FROZEN = "frozen"
    PROTECTED = "protected"
    NOT_AN_ENVIRONMENT = "not_an_environment"
    FILE_MISSING = "file_missing"
    FILE_BROKEN = "file_broken"
    CONFIG = "config"
    INVALID_NAME = "invalid_name"
    INVALID_SPEC = "invalid_spec"
    USAGE = "usage"
    PIP_FAILED = "pip_failed"
    DECLINED = "declined"
    UNANSWERED = "unanswered"
    CANCELLED = "cancelled"
    KILLED = "killed"
    CRASHED = "crashed"
    COMMAND_FAILED = "command_failed"
    TOOL_MISSING = "tool_missing"
    UNPROVEN = "unproven"
    """It ended with 0, and did not say that it finished."""
    UNKNOWN = "unknown"


_RULES: tuple[tuple[Kind, str], ...] = (
    # What makes everything else fail comes first.
    (Kind.DISK_FULL, r"NoSpaceLeft|No space left on device|\[Errno 28\]|Disk quota exceeded|\[Errno 122\]"),
    (
        Kind.TERMS,
        r"CondaToS\w{0,40}Error|Terms of Service have not been accepted|Do you accept the Terms of Service \(ToS\) for",
    ),
    (Kind.KILLED, r"MemoryError|std::bad_alloc|Cannot allocate memory"),
    (Kind.CANCELLED, r"Interrupted by user|Thread interrupted|KeyboardInterrupt|Signal interrupt SIG"),
    (Kind.FROZEN, r"EnvironmentIsFrozen|environment is (?:marked as )?frozen"),
    (Kind.PROTECTED, r"Overwriting root prefix|Cannot remove (?:current|root|base) environment|OperationNotAllowed"),
    (
        Kind.ENVIRONMENT_EXISTS,
        r"conda environment already exists|[Pp]refix already exists|Found conda-prefix at",
    ),
    (
        Kind.NOT_AN_ENVIRONMENT,
        r"Non-conda folder exists|DirectoryNotACondaEnvironment|directory already exists at the target location",
    ),
    (
        Kind.ENVIRONMENT_MISSING,
        r"EnvironmentLocationNotFound|EnvironmentNameNotFound|No prefix found at|Expected environment not found"
        r"|The given prefix does not exist|Could not find environment to clone",
    ),
    (Kind.ENVIRONMENT_BROKEN, r"could not load prefix data|CorruptedEnvironmentError|bad interpreter"),
    (Kind.FILE_MISSING, r"EnvironmentFileNotFound|SpecNotFound|[Ss]pec file '[^'\n]{0,500}' not found"),
    (Kind.FILE_BROKEN, r"YAML error in spec file|EnvironmentFile(?:Invalid|Empty|TypeMismatch)|InvalidEnvironmentFile"),
    (
        Kind.CONFIG,
        r"Error in file [^\n]{0,500}, skipping|ConfigurationLoadError|CustomValidationError|MultiValidationError"
        r"|CondaKeyError|^Key is invalid or more than one",
    ),
    (Kind.INVALID_NAME, r"Environment names cannot contain|separator was found in environment name"),
    (
        Kind.INVALID_SPEC,
        r"Invalid(?:Match|Version)?Spec\b|[Ee]rror parsing (?:version|[Mm]atch ?[Ss]pec)|invalid package specification",
    ),
    (
        Kind.USAGE,
        r"The following arguments? (?:was|were) not expected|unrecognized arguments|invalid choice: "
        r"|the following arguments are required|CommandNotFoundError|Too(?:Many|Few)ArgumentsError|ArgumentError",
    ),
    (Kind.CHANNEL_DENIED, r"HTTP 40[13]\b|status: 40[13]\b"),
    (Kind.CHANNEL_MISSING, r"HTTP 404\b|status: 404\b|UnavailableInvalidChannel"),
    (
        Kind.BROKEN_DOWNLOAD,
        r"ChecksumMismatch|SHA256 doesn't match|MD5MismatchError|Found incorrect downloads|CondaVerificationError"
        r"|InvalidArchiveError|SafetyError|tarball has incorrect",
    ),
    (
        Kind.CHANNEL_UNREACHABLE,
        r"CondaHTTPError|HTTP 000|CONNECTION FAILED|Download error|ConnectionError|ConnectionFailed|CondaSSLError"
        r"|ProxyError|OfflineError|Could(?:n't| not) (?:connect to|resolve)|Failed to (?:connect|resolve)"
        r"|Name or service not known|Subdir \S+ not loaded!",
    ),
    # A package that is missing below another one makes that one uninstallable, which is no typo of the person's.
    (
        Kind.PACKAGE_NOT_FOUND,
        r"PackagesNotFound|PackageNotInstalled|ResolvePackageNotFound"
        r"|^ {0,6}[├└]─ [^\n]* does not exist \(perhaps a typo"
        r"|^unsupported request|^nothing provides requested|No matching distribution found|^No entries matching",
    ),
    (
        Kind.UNSATISFIABLE,
        r"Unsatisfiable|Could not solve for|Cannot solve the request|are incompatible|SpecsConfigurationConflict"
        r"|ResolutionImpossible|but none of the providers can be installed",
    ),
    (
        Kind.NO_PERMISSION,
        r"NotWritable|NoWritable|Permission denied|\[Errno 13\]|Operation not permitted|Read-only file system"
        r"|\[Errno 30\]",
    ),
    (Kind.PIP_FAILED, r"Pip failed|Pip subprocess error|CondaEnvException|pip failed to install"),
    # A wait for a lock is told even when it ended well, so that it explains a failure last.
    (Kind.LOCKED, r"LockError|LOCKERROR|Could not set lock|Cannot lock|Could not acquire"),
)
_LONGEST = 1 << 16
_KNOWN = tuple((kind, re.compile(pattern, re.MULTILINE)) for kind, pattern in _RULES)


def kind_in(text: str) -> Kind | None:
    """The first kind whose words stand in *text*, of a very long one in its beginning; None when none does."""
    text = text[:_LONGEST]
    return next((kind for kind, pattern in _KNOWN if pattern.search(text)), None)
