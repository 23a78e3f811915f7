"""What ``--confirm`` accepts, and for how many environments."""

from __future__ import annotations

from tui.cli.confirming import decide
from tui.domain.changes import Change, ChangeKind, Concern, ConcernKind, Prepared, standing

IN_USE = Concern.of(ConcernKind.IN_USE, "two processes use it")
PROTECTED = Concern.of(ConcernKind.PROTECTED, "the configuration protects it")
NAMING = Concern.of(ConcernKind.NAMING, "it is not named as agreed")


def prepared(host: str, name: str | None, *concerns: Concern, prefix: str = "") -> Prepared:
    change = Change(ChangeKind.REMOVE, host, prefix or f"/envs/{name}", name=name)
    return Prepared(change, (), 0.0, concerns)


def refused(*given: Prepared, confirm: tuple[str, ...] = ()) -> list[bool]:
    return [bool(each.against) for each in decide(given, confirm)]


def test_a_warning_asks_for_nothing() -> None:
    assert refused(prepared("a", "x", NAMING)) == [False]


def test_a_name_accepts_what_was_shown_and_nothing_else() -> None:
    (each,) = decide([prepared("a", "x", IN_USE)], ["x"])
    assert not each.against
    assert each.prepared.change.accepted == {ConcernKind.IN_USE}
    # Found later, inside the task: it was not shown.
    assert standing([Concern.of(ConcernKind.FROZEN, "frozen")], each.prepared.change.accepted)


def test_no_name_passes_what_is_forbidden() -> None:
    (each,) = decide([prepared("a", "x", IN_USE, PROTECTED)], ["x"])
    assert [concern.kind for concern in each.against] == [ConcernKind.PROTECTED]
    assert not each.by_name


def test_each_environment_wants_a_word_of_its_own() -> None:
    pair = (prepared("a", "x", IN_USE), prepared("b", "x", IN_USE))
    assert refused(*pair, confirm=("x",)) == [False, True]
    assert refused(*pair, confirm=("x", "x")) == [False, False]
    assert refused(*pair, confirm=("b:x",)) == [True, False]
    assert refused(*pair, confirm=("x", "a:x")) == [False, False]


def test_a_word_is_not_spent_on_what_needs_none() -> None:
    assert refused(prepared("a", "x"), prepared("b", "x", IN_USE), confirm=("x",)) == [False, False]


def test_without_a_name_the_prefix_is_typed_in_printed_form() -> None:
    strange = prepared("a", None, IN_USE, prefix="/envs/a\nb")
    assert refused(strange, confirm=("/envs/a\\x0ab",)) == [False]
    assert refused(strange, confirm=("a:/envs/a\\x0ab",)) == [False]
    assert refused(strange, confirm=("/envs/a",)) == [True]
