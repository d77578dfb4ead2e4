"""What is made of the samples and results of the fault suite."""

from pathlib import Path

from rich.console import Console

from studies.faults.cells import matrix, quick
from studies.faults.checks import Findings, at_least, at_most, record
from studies.faults.table import for_terminal, kept, sentence
from studies.faults.trial import Setup
from studies.faults.watch import Sample, deliveries_a_minute, longest_wait, standing_after
from studies.report.deployment.study import DeploymentStudy
from studies.report.deployment.text import report
from studies.report.jobs import Lab, Store


def sample(at, deliveries, speed=0.0, collisions=0):
    return Sample(at, at - 100.0, collisions, deliveries, (speed,), ((0.0, 0.0),), ("",), (0.0,))


def test_paces_and_waits_are_in_simulated_time():
    samples = [sample(100.0 + k, k // 4) for k in range(31)]
    assert deliveries_a_minute(samples) == 60.0 * 7 / 30.0
    assert longest_wait(samples) == 4.0
    assert deliveries_a_minute([]) == deliveries_a_minute(samples[:1]) == longest_wait([]) == 0.0


def test_a_body_stands_when_it_does_not_move_again():
    speeds = [1.0, 0.5, 0.0, 0.3, 0.01, 0.0]
    samples = [sample(100.0 + 0.1 * k, 0, speed) for k, speed in enumerate(speeds)]
    assert abs(standing_after(samples, 0, 100.0) - 0.4) < 1e-9
    assert standing_after(samples[:4], 0, 100.0) is None


def test_what_could_not_be_measured_is_not_kept():
    assert not at_most("it", None, 1.0).kept and not at_least("it", None, 1.0).kept
    assert at_most("it", 1.0, 1.0).kept and not at_most("it", 1.1, 1.0).kept
    assert at_least("it", 1.0, 1.0).kept and not at_least("it", 0.9, 1.0).kept


def finished(collisions=0):
    physics = {"collisions": collisions, "min_clearance": 0.1, "seconds": 30.0, "lost_seconds": 0.0}
    figures = {"reasons": {"moving": 3}, "took_ms": {"p99": 2.0}, "late_ms": {"p99": 1.0}}
    return {"physics": physics, "robots": {0: figures, 1: figures}}


def test_a_collision_breaks_the_promise_of_every_cell():
    found = Findings([sample(100.0, 0), sample(160.0, 5)], [at_most("traffic is back", 0.5, 1.0, "s")])
    good, bad = record(found, finished()), record(found, finished(2))
    assert kept(good) and good["deliveries_a_minute"] == 5.0 and good["reasons"] == {"moving": 6}
    assert not kept(bad) and sentence(bad["checks"][0]) == "NOT KEPT: collisions: 2 (≤ 0)"


def test_the_report_names_what_is_not_kept(tmp_path):
    study = DeploymentStudy(Lab(Store(tmp_path), 1, Console()), Setup())
    cells = study.cells
    assert len({cell.name for cell in cells}) == len(cells) > 30 and len(quick(Setup())) <= 4
    good = record(Findings([sample(100.0, 0), sample(160.0, 5)]), finished())
    times = {"p50": 1.0, "p90": 2.0, "p99": 3.0, "p99.9": 4.0}
    good["notes"] = {"took_ms": times, "late_ms": times, "used_ms": times}
    results = {cell.name: good for cell in cells}
    text = report(study, results, "a machine", "a command")
    assert "everything was kept" in text and "Not measured yet" in text and "| 500 ms | 5.0 [100 mm]" in text
    broken = record(Findings(), finished(1))
    text = report(study, results | {"partition 5 s": broken}, "a machine", "a command")
    assert "- partition 5 s: NOT KEPT: collisions: 1 (≤ 0)" in text and "**not in 1**" in text
    missing = {"promise": "a", "measured": None, "limit": "", "kept": False}
    results["overruns"] = {"error": "it did not start", "checks": [missing]}
    text = report(study, results, "a machine", "a command")
    assert "- overruns: it did not start" in text and "0 of 1" in text
    console = Console(width=200, file=(Path(tmp_path) / "table.txt").open("w"))
    console.print(for_terminal(results, cells))
    console.file.close()
    assert "overruns" in (tmp_path / "table.txt").read_text()


def test_every_cell_can_be_told_and_made_again():
    for cell in (*matrix(Setup(), 30.0), *quick(Setup())):
        recipe = cell.recipe()
        assert Setup(**recipe["setup"]) == cell.setup
