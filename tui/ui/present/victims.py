"""The environments that something is to be done to, those that a filter hides among them."""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence

from tui.domain.environments import Environment
from tui.ui.language import tr
from tui.ui.present.cell import Tone, cell, join, remote
from tui.ui.present.lines import Line, item, words

__all__ = ["victims"]

NAMED = 8


def victims(targets: Sequence[Environment], hidden: Collection[Hashable] = ()) -> Iterator[Line]:
    """A line for each of the first, those hidden before the others: they are the ones that surprise."""
    ordered = sorted(targets, key=lambda env: (env.host, env.prefix) not in hidden)
    for env in ordered[:NAMED]:
        out_of_sight = cell(tr("hidden by the filter"), Tone.WARN) if (env.host, env.prefix) in hidden else ()
        where = cell(tr("on {host}", host=env.host))
        yield item(join((remote(env.label, Tone.STRONG), where, out_of_sight, remote(env.prefix, Tone.DIM))))
    if len(ordered) > NAMED:
        yield words(tr("and {n} more", n=len(ordered) - NAMED), Tone.WARN)
