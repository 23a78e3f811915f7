"""``find``: what is found, and what is said when nothing is."""

from __future__ import annotations

from dataclasses import replace

from tests.cli.fakes import REFUSED, Answer, FakeBackend, Run, fleet
from tests.domain.fleetvalues import environment, package, wheel

ONE = environment("gpu01", "llm", package("pytorch", "2.0.1"), package("numpy", "1.21.6"))
TWO = environment("gpu02", None, wheel("torch", "2.1.0+cu118"), package("numpy", "1.21.6"), package("numpy-base", "1"))


def two_hosts(**more: Answer) -> FakeBackend:
    """Two hosts with PyTorch of either kind."""
    return fleet({"gpu01": Answer({"environments": (ONE,)}), "gpu02": Answer({"environments": (TWO,)}), **more})


def test_a_package_is_found_under_all_its_names_wherever_it_is(run: Run) -> None:
    shown = run(two_hosts(), "find", "torch", "--json")
    assert shown.code == 0
    assert [(it["host"], it["environment"], it["prefix"], it["name"], it["version"], it["manager"])
            for it in shown.json["packages"]] == [
        ("gpu01", "llm", "/opt/conda/envs/llm", "pytorch", "2.0.1", "conda"),
        ("gpu02", None, "/opt/conda/envs/lone", "torch", "2.1.0+cu118", "pip"),
    ]  # fmt: skip
    assert [it["name"] for it in run(two_hosts(), "find", "torch<2.1", "--json").json["packages"]] == ["pytorch"]


def test_a_table_names_host_environment_and_version(run: Run) -> None:
    lines = run(two_hosts(), "find", "numpy 1.21.6").out.splitlines()
    assert lines[0].split() == ["HOST", "ENVIRONMENT", "PACKAGE", "VERSION", "BUILD", "CHANNEL", "BY", "PREFIX"]
    assert [line.split()[:4] for line in lines[1:]] == [
        ["gpu01", "llm", "numpy", "1.21.6"],
        ["gpu02", "-", "numpy", "1.21.6"],
    ]


def test_selectors_narrow_the_search(run: Run) -> None:
    shown = run(two_hosts(), "find", "numpy", "gpu02", "--json").json
    assert [it["host"] for it in shown["packages"]] == ["gpu02"]


def test_nothing_found_is_exit_4_with_how_much_was_looked_through(run: Run) -> None:
    done = run(two_hosts(), "find", "numpy>2", "--json")
    assert done.code == 4
    assert done.json["packages"] == []
    assert "2 environments looked through" in done.json["error"]["message"]


def test_nothing_found_where_a_host_failed_is_a_failure(run: Run) -> None:
    assert run(two_hosts(gpu03=Answer(fault=REFUSED)), "find", "numpy>2").code == 1


def test_environments_that_could_not_be_read_are_named(run: Run) -> None:
    blind = Answer({"environments": (replace(ONE, host="gpu03", packages_known=False),)})
    done = run(two_hosts(gpu03=blind), "find", "numpy")
    assert "The packages of gpu03:llm are not known." in done.err
    shown = run(two_hosts(gpu03=blind), "find", "numpy", "--json").json
    assert shown["unknown_environments"] == [{"host": "gpu03", "environment": "llm", "prefix": "/opt/conda/envs/llm"}]


def test_a_spec_in_two_arguments_is_told_how_to_be_written(run: Run) -> None:
    done = run(two_hosts(), "find", "numpy", "1.21.6")
    assert done.code == 2
    assert "quote 'numpy …'" in done.err


def test_a_spec_that_means_nothing_is_wrong_usage(run: Run) -> None:
    done = run(two_hosts(), "find", "numpy>=", "--json")
    assert done.code == 2
    assert "A version is missing" in done.json["error"]["message"]


def test_hits_are_streamed_as_hosts_answer(run: Run) -> None:
    events = run(two_hosts(), "find", "numpy", "--json-lines").json_lines
    found = [event for event in events if event["event"] == "packages"]
    assert sorted(event["host"] for event in found) == ["gpu01", "gpu02"]
    assert all(event["packages"][0]["version"] == "1.21.6" for event in found)
