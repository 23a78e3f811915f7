"""How a command ended, against what real conda and micromamba printed."""

from __future__ import annotations

import pytest

from tests.remote.recordings import CONDA, MICROMAMBA, everything, recordings
from tui.domain.phrases import Phrase
from tui.remote.condasays.asked import read_argv
from tui.remote.condasays.kinds import Kind
from tui.remote.condasays.outcome import Verdict, read_outcome

CONDA_ENDS = """
01-version succeeded
02-info succeeded
03-env-list-text succeeded
04-env-list-json succeeded
05-env-list-size succeeded
06-env-list-size-json succeeded
07-list-json succeeded
08-list-explicit succeeded
09-list-size succeeded
10-create-dry-run-json succeeded
11-create-json-progress doubtful overwritten
12-create-tty-progress doubtful overwritten
13-create-existing doubtful overwritten
14-create-existing-json doubtful overwritten
15-create-existing-prompt-no failed environment_exists
16-create-unsatisfiable failed unsatisfiable
17-create-unsatisfiable-json failed unsatisfiable
18-create-missing-package failed package_not_found
19-create-missing-package-json failed package_not_found
20-create-bad-name failed invalid_name
21-create-bad-spec doubtful overwritten
22-create-channel-unreachable failed channel_unreachable
23-create-clone doubtful overwritten
24-create-clone-json doubtful overwritten
25-create-clone-missing failed environment_missing
26-rename succeeded
27-install-json succeeded
28-install-missing-env failed environment_missing
29-env-export succeeded
30-env-export-no-builds succeeded
31-env-export-from-history succeeded
32-env-export-json succeeded
33-env-export-missing doubtful environment_missing
34-env-create-file doubtful overwritten
35-env-create-file-exists doubtful overwritten
36-env-create-file-missing failed file_missing
37-env-update-prune succeeded
38-remove-package-json succeeded
39-remove-all-json succeeded
40-env-remove succeeded
41-env-remove-json succeeded
42-env-remove-missing failed environment_missing
43-env-remove-base failed protected
44-clean-dry-run-json succeeded
45-clean-dry-run-text succeeded
46-clean-tarballs-json succeeded
47-clean-packages-text succeeded
48-clean-all-json succeeded
49-clean-all-nothing nothing
50-config-show-json succeeded
51-config-show-sources-json succeeded
52-config-bad-key failed config
53-doctor failed channel_unreachable
54-run succeeded
55-run-failing failed command_failed
56-search-json succeeded
57-frozen-condarc-broken succeeded
"""
"""Each recording with the verdict and the kind that its words alone give, when nobody looked at the disk before."""

MICROMAMBA_ENDS = """
001-version succeeded
002-env-list-fresh-json succeeded
003-info succeeded
004-info-text succeeded
005-info-default-root-json succeeded
006-create-text doubtful overwritten
008-env-list-text succeeded
009-env-list-json succeeded
010-info-envs-json succeeded
011-list-text succeeded
012-list-json succeeded
013-list-explicit succeeded
014-list-export succeeded
015-run-pip-install succeeded
016-list-json-with-pypi succeeded
017-list-json-no-pip succeeded
018-env-export-with-pypi succeeded
019-env-export-json-with-pypi succeeded
020-list-missing-env failed environment_missing
021-create-dry-run-json succeeded
022-create-dry-run-text succeeded
023-create-json-progress doubtful overwritten
024-create-json-without-yes doubtful unanswered
025-create-quiet doubtful unproven
026-create-prompt-eof doubtful unanswered
027-create-tty-progress doubtful overwritten
028-create-tty-http-progress doubtful overwritten
029-create-text-http-progress doubtful overwritten
030-create-json-http-progress doubtful overwritten
032-create-empty doubtful overwritten
033-create-prefix doubtful overwritten
034-env-list-more-text succeeded
035-env-list-more-json succeeded
036-create-existing doubtful overwritten
038-create-existing-json doubtful overwritten
039-create-existing-json-without-yes failed environment_exists
040-create-existing-prompt-no failed environment_exists
041-create-existing-prompt-eof failed environment_exists
042-create-existing-dry-run-json failed environment_exists
043-create-existing-then-missing-package failed package_not_found
045-create-not-an-env-folder failed not_an_environment
046-create-over-root-prefix failed protected
047-create-name-base failed protected
048-create-unsatisfiable failed unsatisfiable
049-create-unsatisfiable-json failed unsatisfiable
050-create-unsatisfiable-tty failed unsatisfiable
051-create-missing-package failed package_not_found
052-create-missing-package-json failed package_not_found
053-create-bad-name failed invalid_name
054-create-bad-name-json failed invalid_name
055-create-bad-spec failed invalid_spec
056-create-bad-spec-json failed invalid_spec
057-create-bad-option failed usage
058-create-channel-unreachable failed channel_unreachable
059-create-channel-unreachable-json failed channel_unreachable
060-create-channel-404-json failed channel_missing
061-create-offline-json doubtful overwritten
063-create-clone doubtful overwritten
064-create-clone-json doubtful overwritten
065-create-clone-missing failed environment_missing
066-create-clone-existing doubtful overwritten
067-rename failed usage
068-install-json succeeded
069-install-already-json nothing
070-install-missing-env failed environment_missing
071-update-package-json succeeded
072-create-old doubtful unproven
073-update-all-json succeeded
074-update-package-text doubtful unproven
075-update-missing-package-json doubtful unproven
076-list-json-env-python-missing failed environment_broken
077-env-remove-env-python-missing failed environment_broken
078-update-nothing doubtful unproven
079-env-export succeeded
080-env-export-no-build succeeded
081-env-export-from-history succeeded
082-env-export-json succeeded
083-env-export-explicit succeeded
084-env-export-missing doubtful environment_missing
085-env-create-file doubtful overwritten
086-create-file-json doubtful overwritten
087-env-create-file-exists failed environment_exists
088-env-create-file-missing failed file_missing
089-env-update-prune succeeded
090-env-create-file-broken failed file_broken
091-remove-package-json succeeded
092-remove-package-missing-json failed package_not_found
093-remove-dry-run-json succeeded
094-remove-all-json succeeded
096-env-remove succeeded
097-env-remove-json succeeded
098-env-remove-dry-run-json succeeded
099-env-remove-prompt-eof doubtful unanswered
100-env-remove-empty succeeded
101-env-remove-missing failed environment_missing
102-env-remove-missing-json failed environment_missing
103-env-remove-base failed environment_missing
106-env-list-after-folder-deleted succeeded
108-clean-dry-run-json succeeded
109-clean-dry-run-text succeeded
110-clean-tarballs-json succeeded
111-clean-packages-text succeeded
113-clean-index-text succeeded
114-refill-1 doubtful unproven
115-refill-removed-1 doubtful unproven
117-clean-all-text succeeded
119-refill-2 doubtful unproven
120-refill-removed-2 doubtful unproven
121-clean-all-prompt-eof doubtful unanswered
122-refill-3 doubtful unproven
123-refill-removed-3 doubtful unproven
124-clean-all-prompt-no cancelled declined
125-clean-all-json succeeded
126-clean-all-nothing succeeded
127-clean-without-options nothing
128-clean-locks-trash succeeded
129-clean-force-pkgs-dirs succeeded
131-config-list-json succeeded
132-config-list-all-json succeeded
133-config-list-sources succeeded
134-config-sources-json succeeded
135-config-bad-key failed config
136-config-get-channels-json failed usage
137-run succeeded
138-run-failing failed command_failed
139-run-missing-env failed environment_missing
140-run-missing-command failed command_failed
141-search-json succeeded
142-search-missing-json failed package_not_found
143-repoquery-search-json succeeded
144-repoquery-depends-json succeeded
145-repoquery-whoneeds-json succeeded
146-doctor failed usage
147-no-such-command failed usage
148-condarc-broken succeeded
149-mambarc-broken succeeded
150-mambarc-broken-text doubtful config
151-mambarc-broken-create-json succeeded
152-create-stopped-int cancelled cancelled
154-create-stopped-int-json cancelled cancelled
155-create-stopped-int-slow-download cancelled cancelled
156-create-stopped-int-twice-slow-download cancelled cancelled
157-create-stopped-int-tty-slow-download cancelled cancelled
159-create-stopped-term cancelled cancelled
161-create-stopped-kill failed killed
163-env-list-after-stopped-json succeeded
164-create-again-after-kill doubtful overwritten
165-env-remove-stopped succeeded
167-create-while-another-runs doubtful overwritten
169-env-list-while-another-runs-json succeeded
170-list-while-another-runs-json succeeded
171-env-remove-while-another-runs succeeded
172-clean-while-another-runs succeeded
173-create-while-cache-is-cleaned failed broken_download
"""

REPLACED = {CONDA: ("13", "14", "35"), MICROMAMBA: ("036", "038", "066")}
"""Ended with 0 after deleting the environment that was there."""
FRESH = {CONDA: ("11", "12", "23", "24", "34"), MICROMAMBA: ("006", "023", "027", "028", "032", "063", "164", "167")}
"""Created what was not there; of some of them a broken create had left a folder."""
FAILED_WITH_0 = {
    CONDA: ("13", "14", "15", "21", "33", "35", "53"),
    MICROMAMBA: ("036", "038", "042", "066", "075", "084", "092", "124", "135", "142", "150", "157"),
}
SILENT = {MICROMAMBA: ("148", "149", "151")}
"""A broken configuration file was skipped without a word: with --json, nothing of the output tells."""


def test_every_recording_ends_as_its_words_say() -> None:
    for folder, table in ((CONDA, CONDA_ENDS), (MICROMAMBA, MICROMAMBA_ENDS)):
        wanted = dict(line.split(" ", 1) for line in table.strip().splitlines())
        found = {}
        for each in recordings(folder).values():
            outcome = each.outcome()
            found[each.name] = f"{outcome.verdict} {outcome.kind or ''}".strip()
        assert found == wanted


def test_nothing_that_failed_is_a_success() -> None:
    for each in everything():
        assert not (each.exit_code and each.outcome().is_success), each.name
    for folder, numbers in FAILED_WITH_0.items():
        for number in numbers:
            said = recordings(folder)[number]
            assert said.exit_code == 0
            assert not said.outcome().is_success, said.name
    for folder, numbers in SILENT.items():
        for number in numbers:
            said = recordings(folder)[number]
            assert "rror" not in said.stdout + said.stderr, "it says something now: read it"


@pytest.mark.parametrize("folder", [CONDA, MICROMAMBA])
def test_a_create_over_an_environment_is_a_failure_once_it_is_known_that_it_was_there(folder: str) -> None:
    for number in REPLACED[folder]:
        outcome = recordings(folder)[number].outcome(existed=True)
        assert (outcome.verdict, outcome.kind, outcome.replaced) == (Verdict.FAILED, Kind.OVERWRITTEN, True), number
    for number in FRESH[folder]:
        outcome = recordings(folder)[number].outcome(existed=False)
        assert (outcome.verdict, outcome.replaced) == (Verdict.SUCCEEDED, False), number
        assert recordings(folder)[number].outcome().verdict is Verdict.DOUBTFUL


def test_what_a_failed_create_destroyed_is_said() -> None:
    assert recordings(MICROMAMBA)["043"].outcome(existed=True).replaced
    assert not recordings(MICROMAMBA)["043"].outcome(existed=False).replaced
    assert not recordings(MICROMAMBA)["087"].outcome(existed=True).replaced
    assert recordings(CONDA)["16"].outcome(existed=True).replaced
    assert not recordings(CONDA)["16"].outcome(existed=False).replaced


def test_a_dry_run_over_an_environment_fails_though_the_tool_does_not_warn() -> None:
    assert recordings(CONDA)["10"].outcome(existed=True).kind is Kind.ENVIRONMENT_EXISTS
    assert recordings(CONDA)["10"].outcome(existed=False).is_success


def test_each_failure_is_told_apart_and_explained() -> None:
    for each in everything():
        outcome = each.outcome()
        if outcome.is_success:
            assert (outcome.kind, outcome.lines, outcome.explanation, outcome.remedy) == (None, (), "", "")
            continue
        assert outcome.kind not in (None, Kind.UNKNOWN), each.name
        assert isinstance(outcome.explanation, Phrase)
        assert outcome.remedy or outcome.kind is Kind.DECLINED


@pytest.mark.parametrize(
    ("folder", "number", "line"),
    [
        (CONDA, "16", "└─ keras 2.8.* cannot be installed because there are no viable options:"),
        (CONDA, "19", "  - no-such-package"),
        (
            CONDA,
            "22",
            "CondaHTTPError: HTTP 000 CONNECTION FAILED for url <http://127.0.0.1:9/none/linux-64/repodata.json>",
        ),
        (CONDA, "15", "WARNING: A conda environment already exists at '/home/ada/miniconda3/envs/json-env'"),
        (MICROMAMBA, "020", "No prefix found at: /home/ada/micromamba/envs/nope"),
        (MICROMAMBA, "050", "    └─ tensorflow =* * is not installable because it requires"),
        (MICROMAMBA, "055", 'Error parsing version ">1". Version contains invalid characters in >1.'),
        (MICROMAMBA, "157", "Error when extracting package: Thread interrupted"),
    ],
)
def test_the_lines_that_matter_are_kept(folder: str, number: str, line: str) -> None:
    assert line in recordings(folder)[number].outcome().lines


def test_what_does_not_matter_is_left_out() -> None:
    for each in everything():
        lines = "\n".join(each.outcome().lines)
        for noise in ("Backtrace", "trace    libmamba", "Extension modules", "Retrying", "mamba-org/mamba", "\x1b"):
            assert noise not in lines, each.name


FROM_ELSEWHERE = [
    # Words of conda and libmamba that no recording holds: their messages' own beginnings.
    (Kind.DISK_FULL, 1, "\nNoSpaceLeftError: No space left on devices.\n"),
    (Kind.DISK_FULL, 1, "error    libmamba Could not write to file '/x': No space left on device"),
    (Kind.DISK_FULL, 1, "\nCondaError: OSError(122, 'Disk quota exceeded')\n"),
    (Kind.NO_PERMISSION, 1, "\nEnvironmentNotWritableError: The current user does not have write permissions to it.\n"),
    (Kind.NO_PERMISSION, 1, "critical libmamba filesystem error: cannot create directories: Permission denied [/opt]"),
    (Kind.TERMS, 1, "\nCondaToSNonInteractiveError: Terms of Service have not been accepted for these channels:\n"),
    (
        Kind.TERMS,
        1,
        "Do you accept the Terms of Service (ToS) for https://repo.anaconda.com/pkgs/main? "
        "[(a)ccept/(r)eject/(v)iew]: \nEOFError: EOF when reading a line\n",
    ),
    (Kind.LOCKED, 1, "\nLockError: Failed to acquire lock.\n"),
    (Kind.LOCKED, 1, "critical libmamba Could not set lock (Resource temporarily unavailable)"),
    (Kind.FROZEN, 1, "\nEnvironmentIsFrozenError: Cannot modify '/x'. The environment is marked as frozen.\n"),
    (Kind.CHANNEL_DENIED, 1, "\nCondaHTTPError: HTTP 401 UNAUTHORIZED for url <https://example.org/x>\n"),
    (Kind.CHANNEL_MISSING, 1, "\nUnavailableInvalidChannel: HTTP 404 NOT FOUND for channel x <https://example.org>\n"),
    (Kind.BROKEN_DOWNLOAD, 1, "\nChecksumMismatchError: Conda detected a mismatch between the expected content\n"),
    (Kind.INVALID_SPEC, 1, "\nInvalidMatchSpec: Invalid spec 'numpy=>=1': invalid\n"),
    (Kind.PIP_FAILED, 1, "Pip subprocess error:\nERROR: boom\n\nCondaEnvException: Pip failed\n"),
    (Kind.PACKAGE_NOT_FOUND, 1, "ERROR: No matching distribution found for nope==1"),
    (Kind.UNSATISFIABLE, 1, "\nLibMambaUnsatisfiableError: Encountered problems while solving:\n"),
    (Kind.USAGE, 2, "usage: conda [-h]\nconda: error: unrecognized arguments: --nope"),
    (Kind.CANCELLED, 1, "\nCondaError: KeyboardInterrupt\n"),
    (Kind.CANCELLED, 1, "\nCondaSignalInterrupt: Signal interrupt SIGTERM\n"),
    (Kind.KILLED, 1, "\nCondaMemoryError: The conda process ran out of memory.\n"),
    (Kind.CANCELLED, 130, ""),
    (Kind.CANCELLED, 143, ""),
    (Kind.KILLED, 137, ""),
    (Kind.CRASHED, -11, ""),
    (Kind.CRASHED, 139, "Segmentation fault"),
    (Kind.TOOL_MISSING, 127, "sh: conda: not found"),
    (Kind.UNKNOWN, 1, "something else"),
]


@pytest.mark.parametrize(("kind", "code", "stderr"), FROM_ELSEWHERE)
@pytest.mark.parametrize("terminal", [False, True])
def test_what_was_not_recorded_is_known_by_its_words(kind: Kind, code: int, stderr: str, terminal: bool) -> None:
    """On a terminal both streams are one, and lines end otherwise."""
    streams = (stderr.replace("\n", "\r\n"), "") if terminal else ("", stderr)
    outcome = read_outcome(("conda", "create", "-y", "-p", "/x/e", "numpy"), code, *streams, existed=False)
    assert outcome.kind is kind
    assert outcome.verdict is (Verdict.CANCELLED if kind is Kind.CANCELLED else Verdict.FAILED)


@pytest.mark.parametrize(
    ("argv", "tool", "command", "words"),
    [
        (["/opt/conda/bin/conda", "create", "-y", "-n", "mamba", "numpy=1"], "conda", "create", ("numpy=1",)),
        (
            ["sudo", "-n", "-u", "conda", "/x/micromamba", "-r", "/x", "env", "remove", "-p", "/e"],
            "micromamba",
            "env remove",
            (),
        ),
        (["env", "A=1", "mamba", "run", "-n", "e", "create", "-y"], "mamba", "run", ("create",)),
        (["pip", "install", "conda-pack"], "", "", ()),
        ([], "", "", ()),
    ],
)
def test_what_a_command_line_asks_for(argv: list[str], tool: str, command: str, words: tuple[str, ...]) -> None:
    asked = read_argv(argv)
    assert (asked.tool, asked.command, asked.words) == (tool, command, words)


def test_a_spec_that_was_taken_otherwise_is_told() -> None:
    assert recordings(CONDA)["21"].outcome(existed=False).kind is Kind.INVALID_SPEC


def test_an_unknown_end_is_no_success() -> None:
    said = recordings(CONDA)["27"]
    outcome = read_outcome(said.argv, None, said.stdout)
    assert (outcome.verdict, outcome.kind) == (Verdict.DOUBTFUL, Kind.UNKNOWN)


@pytest.mark.parametrize(("folder", "number"), [(CONDA, "17"), (CONDA, "19"), (MICROMAMBA, "049"), (MICROMAMBA, "154")])
def test_a_document_that_reports_a_fault_is_none_with_code_0_either(folder: str, number: str) -> None:
    said = recordings(folder)[number]
    outcome = read_outcome(said.argv, 0, said.stdout, existed=False)
    assert outcome.verdict is Verdict.FAILED
    assert outcome.kind is (said.outcome().kind if number != "154" else Kind.UNKNOWN)


def test_code_0_without_a_word_proves_nothing() -> None:
    for argv in (("conda", "install", "-y", "-p", "/x/e", "numpy"), ("/opt/bin/micromamba", "remove", "-y", "numpy")):
        assert read_outcome(argv, 0, "").kind is Kind.UNPROVEN


def test_an_answer_that_was_typed_counts() -> None:
    said = recordings(MICROMAMBA)["026"]
    typed = said.stdout.replace("Confirm changes: [Y/n] ", "Confirm changes: [Y/n] y")
    assert read_outcome(said.argv, 0, typed, existed=False).is_success


def test_what_a_program_prints_in_an_environment_is_its_own() -> None:
    argv = ("conda", "run", "-n", "e", "python", "train.py")
    assert read_outcome(argv, 0, "Interrupted by user\n", "MemoryError: no\n").is_success
    assert read_outcome(argv, 1, "", "No space left on device\n").kind is Kind.COMMAND_FAILED


def test_lines_hold_no_secret_and_no_control_character() -> None:
    text = "\nCondaHTTPError: HTTP 403 FORBIDDEN for url <https://ada:pw1@example.org/t/tk-1234/x>\n\x9b31m\u202eevil\x07\n"
    outcome = read_outcome(("conda", "install", "-y", "x"), 1, "", text)
    shown = "".join(outcome.lines)
    assert "pw1" not in shown
    assert "tk-1234" not in shown
    assert shown.isprintable()


def test_a_very_long_output_is_still_read_at_its_end() -> None:
    noise = "Linking something\n" * 500_000
    outcome = read_outcome(
        ("micromamba", "create", "-y"), 1, noise, noise + "critical libmamba No space left on device"
    )
    assert outcome.kind is Kind.DISK_FULL
