"""``find SPEC [SEL…]``: in which environments of the fleet a package is."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tui.cli.context import Context
from tui.cli.jsonview import Object, package_json
from tui.cli.reply import Reply
from tui.cli.report import HostReport
from tui.cli.stream import Stream
from tui.cli.tables import Column, Table
from tui.domain.environments import Environment
from tui.domain.errors import NothingMatchedError, UsageError
from tui.domain.find import Hit, find
from tui.domain.packagespec import parse_package_spec
from tui.domain.redact import redact
from tui.domain.selectors import parse_selector, select_environments, select_hosts
from tui.domain.text import printable

__all__ = ["run_find"]

PART = "environments"


async def run_find(context: Context) -> Reply:
    """List the packages that the specification means, with the environments that hold them."""
    args, specs = context.args, context.settings.hosts
    spec = parse_package_spec(args.spec)
    if args.selectors and args.selectors[0][:1] in "0123456789<>=!~" and spec.version is None:
        raise UsageError(
            f"{args.selectors[0]!r} is no selector.",
            f"A package and its version are one argument: quote '{args.spec} …'.",
        )
    selectors = [parse_selector(text) for text in args.selectors]
    hosts = select_hosts(selectors, specs)

    def of(report: HostReport) -> list[Environment]:
        fresh = report.fresh(PART)
        return select_environments(selectors, specs, fresh) if isinstance(fresh, tuple) else []

    def items_of(report: HostReport) -> list[Object]:
        return [_hit_json(hit) for hit in find(spec, of(report))]

    async with context.fleet() as fleet:
        stream = Stream(context, fleet, (PART,), "packages", items_of) if args.json_lines else None
        gathered = await fleet.gather(hosts, (PART,), on_event=stream.tell if stream else None)
    environments = [env for report in gathered.reports for env in of(report)]
    hits = find(spec, environments)
    unread = [env for env in environments if not env.packages_known]
    error = gathered.error
    if error is None and not hits:
        where = f" of {' '.join(args.selectors)}" if args.selectors else ""
        count = len(environments) - len(unread)
        looked = f"{count} environment{'' if count == 1 else 's'}{where} looked through"
        error = NothingMatchedError(f"No package fits '{printable(args.spec)}'; {looked}.")
    hints: tuple[str, ...] = ()
    if unread:
        which = ", ".join(f"{env.host}:{printable(env.label)}" for env in unread[:3])
        more = f" and {len(unread) - 3} more" if len(unread) > 3 else ""
        hints = (f"The packages of {which}{more} are not known.",)
    return Reply(
        "packages",
        gathered.reports,
        items=lambda: [_hit_json(hit) for hit in hits],
        lines=lambda width: _table(hits).lines(width) if hits else (),
        extra=lambda: {"unknown_environments": [_environment_json(env) for env in unread]},
        error=error,
        hints=hints,
        now=time.time(),
    )


def _environment_json(env: Environment) -> Object:
    return {
        "host": env.host,
        "environment": None if env.name is None else printable(env.name),
        "prefix": printable(env.prefix),
    }


def _hit_json(hit: Hit) -> Object:
    env = hit.environment
    return {**_environment_json(env), **package_json(hit.package, env.requested, env.clobbered)}


def _table(hits: Sequence[Hit]) -> Table:
    columns = (
        Column("HOST"), Column("ENVIRONMENT", flexible=True), Column("PACKAGE", flexible=True),
        Column("VERSION", flexible=True), Column("BUILD", flexible=True), Column("CHANNEL", flexible=True),
        Column("BY"), Column("PREFIX", flexible=True),
    )  # fmt: skip
    rows = []
    for hit in hits:
        env, package = hit.environment, hit.package
        rows.append(
            (
                env.host,
                "-" if env.name is None else printable(env.name),
                printable(package.name),
                "?" if package.version is None else printable(package.version),
                "" if package.build is None else printable(package.build),
                printable(redact(package.channel)) if package.channel else "",
                package.manager.value,
                printable(env.prefix),
            )
        )
    return Table(columns, tuple(rows))
