"""What was put aside: when its time has come, and what a word names."""

from __future__ import annotations

from tui.domain.trash import Aside, AsideState, due, find_aside

KEPT = Aside("20261121-101500-00000001", "gpu01", "/c/t/1", AsideState.KEPT, True, "/c/envs/train", 100.0, 200.0)
LEFT = Aside("20261121-101500-00000002", "gpu01", "/c/t/2", AsideState.LEFT, True)
THEIRS = Aside("20261121-101500-00000003", "gpu01", "/c/t/3", AsideState.KEPT, False, "/c/envs/train", 1.0, 2.0)
UNKNOWN = Aside("20261121-101500-00000004", "gpu01", "/c/t/4", AsideState.KEPT, True)


def test_what_has_had_its_time_is_due_and_what_is_left_is_at_once() -> None:
    every = (KEPT, LEFT, THEIRS, UNKNOWN)
    assert due(every, 199.9) == (LEFT,)
    assert due(every, 200.0) == (KEPT, LEFT)


def test_only_what_is_ours_and_whole_can_come_back() -> None:
    assert [each.restorable for each in (KEPT, LEFT, THEIRS, UNKNOWN)] == [True, False, False, False]
    assert (KEPT.age_s(150.0), KEPT.age_s(50.0), LEFT.age_s(1.0)) == (50.0, 0.0, None)


def test_it_is_found_by_id_prefix_or_name() -> None:
    every = (KEPT, LEFT, THEIRS, UNKNOWN)
    assert find_aside(every, LEFT.id) == (LEFT,)
    assert find_aside(every, "train") == find_aside(every, "/c/envs/train") == (THEIRS, KEPT)
    assert find_aside(every, "") == ()
