"""Plans, progress and cleaning, as real conda and micromamba print them."""

from __future__ import annotations

import json

import pytest

from tests.remote.recordings import CONDA, MICROMAMBA, everything, recordings
from tui.domain.planned import PackagePlan, PlannedPackage, of_dist
from tui.remote.condasays.cleaning import CleanEntry, CleanPart, read_cleaning
from tui.remote.condasays.plan import read_plan
from tui.remote.condasays.progress import Phase, Progress, ProgressReader

CHANNEL = "file:///srv/channel"


def plan(folder: str, number: str) -> PackagePlan:
    found = read_plan(recordings(folder)[number].stdout)
    assert found is not None
    return found


def named(packages: tuple[PlannedPackage, ...] | None) -> list[str]:
    return [f"{each.name}-{each.version}-{each.build}" for each in packages or ()]


def test_conda_s_dry_run_in_json() -> None:
    found = plan(CONDA, "10")
    assert found.prefix == "/home/ada/miniconda3/envs/probe"
    assert found.dry_run is True
    assert named(found.link) == [
        "cudatoolkit-11.8.0-h0",
        "mkl-2023.1.0-h0",
        "openssl-3.2.0-h0",
        "python-3.11.7-0_cpython",
        "numpy-2.0.2-py311h0",
        "pip-23.3.1-pyhd0",
        "pytorch-2.0.1-py311_cuda11.8_0",
    ]
    assert found.link[0] == PlannedPackage("cudatoolkit", "11.8.0", "h0", CHANNEL, "linux-64")
    assert (found.unlink, found.fetch, found.download_bytes) == ((), (), 0)
    assert all(each.size_bytes is None for each in found.link), "conda gives sizes for what it fetches alone"


def test_conda_s_downloads_are_exact_in_json_and_rounded_in_text() -> None:
    exact, printed = plan(CONDA, "11"), plan(CONDA, "12")
    assert exact.fetch is not None
    assert exact.fetch[0] == PlannedPackage("pytorch", "2.1.2", "py311_cuda12.1_0", CHANNEL, "linux-64", 42328397)
    assert exact.download_bytes == 42328397 + 31710854
    assert printed.fetch == (
        PlannedPackage("absl-py", "1.4.0", "pyhd0", CHANNEL, size_shown="2 KB"),
        PlannedPackage("tensorflow", "2.12.0", "py311_0", CHANNEL, size_shown="20.2 MB"),
    )
    assert (printed.download_shown, printed.download_bytes) == ("20.2 MB", None)
    assert printed.specs == ("python=3.11", "tensorflow")


def test_conda_s_text_names_what_goes() -> None:
    found = plan(CONDA, "40")
    assert found.prefix == "/home/ada/miniconda3/envs/tty-env"
    assert named(found.unlink)[:2] == ["absl-py-1.4.0-pyhd0", "mkl-2023.1.0-h0"]
    assert (len(found.unlink), found.link) == (7, ())
    assert named(plan(CONDA, "38").unlink) == ["tqdm-4.66.1-pyhd0"]


def test_conda_s_updates_in_text() -> None:
    """As conda's sources word them; what it cut to fit its table is not known."""
    found = read_plan(
        "## Package Plan ##\n\n  environment location: /x/e y\n\n  added / updated specs:\n    - certifi\n\n\n"
        "The following packages will be UPDATED:\n\n"
        "  ca-certificates    pkgs/main::ca-certificates-2022.07.1~ --> conda-forge::ca-certificates-2022.9.24-ha8_0\n"
        "  openssl                                 1.1.1q-h7f8727e_0 --> 1.1.1s-h7f8727e_0 \n\n"
        "The following packages will be DOWNGRADED:\n\n"
        "  numpy                                       1.26.4-py311h0 --> 1.21.6-py311h0 \n\n\n"
        "Proceed ([y]/n)? "
    )
    assert found is not None
    assert found.prefix == "/x/e y"
    assert found.unlink == (
        PlannedPackage("ca-certificates", None, None, "pkgs/main"),
        PlannedPackage("openssl", "1.1.1q", "h7f8727e_0"),
        PlannedPackage("numpy", "1.26.4", "py311h0"),
    )
    assert found.link == (
        PlannedPackage("ca-certificates", "2022.9.24", "ha8_0", "conda-forge"),
        PlannedPackage("openssl", "1.1.1s", "h7f8727e_0"),
        PlannedPackage("numpy", "1.21.6", "py311h0"),
    )


def test_micromamba_s_dry_run_is_the_same_in_json_and_text() -> None:
    exact, printed = plan(MICROMAMBA, "021"), plan(MICROMAMBA, "022")
    assert sorted(named(exact.link)) == sorted(named(printed.link))
    assert sorted(named(exact.fetch)) == sorted(named(printed.fetch))
    assert exact.download_bytes == 31710854 + 42328397
    assert (printed.download_bytes, printed.download_shown) == (None, "74MB")
    assert exact.dry_run is True
    assert printed.dry_run is True
    assert exact.prefix == printed.prefix == "/home/ada/micromamba/envs/probe"


def test_micromamba_s_other_plans() -> None:
    assert named(plan(MICROMAMBA, "071").unlink) == ["openssl-3.0.12-h0"]
    assert named(plan(MICROMAMBA, "071").link) == ["openssl-3.2.0-h0"]
    updated = plan(MICROMAMBA, "089")
    assert named(updated.unlink) == ["pip-23.3.1-pyhd0", "numpy-1.26.4-py311h0"]
    assert named(updated.link) == ["numpy-2.0.2-py311h0"]
    assert named(plan(MICROMAMBA, "093").unlink)[-1] == "numpy-2.0.2-py311h0"
    assert len(plan(MICROMAMBA, "027").link) == 7, "coloured"
    assert named(plan(MICROMAMBA, "024").fetch) == ["tqdm-4.66.1-pyhd0"], "a prompt stands before the JSON"
    assert plan(MICROMAMBA, "042").message == "All requested packages already installed"


def test_what_is_not_said_is_not_known() -> None:
    for number in ("063", "064"):  # a clone: sizes are empty, and 0 in the JSON
        assert all((each.size_bytes, each.size_shown) == (None, None) for each in plan(MICROMAMBA, number).link)
    assert plan(MICROMAMBA, "063").fetch is None
    assert plan(MICROMAMBA, "069").fetch is None
    for folder, number in ((CONDA, "24"), (CONDA, "44"), (CONDA, "17"), (MICROMAMBA, "049"), (MICROMAMBA, "101")):
        assert read_plan(recordings(folder)[number].stdout) is None


@pytest.mark.parametrize("folder", [CONDA, MICROMAMBA])
def test_every_plan_in_json_holds_what_the_document_holds(folder: str) -> None:
    seen = 0
    for each in recordings(folder).values():
        if each.stdout[:1] != "{" or each.exit_code or '"actions"' not in each.stdout:
            continue
        actions = json.loads(each.stdout)["actions"]
        found = read_plan(each.stdout)
        assert found is not None
        seen += 1
        for key, packages in (("LINK", found.link), ("UNLINK", found.unlink), ("FETCH", found.fetch)):
            wanted = [
                (one["name"], one["version"], one.get("build_string") or one["build"]) for one in actions.get(key, [])
            ]
            assert [(one.name, one.version, one.build) for one in packages or ()] == wanted, each.name
    assert seen > 5


@pytest.mark.parametrize(
    ("dist", "parts"),
    [
        ("numpy-2.0.2-py311h0", ("numpy", "2.0.2", "py311h0")),
        ("a-b-c-1-2.tar.bz2", ("a-b-c", "1", "2")),
        ("a-1-2.conda", ("a", "1", "2")),
        ("numpy", ("numpy", None, None)),
        ("--", ("--", None, None)),
    ],
)
def test_a_dist_s_parts(dist: str, parts: tuple[str, str | None, str | None]) -> None:
    assert of_dist(dist) == parts


# Progress


def steps(text: str, size: int = 40) -> list[Progress]:
    reader, found = ProgressReader(), list[Progress]()
    for at in range(0, len(text), size):
        now = reader.feed(text[at : at + size])
        if now is not None and (not found or found[-1] != now):
            found.append(now)
    return found


def phases(text: str) -> list[Phase]:
    every = [each.phase for each in steps(text, 7)]
    return [each for at, each in enumerate(every) if not at or every[at - 1] is not each]


def test_conda_on_a_terminal() -> None:
    text = recordings(CONDA)["12"].stdout
    assert phases(text) == [
        Phase.METADATA,
        Phase.SOLVING,
        Phase.DOWNLOADING,
        Phase.PREPARING,
        Phase.VERIFYING,
        Phase.CHANGING,
    ]
    found = steps(text, 7)
    assert Progress(Phase.DOWNLOADING, "tensorflow-2.12.0", 0, total="20.2 MB") in found
    assert Progress(Phase.DOWNLOADING, "tensorflow-2.12.0", 100, total="20.2 MB") in found


def test_conda_without_a_terminal() -> None:
    assert phases(recordings(CONDA)["13"].stdout)[-1] is Phase.CHANGING


def test_micromamba_on_a_terminal() -> None:
    found = steps(recordings(MICROMAMBA)["157"].stdout)
    assert Progress(Phase.DOWNLOADING, "cudatoolkit", done="1.3MB", total="124.3MB") in found
    assert found[-1] == Progress(Phase.DOWNLOADING, "mkl", done="17.9MB", total="124.4MB", rate="6.9MB")
    assert all(each.percent is None for each in found), "it prints none"
    assert Progress(Phase.DOWNLOADING, "mkl", done="4.2MB", total="124.3MB") in found
    cached = steps(recordings(MICROMAMBA)["027"].stdout)
    assert Progress(Phase.EXTRACTING, "tensorflow", done="1", total="2") in cached
    assert not any((each.total or "").startswith("0") for each in cached), "0 of 0 is no figure"
    assert cached[-1].phase is Phase.FINISHED


def test_every_figure_was_printed() -> None:
    for each in everything():
        for step in steps(each.stdout, 997):
            for figure in (step.package, step.done, step.total, step.rate):
                assert figure is None or figure in each.stdout
            assert step.percent is None or f"{step.percent}%" in each.stdout


def test_a_rate_that_is_not_known_yet_is_no_figure() -> None:
    bar = "Downloading  (5) ━╸━━━   1.3MB / 124.3MB @  ??.?MB/s mkl                  0.3s\n"
    assert ProgressReader().feed(bar) == Progress(Phase.DOWNLOADING, "mkl", done="1.3MB", total="124.3MB")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("\x1b[1m\x1b[32mSolving environment: ", Progress(Phase.SOLVING)),
        ("\x1b]0;Solving\x07Solving environment: - \b\b", Progress(Phase.SOLVING)),
        ("\x1b[2K\x1b[0GLinking \x1b[33ma-1-2\x1b[0m\r\n", Progress(Phase.CHANGING, "a-1-2")),
    ],
)
def test_colours_may_arrive_in_pieces(text: str, wanted: Progress) -> None:
    reader = ProgressReader()
    for char in text:
        reader.feed(char)
    assert reader.progress == wanted


def test_a_figure_that_is_cut_is_not_told() -> None:
    reader = ProgressReader()
    reader.feed("\rnumpy-2.0.2 | 20.2 MB | ###   |   4")
    assert reader.progress is None
    assert reader.feed("2% \r") == Progress(Phase.DOWNLOADING, "numpy-2.0.2", 42, total="20.2 MB")


# Cleaning


def test_conda_s_clean_in_json() -> None:
    parts = {each.what: each for each in read_cleaning(recordings(CONDA)["44"].stdout)}
    assert list(parts) == ["tarballs", "packages", "index", "temp", "logs"]
    assert (parts["tarballs"].count, parts["tarballs"].total_bytes) == (14, 219641313)
    assert parts["tarballs"].entries is not None
    assert sum(each.size_bytes or 0 for each in parts["tarballs"].entries) == 219641313
    assert parts["packages"].entries is not None
    assert CleanEntry("/home/ada/miniconda3/pkgs/numpy-1.26.4-py311h0", 1303069) in parts["packages"].entries
    assert parts["index"] == CleanPart("index", 1, (CleanEntry("/home/ada/miniconda3/pkgs/cache"),))
    assert parts["temp"] == CleanPart("temp", 0, ())


def test_conda_s_clean_in_text() -> None:
    assert read_cleaning(recordings(CONDA)["45"].stdout) == (
        CleanPart("tarballs", 14, total_shown="209.5 MB"),
        CleanPart("index", 1),
        CleanPart("packages", 5, total_shown="96.8 MB"),
        CleanPart("temp", 0, ()),
        CleanPart("logs", 0, ()),
    )


def test_micromamba_s_clean_is_a_table_even_with_json() -> None:
    for number in ("108", "109"):
        tarballs, packages = read_cleaning(recordings(MICROMAMBA)[number].stdout)
        assert (tarballs.what, tarballs.count, tarballs.total_shown) == ("tarballs", 27, "401MB")
        assert packages.entries is not None
        assert packages.entries[-1] == CleanEntry(
            "/home/ada/micromamba/pkgs/tensorflow-2.12.0-py311_0", size_shown="24MB"
        )
        assert packages.total_bytes is None
    assert [each.count for each in read_cleaning(recordings(MICROMAMBA)["121"].stdout)] == [2, 2]
    assert read_cleaning(recordings(MICROMAMBA)["126"].stdout) == ()
