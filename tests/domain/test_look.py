"""What a host says against a change, as sentences: exact where it makes sense, harmless where it does not."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tui.domain.changes import FORBIDDEN, NAMED, ConcernKind, Severity
from tui.domain.look import concerns_said, unowned_said

K = ConcernKind
PLACE = "/c/envs/a\x1b[31m"


@pytest.mark.parametrize(
    ("said", "text", "details"),
    [
        ((K.BASE,), "/c/envs/a\\x1b[31m is the base of an install.", ()),
        ((K.SOFT_LINK, "/x\n"), "/c/envs/a\\x1b[31m is a soft link to /x\\x0a: name that.", ()),
        ((K.NESTED, "2", "/1", "/2"), "2 other environments lie in /c/envs/a\\x1b[31m.", ("/1", "/2")),
        ((K.LINKED_FROM, "1", "/a", "/b"), "A soft link elsewhere leads into /c/envs/a\\x1b[31m.", ("/a -> /b",)),
        ((K.FROZEN, '{"message": "no"}'), "/c/envs/a\\x1b[31m is frozen.", ('{"message": "no"}',)),
        ((K.FROZEN, ""), "/c/envs/a\\x1b[31m is frozen.", ()),
        ((K.UNOWNED, "", "", ""), "What /c/envs/a\\x1b[31m holds could not be read to its end.", ()),
        (
            (K.UNOWNED, "3", "12345", "7", "notes", "3", "12345"),
            "/c/envs/a\\x1b[31m holds 3 files of no package (12.1 KiB, the newest of 1970-01-01 00:00 UTC): no archive "
            "rebuilds them.",
            ("notes: 3 files, 12.1 KiB",),
        ),
        (
            (K.UNOWNED, "300001+", "12345", "99999999999999999", "notes", "300000", "12345"),
            "/c/envs/a\\x1b[31m holds at least 300,001 files of no package (at least 12.1 KiB, the newest of ? or "
            "later): no archive rebuilds them.",
            ("notes: at least 300,000 files, 12.1 KiB",),
        ),
        (
            (K.OUTDATED, "3", "6", "1", "2", "1", "31457281", "5", "7"),
            "/c/envs/a\\x1b[31m changed since it was looked at: 3 packages more, 30.0 MiB more of its own files. "
            "Look again: what is there now is archived then, and asked about.",
            (),
        ),
        (
            (K.OUTDATED, "3", "2", "0", "1", "0", "0", "5", "7"),
            "/c/envs/a\\x1b[31m changed since it was looked at: 1 package fewer, 1 file more of its own. "
            "Look again: what is there now is archived then, and asked about.",
            (),
        ),
        (
            (K.OUTDATED, "3", "3", "1", "1", "9", "9", "5", "7"),
            "/c/envs/a\\x1b[31m changed since it was looked at: its own files were written to. "
            "Look again: what is there now is archived then, and asked about.",
            (),
        ),
        (
            (K.OUTDATED, "3", "3", "", "", "", "", "", ""),
            "/c/envs/a\\x1b[31m changed since it was looked at: other records. "
            "Look again: what is there now is archived then, and asked about.",
            (),
        ),
        (
            (K.LINKED_FROM, ""),
            "Whether soft links elsewhere lead into /c/envs/a\\x1b[31m could not be found out in time.",
            (),
        ),
        (
            (K.LINKED_FROM, "2+", "/a", "/b"),
            "At least 2 soft links elsewhere lead into /c/envs/a\\x1b[31m: not all places were looked at in time.",
            ("/a -> /b",),
        ),
        (
            (K.NOT_WRITABLE, "immutable", "1", "./f"),
            "Something in /c/envs/a\\x1b[31m is marked as immutable: ./f.",
            ("./f",),
        ),
        (
            (K.USE_UNKNOWN, "network", "nfs4"),
            "Other hosts may use /c/envs/a\\x1b[31m, which is on a network file system (nfs4).",
            ("network nfs4",),
        ),
        (
            (K.USE_UNKNOWN, "unseen", "5"),
            "Whether /c/envs/a\\x1b[31m is used cannot be known: 5 processes of other accounts could not be looked at.",
            ("unseen 5",),
        ),
    ],
)
def test_each_concern_has_its_sentence(said: tuple[str, ...], text: str, details: tuple[str, ...]) -> None:
    (concern,) = concerns_said([("concern", said[0], PLACE, *said[1:])])
    assert (concern.kind, concern.text, concern.details) == (said[0], text, details)


def test_all_processes_make_one_concern() -> None:
    said = [("concern", "in_use", PLACE, pid, "ada", "exe", "T", "python train.py") for pid in ("7", "8", "8")]
    (concern,) = concerns_said([*said, ("concern", "frozen"), ("concern", "no such", PLACE), ("freed", PLACE, "1")])
    assert concern.text == "2 processes use /c/envs/a\\x1b[31m now." and concern.severity is Severity.NAME
    assert concern.details[0] == "7 ada python train.py (exe)"


def test_every_kind_has_the_severity_of_its_list() -> None:
    for kind in ConcernKind:
        (concern,) = concerns_said([("concern", kind.value, PLACE)])
        expected = Severity.FORBIDDEN if kind in FORBIDDEN else Severity.NAME if kind in NAMED else Severity.WARNING
        assert concern.severity is expected and concern.text


WORD = st.text(max_size=8) | st.sampled_from(["1", "99999999999999999999", "-1", "unseen", "network", ""])


@given(st.lists(st.tuples(st.sampled_from(list(ConcernKind)), st.lists(WORD, max_size=8)), max_size=8))
@example([(K.UNOWNED, ["", "", "", "", "", "\x1b", "\x1f"])])
def test_noise_is_harmless(noise: list[tuple[ConcernKind, list[str]]]) -> None:
    said = [("concern", kind.value, *words) for kind, words in noise]
    unowned_said(said)
    for concern in concerns_said(said):
        for text in (concern.text, *concern.details):
            assert not any(unicodedata.category(char) in ("Cc", "Cs") for char in text)
