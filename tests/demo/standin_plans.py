"""Plans in outputs, in a form that two runs have in common."""

from __future__ import annotations

from tests.remote.recordings import Recording
from tui.domain.planned import PackagePlan
from tui.remote.condasays.plan import read_plan

__all__ = ["planned"]


def planned(said: Recording) -> object:
    """What is planned, without sizes, checksums and the order in which packages are unlinked."""
    plan = read_plan(said.stdout)
    if plan is None:
        return None
    parts = [_packages(plan, part) for part in ("link", "unlink", "fetch")]
    return (plan.prefix, plan.specs, plan.message, plan.dry_run, *parts)


def _packages(plan: PackagePlan, part: str) -> object:
    each_of = getattr(plan, part) or ()
    return sorted((each.name, each.version, each.build, each.channel, each.subdir) for each in each_of)
