"""The language of filters, the same for every table: compiled once for each text, applied between two keys. Pure.

======================================  =====================================================================
``resnet "two words"``                  text of the row, in any case; or a package of exactly that name
``host:gpu*`` ``owner:ada,bob``         a field: a part of it, or all of it as a glob; commas are "or"
``name:=base`` ``name=base``            all of a field
``@a100``                               hosts of a group
``python:3.10`` ``python>=3.9``         a version: all below it, or compared
``torch<2.1`` ``numpy=1.26.*``          a package (:mod:`tui.domain.packagespec`), under all its names
``pip:torch`` ``conda:numpy``           a package by who installed it
``size>5G`` ``unused>90d`` ``pip>0``    a measure
``is:frozen``                           a flag
``!…`` ``-…``                           not
======================================  =====================================================================

All terms must fit. What is not known (a size that nobody measured) fits neither a term nor its negation. Text
that is not finished yet never raises: the rest applies, and :attr:`Query.problem` says what is missing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Generic, Protocol, TypeVar

from tui.domain.globs import Glob
from tui.domain.packageindex import PackageIndex
from tui.domain.packages import PackageSet
from tui.domain.packagespec import PackageSpec, read_package_spec
from tui.domain.phrases import phrase, worded
from tui.domain.querylex import Term, terms
from tui.domain.queryvalues import Test
from tui.domain.steps import Steps, finish, pieces
from tui.domain.text import printable

__all__ = ["Chosen", "Field", "Flag", "Problem", "Query", "Row", "Schema", "compile_query"]


class Row(Protocol):
    """What any table's row offers to a filter."""

    @property
    def text(self) -> str:
        """Everything that plain words look through, case-folded."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of its host."""

    @property
    def packages(self) -> PackageSet | None:
        """Its packages; None when they are not known, or the row has none."""


R = TypeVar("R", bound=Row)

SETS = 16
"""So many sets of packages are indexed in one step: one may hold a thousand packages."""


@dataclass(frozen=True)
class Field(Generic[R]):
    """A field that a filter may name."""

    name: str
    meaning: str
    example: str
    test: Callable[[str, str], Test[R]]
    """Operator and value to a test. Raises ValueError with a sentence."""
    choices: tuple[str, ...] = ()
    """The words that it may hold, when these are few."""
    get: Callable[[R], str | None] | None = None
    """Its text, for offering values."""
    measure: bool = False
    """True for what is compared, and False for what is looked for."""


@dataclass(frozen=True)
class Flag(Generic[R]):
    """What may stand behind ``is:``."""

    meaning: str
    test: Callable[[R], bool | None]


@dataclass(frozen=True)
class Schema(Generic[R]):
    """The fields and flags of one table."""

    fields: Mapping[str, Field[R]]
    flags: Mapping[str, Flag[R]]
    has_packages: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """What of a filter is not understood (yet), and where it stands: ``text[start:end]``."""

    message: str
    start: int
    end: int

    def __str__(self) -> str:
        return self.sentence

    @property
    def sentence(self) -> str:
        """With its position, counted from 1."""
        return phrase("{problem} (at {place})", problem=self.message, place=self.start + 1)


@dataclass
class _Packages:
    """A package term: the digests of the sets that hold it, renewed when the index grew."""

    spec: PackageSpec
    index: PackageIndex
    digests: frozenset[str] | set[str] = frozenset()
    size: int = -1

    def prepare(self) -> None:
        if self.size != len(self.index):
            self.digests, self.size = self.index.digests(self.spec), len(self.index)


@dataclass(frozen=True, slots=True)
class Chosen(Generic[R]):
    """What a filter chose."""

    rows: list[R]
    """Those that fit, in their order."""
    unknown: int
    """How many may fit or not: nothing speaks against them but that something asked for is not known of them."""
    names: tuple[str, ...]
    """The fields and flags that are not known of some: until somebody has looked, neither they nor their negation
    keep such a row."""


class Query(Generic[R]):
    """A compiled filter. Empty text lets everything through."""

    def __init__(
        self,
        text: str,
        tests: list[tuple[Test[R], bool]],
        packages: list[_Packages],
        problems: list[Problem],
        index: PackageIndex,
        unfinished: Test[R] | None = None,
        named: Mapping[Test[R], str] | None = None,
    ) -> None:
        self.text = text
        self._unfinished = unfinished
        self._named = named or {}
        self.problems = tuple(problems)
        """All that was not understood, in the order of the text."""
        self._tests = tests
        self._packages = packages
        self._index = index

    def __bool__(self) -> bool:
        """Whether it holds anything back at all."""
        return bool(self._tests)

    @property
    def problem(self) -> str | None:
        """The first problem as a plain sentence with its position; None when everything was understood."""
        return self.problems[0].sentence if self.problems else None

    def select(self, rows: Iterable[R], now: float) -> list[R]:
        """Those of *rows* that fit at *now* (Unix seconds), in their order.

        A last word that is the beginning of a field's or a package's name (``unus``) and would leave nothing
        is not applied yet: a table must not blink while a field is being written.
        """
        return finish(self.steps(list(rows), now)).rows

    def steps(self, rows: Sequence[R], now: float) -> Steps[Chosen[R]]:
        """:meth:`select`, in steps, with what it left out for want of knowledge alone."""
        yield from self._prepare(rows)
        left: list[R] = list(rows)
        maybe: list[R] = []
        for test, wanted in self._tests:
            before, left = left, []
            unknown, maybe = maybe, []
            for some in pieces(before):
                fits = [test(row, now) for row in some]
                left += [row for row, fit in zip(some, fits, strict=True) if fit is wanted]
                if None in fits:
                    maybe += [row for row, fit in zip(some, fits, strict=True) if fit is None]
                yield
            if not left and test is self._unfinished:
                left, maybe = before, unknown
                break
            for some in pieces(unknown):
                maybe += [row for row in some if test(row, now) in (wanted, None)]
                yield
        names = yield from self._not_known(maybe, now)
        return Chosen(left, len(maybe), names)

    def _not_known(self, rows: Sequence[R], now: float) -> Steps[tuple[str, ...]]:
        """The names of what is not known of some of *rows*."""
        names: dict[str, None] = {}
        for test, _ in self._tests:
            name = self._named.get(test)
            if name is None or name in names:
                continue
            for some in pieces(rows):
                if any(test(row, now) is None for row in some):
                    names[name] = None
                    break
                yield
        return tuple(names)

    def matches(self, row: R, now: float) -> bool:
        """Whether one row fits."""
        finish(self._prepare((row,)))
        return all(test(row, now) is wanted for test, wanted in self._tests)

    def _prepare(self, rows: Sequence[R]) -> Steps[None]:
        if not self._packages:
            return
        index = self._index
        for some in pieces(rows):
            for row in some:
                packages = row.packages
                if packages is not None and packages.digest not in index.known:
                    index.add(packages)
                    if len(index) % SETS == 0:
                        yield
            yield
        for one in self._packages:
            one.prepare()
            yield


_FIELD = re.compile(r"([A-Za-z_-]+)(<=|>=|!=|==|~=|:(?!:)|=|<|>)(.*)\Z", re.DOTALL)
_UNFINISHED = ".-_+,|=<>!~( "
_WHO = ("pip", "conda")
LONGEST = 2000
"""What is longer was pasted by mistake; its rest is left out."""


def compile_query(text: str, schema: Schema[R], index: PackageIndex | None = None) -> Query[R]:
    """The filter that *text* spells for the table of *schema*. Never raises.

    *index*, shared by all filters of a fleet, spares looking through its packages again for each text.
    """
    index = PackageIndex() if index is None else index
    compiler = _Compiler(schema, index)
    cut = text[:LONGEST]
    found = terms(cut)
    for term in found:
        if term.open:
            compiler.problem(phrase("The closing quote is missing."), term)
        compiler.term(term)
    if len(text) > LONGEST:
        compiler.problems.append(Problem(phrase("The filter is too long; its end is left out."), LONGEST, len(text)))
    # What is cheap and holds much back goes first: words are the dearest.
    tests = compiler.tests + compiler.words
    unfinished = compiler.words[-1][0] if found and compiler.may_become_more(found[-1], cut) else None
    return Query(cut, tests, compiler.packages, compiler.problems, index, unfinished, compiler.named)


class _Compiler(Generic[R]):
    def __init__(self, schema: Schema[R], index: PackageIndex) -> None:
        self.schema = schema
        self.index = index
        self.tests: list[tuple[Test[R], bool]] = []
        self.words: list[tuple[Test[R], bool]] = []
        self.packages: list[_Packages] = []
        self.problems: list[Problem] = []
        self.named: dict[Test[R], str] = {}
        """What a test looks at: the name of a field, or ``is:`` with a flag."""

    def problem(self, message: str, term: Term) -> None:
        self.problems.append(Problem(message, term.start, term.end))

    def may_become_more(self, last: Term, text: str) -> bool:
        """Whether the last term is a word that still may become a field or a package."""
        word = last.text.casefold()
        if last.end < len(text) or last.quoted_at is not None or not re.fullmatch(r"[a-z0-9_.-]+", word):
            return False
        names = (*self.schema.fields, "is", *_WHO)
        return any(name.startswith(word) for name in names) or (
            self.schema.has_packages and bool(self.index.names(word))
        )

    def term(self, term: Term) -> None:
        if not term.text:
            if term.negated and term.quoted_at is None:
                self.problem(phrase("Write behind it what not to show."), term)
            return
        try:
            self._understand(term)
        except ValueError as problem:
            self.problem(phrase("“{text}” – {problem}", text=_shown(term.text), problem=worded(problem)), term)

    def _understand(self, term: Term) -> None:
        match = _FIELD.match(term.text)
        if match is not None and term.quoted_at is not None and match.start(2) >= term.quoted_at:
            match = None
        if term.quoted_at == 0:
            self._word(term)
        elif term.text.startswith("@"):
            self._group(term)
        elif match is None:
            if self.schema.has_packages and re.match(r"[^\s:]+::", term.text):
                self._package(term, term.text)
            else:
                self._word(term)
        else:
            self._field(term, match[1].lower(), match[2], match[3])

    def _field(self, term: Term, name: str, sign: str, value: str) -> None:
        field = self.schema.fields.get(name)
        if name == "is" and sign in (":", "="):
            self._flag(term, value)
        elif name in _WHO and sign == ":" and self.schema.has_packages:
            if not value:
                raise ValueError(phrase("It waits for the name of a package."))
            self._package(term, term.text)
        elif field is not None:
            if sign == ":" and field.measure:  # size:>5G
                inner = re.match(r"<=|>=|!=|==|<|>", value)
                sign, value = (inner[0], value[inner.end() :]) if inner else (sign, value)
            elif sign == ":" and value.startswith("="):  # name:=base
                sign, value = "=", value[1:]
            test = field.test(sign, value)
            self.named[test] = name
            self.tests.append((test, not term.negated))
        elif sign == ":":  # gpu01:train, as a selector would say it: the row's text holds that
            near = get_close_matches(name, [*self.schema.fields, "is"], n=1, cutoff=0.75)
            if near:
                self.problem(
                    phrase("There is no field {name}. Did you mean {near}: ?", name=f"{name[:40]!r}", near=near[0]),
                    term,
                )
            self._word(term)
        elif self.schema.has_packages:
            self._package(term, term.text)
        else:
            raise ValueError(phrase("There is no such field here; this part is not applied."))

    def _flag(self, term: Term, value: str) -> None:
        known = ", ".join(self.schema.flags)
        word = value.casefold().replace("-", "").replace("_", "")
        if not word:
            raise ValueError(phrase("It waits for one of {known}.", known=known))
        flag = self.schema.flags.get(word)
        if flag is None:
            raise ValueError(phrase("That is none of {known}.", known=known))
        get = flag.test

        def test(row: R, now: float) -> bool | None:
            return get(row)

        self.named[test] = f"is:{word}"
        self.tests.append((test, not term.negated))

    def _group(self, term: Term) -> None:
        name = term.text[1:]
        if not name:
            raise ValueError(phrase("It waits for the name of a group."))
        glob = Glob(name)
        self.tests.append(((lambda row, now: any(map(glob.matches, row.groups))), not term.negated))

    def _word(self, term: Term) -> None:
        folded = term.text.casefold()
        if self.schema.has_packages and term.quoted_at is None and re.fullmatch(r"[a-z0-9_.-]{2,}", folded):
            holders = self._holders(read_package_spec(folded))
            self.words.append(
                (
                    (lambda row, now: folded in row.text or (row.packages or _NONE).digest in holders.digests),
                    not term.negated,
                )
            )
        else:
            self.words.append(((lambda row, now: folded in row.text), not term.negated))

    def _package(self, term: Term, written: str) -> None:
        # torch< is torch already, and torch<2. is torch<2: what is typed next only narrows it.
        finished = written.rstrip(_UNFINISHED)
        if written[-1:] in "=<>!~":
            self.problem(
                phrase("“{text}” – {problem}", text=_shown(written), problem=phrase("It waits for a version.")), term
            )
        written = finished or written
        holders = self._holders(read_package_spec(written))

        def test(row: R, now: float) -> bool | None:
            return None if row.packages is None else row.packages.digest in holders.digests

        self.named[test] = "packages"
        self.tests.append((test, not term.negated))

    def _holders(self, spec: PackageSpec) -> _Packages:
        holders = _Packages(spec, self.index)
        self.packages.append(holders)
        return holders


class _NoPackages:
    digest = ""


_NONE = _NoPackages()


def _shown(text: str) -> str:
    return printable(text if len(text) <= 40 else f"{text[:40]}…")
