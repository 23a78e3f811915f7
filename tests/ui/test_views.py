"""Packages, Find, Compare and Names by hosts: tables that one goes into and out of."""

from __future__ import annotations

from dataclasses import replace

from textual.pilot import Pilot

from tests.ui.driving import front, line, quiet, running, until
from tests.ui.fake_fleet import HOSTILE, NOW, FakeFleet, environment, package
from tui.domain.environments import Environment
from tui.domain.hosts import HostSpec, HostState
from tui.domain.packages import PackageInterner, PackageManager
from tui.domain.snapshot import Part
from tui.domain.text import printable
from tui.ui.app import CondafleetApp

INTERNER = PackageInterner()


def holding(host: str, name: str, *packages: tuple[str, str], pip: tuple[str, ...] = ()) -> Environment:
    held = [package(each, version) for each, version in packages]
    held += [package(each, "1.0", PackageManager.PIP) for each in pip]
    return environment(host, name, packages=INTERNER.package_set(held))


def fleet() -> FakeFleet:
    made = FakeFleet(map(HostSpec, ("alpha", "beta", "gamma", "silent")))
    by_host = {
        "alpha": holding("alpha", "llm", ("numpy", "1.26.4"), ("pytorch", "2.0.1"), pip=("peft",)),
        "beta": holding("beta", "llm", ("numpy", "1.26.4"), ("pytorch", "2.0.1"), pip=("peft",)),
        "gamma": holding("gamma", "llm", ("numpy", "1.21.6"), ("scipy", "1.10.0")),
    }
    for host, env in by_host.items():
        made.state(host, HostState.UP)
        made.put(host, environments=Part((env, holding(host, f"only-{host}", ("python", "3.11.0"))), NOW))
    return made


def text(app: CondafleetApp) -> str:
    return "\n".join(strip.text for strip in app.screen._compositor.render_strips())


async def opened(pilot: Pilot[int], app: CondafleetApp, mode: str) -> None:
    await until(pilot, lambda: mode == front(app).MODE)
    await quiet(pilot)


async def test_packages_have_a_filter_and_an_order_of_their_own_and_esc_comes_back() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "p")
        await opened(pilot, app, "packages")
        assert "Environments › llm on alpha › Packages" in text(app)
        assert [row.key[2] for row in front(app).grid.rows] == ["numpy", "peft", "pytorch"]  # type: ignore[index]
        await pilot.press("slash", *"pip", "enter")
        await quiet(pilot)
        assert len(front(app).grid.rows) == 1
        await pilot.press("escape", "escape")
        await opened(pilot, app, "environments")
        assert front(app).filter_bar.words == ""


async def test_pip_over_condas_files_is_said_where_the_package_is() -> None:
    made = fleet()
    env = made.store.host("alpha").snapshot.environments.value
    assert env
    made.put("alpha", environments=Part((replace(env[0], clobbered=frozenset({"peft"})),), NOW))
    async with running(made) as (app, pilot):
        await pilot.press("2", "p")
        await opened(pilot, app, "packages")
        assert "pip over conda's files" in line(app, 2)


async def test_a_package_is_found_on_the_whole_fleet_and_enter_goes_to_its_environment() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("f")
        await opened(pilot, app, "find")
        await pilot.press(*"torch<2.1")
        await until(pilot, lambda: len(front(app).grid.rows) == 2)
        await quiet(pilot)
        assert "1 version in 2 environments on 2 hosts" in text(app)
        await pilot.press("enter", "j", "enter")
        await opened(pilot, app, "environments")
        assert front(app).grid.cursor_key == ("beta", "/data/conda/envs/llm")


async def test_a_constraint_that_is_not_finished_looks_for_the_name_and_a_wrong_one_is_told() -> None:
    async with running(fleet(), (120, 24)) as (app, pilot):
        await pilot.press("f", *"numpy>")
        await until(pilot, lambda: len(front(app).grid.rows) == 3)
        await pilot.press(*"=1.2.x|")
        await quiet(pilot)
        front(app).filter_bar.set_words("numpy<(1")
        await quiet(pilot)
        assert "A version is missing" in str(front(app).query_one("#hits").render())
        front(app).filter_bar.set_words("nothing-like-it")
        await quiet(pilot)
        assert "No environment holds nothing-like-it; 1 host not known yet" in text(app)


async def test_two_marked_environments_are_compared() -> None:
    async with running(fleet(), (140, 30)) as (app, pilot):
        await pilot.press("2", "slash", *"name:llm", "enter", "space", "j", "space", "c")
        await opened(pilot, app, "compare")
        shown = text(app)
        for words in ("alpha:llm", "gamma:llm", "1.26.4", "1.21.6", "left newer", "only left", "only right"):
            assert words in shown
        await pilot.press("escape")
        await opened(pilot, app, "environments")
        assert len(front(app).marks) == 2


async def test_equal_environments_and_unknown_ones_are_told_apart() -> None:
    made = fleet()
    made.put("beta", environments=Part((environment("beta", "llm", packages_known=False),), NOW))
    async with running(made, (140, 30)) as (app, pilot):
        app.compare_pair(("alpha", "/data/conda/envs/llm"), ("alpha", "/data/conda/envs/llm"))
        await opened(pilot, app, "compare")
        assert "They hold the same packages" in text(app)
        app.compare_pair(("alpha", "/data/conda/envs/llm"), ("beta", "/data/conda/envs/llm"))
        await quiet(pilot)
        assert "beta:llm: its packages were not read yet" in text(app)
        app.compare_pair(("alpha", "/gone"), ("beta", "/data/conda/envs/llm"))
        await quiet(pilot)
        assert "One of the two is gone" in text(app)


async def test_a_name_is_compared_on_all_hosts_against_most_of_them() -> None:
    async with running(fleet(), (140, 30)) as (app, pilot):
        await pilot.press("2", "c")
        await opened(pilot, app, "compare")
        shown = text(app)
        assert "llm: 2 of 3 hold the same packages; 1 differ" in shown
        assert "1 host not known" in shown
        assert "▾ gamma:llm" in shown


async def test_the_matrix_says_which_hosts_have_a_name_and_whether_it_is_the_same() -> None:
    async with running(fleet(), (120, 30)) as (app, pilot):
        await pilot.press("m")
        await opened(pilot, app, "matrix")
        assert line(app, 0).split()[-4:] == ["alpha", "beta", "gamma", "silent"]
        assert line(app, 1).split() == ["llm", "2", "differ,", "3", "hosts", "A", "A", "B", "?"]
        await pilot.press("enter")
        await opened(pilot, app, "compare")
        await pilot.press("escape", "escape")
        await opened(pilot, app, "fleet")


async def test_a_matrix_wider_than_the_screen_says_so_and_moves_sideways() -> None:
    made = FakeFleet(HostSpec(f"node{number:03}") for number in range(40))
    for view in made.store.hosts():
        made.state(view.name, HostState.UP)
        made.put(view.name, environments=Part((environment(view.name, "llm"),), NOW))
    async with running(made, (80, 24)) as (app, pilot):
        await pilot.press("m")
        await opened(pilot, app, "matrix")
        assert "more: ← →" in text(app)
        await pilot.press("right")
        await until(pilot, lambda: "node000" not in line(app, 0))


async def test_views_follow_what_hosts_say() -> None:
    made = fleet()
    async with running(made) as (app, pilot):
        await pilot.press("f", *"scipy")
        await until(pilot, lambda: len(front(app).grid.rows) == 1)
        made.put("silent", environments=Part((holding("silent", "x", ("scipy", "1.9")),), NOW))
        await until(pilot, lambda: len(front(app).grid.rows) == 2)


async def test_number_keys_leave_every_view() -> None:
    async with running(fleet()) as (app, pilot):
        await pilot.press("2", "p")
        await opened(pilot, app, "packages")
        await pilot.press("enter")
        await opened(pilot, app, "find")
        await pilot.press("enter", "2")
        await opened(pilot, app, "environments")


async def test_hostile_names_are_harmless_in_every_view() -> None:
    made = FakeFleet([HostSpec("evil")])
    made.state("evil", HostState.UP)
    held = tuple(holding("evil", name, (HOSTILE[at - 1], name)) for at, name in enumerate(HOSTILE))
    made.put("evil", environments=Part(held, NOW))
    async with running(made, (160, 40)) as (app, pilot):
        for at in range(len(HOSTILE)):
            app.show_packages(("evil", held[at].prefix))
            await opened(pilot, app, "packages")
            assert not any(char in text(app) for char in "\x1b\x07\u202e\u200f\udcff")
            app.action_mode("fleet")
            await quiet(pilot)
        app.compare_pair(("evil", held[0].prefix), ("evil", held[1].prefix))
        await opened(pilot, app, "compare")
        assert printable(HOSTILE[0]) in text(app)
        app.action_mode("fleet")
        await pilot.press("m")
        await opened(pilot, app, "matrix")
        shown = text(app)
        assert printable(HOSTILE[0]) in shown
        assert not any(char in shown for char in "\x1b\x07\u202e\u200f\udcff")
