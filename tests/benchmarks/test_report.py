from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import report as module
from benchmarks.report import Report


@pytest.fixture(autouse=True)
def _results_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "RESULTS", tmp_path)


def test_the_last_line_is_the_json_that_is_also_kept(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    report = Report("speed")
    report.figure("ours_per_second", 30_000.4)
    report.limit("theirs_per_second", 50_000, published=57_700)
    report.ratio("ours_over_theirs", 0.60001, at_least=0.5)
    assert report.finish() == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert json.loads(last) == {
        "name": "speed",
        "figures": {"ours_per_second": 30_000},
        "limits": {"theirs_per_second": 50_000},
        "ratios": {"ours_over_theirs": 0.6},
        "targets": {"ours_over_theirs": ">= 0.5"},
        "met": True,
    }
    assert (tmp_path / "speed.json").read_text() == last + "\n"


@pytest.mark.parametrize(("value", "met"), [(0.49, False), (0.5, True), (0.9, True)])
def test_a_ratio_must_reach_its_target(value: float, met: bool) -> None:
    report = Report("speed")
    report.ratio("ratio", value, at_least=0.5)
    assert report.met is met


@pytest.mark.parametrize(("value", "met"), [(15.1, False), (15, True), (2, True)])
def test_a_figure_must_stay_below_its_target(value: float, met: bool) -> None:
    report = Report("start")
    report.figure("seconds", value, at_most=15)
    assert report.met is met


def test_a_failure_cannot_be_made_good_by_figures(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("speed")
    report.ratio("ratio", 2, at_least=0.5)
    report.fail("3 messages were lost")
    assert report.finish() == 1
    assert "FAILED  3 messages were lost" in capsys.readouterr().out


def test_a_limit_far_below_what_is_known_makes_the_measurement_doubtful() -> None:
    report = Report("speed")
    report.limit("theirs_per_second", 30_000, published=57_700)
    report.ratio("ratio", 0.9, at_least=0.5)
    assert not report.met
    (doubt,) = report.doubts()
    assert "below 0.6 x the known 57,700" in doubt
