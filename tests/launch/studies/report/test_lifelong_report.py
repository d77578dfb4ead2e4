"""The report on lifelong path finding: what it counts, and that a small one is written whole."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st
from oracles.mapf import violations
from rich.console import Console

from envs.grid.instances import examples
from studies.report.jobs import Lab, Store
from studies.report.lifelong_mapf.measurements import conflicts, play
from studies.report.lifelong_mapf.pairs import beside_others, pairs, where_behind
from studies.report.lifelong_mapf.pictures import draw_pictures
from studies.report.lifelong_mapf.published_baselines import load_published
from studies.report.lifelong_mapf.study import LifelongMapfStudy, Scale
from studies.report.lifelong_mapf.text import report
from swarm.errors import InputError
from swarm.scenario.instances import save_instances

FREE = np.array([[True, True, True], [True, False, True]])
STILL = [(0, 0), (0, 2)]


@pytest.mark.parametrize(
    ("after", "broken"),
    [
        ([(0, 1), (0, 2)], 0),
        ([(0, 2), (0, 2)], 2),  # a jump, into the other's cell
        ([(0, 1), (0, 1)], 1),
        ([(1, 0), (1, 1)], 2),  # a jump into a wall
        ([(1, 0), (1, 2)], 0),
    ],
)
def test_broken_rules_are_counted_as_an_independent_oracle_sees_them(after, broken):
    track = np.array([STILL, after])
    assert conflicts(track, FREE) == broken
    found = violations(
        ["...", ".#."],
        track.tolist(),
        STILL,
        [[(1, 0)], [(1, 2)]],
        [int(a == b) for a, b in zip(after, [(1, 0), (1, 2)], strict=True)],
    )
    assert bool(found) == bool(broken)


def test_swaps_are_counted_and_rotations_are_not():
    free = np.ones((2, 2), bool)
    square = [(0, 0), (0, 1), (1, 1), (1, 0)]
    assert conflicts(np.array([square, square[1:] + square[:1]]), free) == 0
    assert conflicts(np.array([square[:2], square[1::-1]]), free) == 1


def test_parts_that_are_left_out_change_what_robots_do():
    options = {"file": None, "suite": "puzzles", "first": 3, "count": 3, "robots": 4, "steps": 60, "planner": "guided"}
    whole, other = play(options), play(options | {"without": "joint"})
    assert whole["throughput"] != other["throughput"]
    assert whole["conflicts"] == other["conflicts"] == [0, 0, 0]
    assert all(0 < wait <= 60 for wait in whole["wait"])
    with pytest.raises(InputError, match="lanes"):
        play(options | {"without": "everything"})


def test_a_small_report_has_every_table_and_picture(tmp_path):
    given = tmp_path / "city.jsonl"
    case = examples("puzzles", 0, 1)[0]
    save_instances(given, [case])
    published = tmp_path / "published.json"
    published.write_text(json.dumps([{"suite": case.suite, "map": case.map, "seed": 0, "robots": 3, "rhcr": 2.5}]))
    scale = Scale((("puzzles", 2),), large=(5, 20), largest=5, large_steps=3)
    lab = Lab(Store(tmp_path / "raw"), 1, Console(quiet=True))
    study = LifelongMapfStudy(lab, scale, 3, (given,), load_published(published))
    study.run()
    pictures = draw_pictures(study, tmp_path / "pictures")
    text = report(study, "a machine", "a command", pictures)
    for name, _ in pictures:
        assert (tmp_path / "pictures" / name).stat().st_size > 1000
    for part in ("In short", "Puzzles, drawn", "City, given", "Waiting", "Large teams", "worth", "Where we lose"):
        assert part in text
    assert "`guided` / RHCR, 1 of 3 episodes" in text
    assert "- city, given: RHCR is ahead of `guided` with 3 robots (-" in text
    assert "nan" not in text and ": 0 found" in text
    mean = np.mean([study.throughput(suite, "guided").mean() for suite in study.suites if suite.file is None])
    assert f"{mean:.3f}" in text
    raw = [json.loads(path.read_text()) for path in (tmp_path / "raw").iterdir()]
    assert any(entry["job"]["options"].get("without") == "lanes" for entry in raw)


def test_instances_that_do_not_belong_together_are_refused(tmp_path):
    path = tmp_path / "mixed.jsonl"
    save_instances(path, [*examples("puzzles", 0, 1), *examples("mazes", 0, 1)])
    study = LifelongMapfStudy(Lab(Store(tmp_path), 1, Console(quiet=True)), Scale(), 3, (path,))
    with pytest.raises(InputError, match=r"mixed\.jsonl: counts"):
        study.suites  # noqa: B018


class MadeUp:
    """Throughput of ours by planner: of instance k with n robots, n / 10 + k / 5, and 0.05 more with ``guided``."""

    def do(self, jobs, title, *, alone=False):
        pass

    def __getitem__(self, job):
        more = {"guided": 0.05}.get(job.options["planner"], 0.0)
        return {"throughput": [job.options["robots"] / 10.0 + k / 5.0 + more for k in range(job.options["count"])]}


def made_up(tmp_path, entries, cases=4, **scale):
    """A study of some puzzles, and results of others for them."""
    given, published = tmp_path / "puzzles.jsonl", tmp_path / "published.json"
    save_instances(given, examples("puzzles", 0, cases))
    published.write_text(json.dumps(entries))
    return LifelongMapfStudy(MadeUp(), Scale(drawn=(), **scale), files=(given,), published=load_published(published))


def episode(case, robots, **methods):
    found = examples("puzzles", 0, 4)[case]
    return {"suite": found.suite, "map": found.map, "seed": int(found.seed), "robots": robots, **methods}


def test_only_the_same_episodes_are_compared_and_in_pairs(tmp_path):
    # Instances 0 and 2; an episode of another seed, map and team size, and null, count for nothing.
    entries = [episode(case, robots, rhcr=robots / 10.0 + case / 5.0 + 0.02) for case in (0, 2) for robots in (2, 3)]
    entries += [episode(1, 2, rhcr=None), episode(1, 1, rhcr=0.5)]
    entries += [{**episode(1, 3, rhcr=0.01), **other} for other in ({"seed": 99}, {"map": "x"}, {"suite": "x"})]
    study = made_up(tmp_path, entries)
    guided, follower = pairs(study)
    assert (guided.planner, follower.planner, guided.episodes) == ("guided", "follower", 4)
    two, three, four, total = (guided.difference(size) for size in (0, 1, 2, None))
    assert four is None
    for found, ours in ((two, 0.45), (three, 0.55), (total, 0.5)):
        assert found.ours == pytest.approx(ours) and found.theirs == pytest.approx(ours - 0.03)
        # What instances do to both cancels, though they differ by 0.4.
        assert found.low == pytest.approx(0.03) and found.high == pytest.approx(0.03)
    text, (behind,) = beside_others(study), where_behind(study)
    row = "| `{} / RHCR, puzzles, given | {} / 0.470 | {} |"
    assert row.format("guided`", "0.500", "+0.030 [+0.030, +0.030] | 2, 3 | –") in text
    assert row.format("follower`", "0.450", "-0.020 [-0.020, -0.020] | – | 2, 3") in text
    assert "| `guided` / RHCR, 4 of 12 episodes | 0.450 / 0.420 | 0.550 / 0.520 | – | 0.500 / 0.470 |" in text
    assert behind.startswith("- puzzles, given: RHCR is ahead of `follower` with 2 robots (-0.020 [-0.020, -0.020]), 3")
    assert "all sizes together (-0.020 [" in behind


def test_chance_is_no_lead(tmp_path):
    entries = [episode(case, 2, other=0.25 + case / 5.0 + more) for case, more in enumerate((0.02, -0.01, -0.03, 0.02))]
    text = beside_others(made_up(tmp_path, entries))
    (row,) = (line for line in text.splitlines() if line.startswith("| `guided` / other, puzzles, given |"))
    assert "| +0.000 [-0.0" in row.replace("-0.000 [", "+0.000 [") and row.endswith("| – | – |")


def test_nothing_stands_beside_ours_when_nothing_is_published(tmp_path):
    study = replace(made_up(tmp_path, [episode(0, 2, rhcr=1)]), published=None)
    assert list(pairs(study)) == [] and list(where_behind(study)) == []
    assert "was not given" in beside_others(study) and "|" not in beside_others(study)


@pytest.mark.parametrize(
    ("change", "scale", "message"),
    [
        ({"seed": 99}, {}, r"--published: .*99.*instances that are given"),
        ({}, {"steps": 32}, r"--published: .*32 steps.*256 steps"),
    ],
)
def test_what_cannot_be_compared_is_refused_before_the_work(tmp_path, change, scale, message):
    study = made_up(tmp_path, [{**episode(0, 2, rhcr=1), **change}], **scale)
    with pytest.raises(InputError, match=message):
        study.run()


def test_an_instance_that_comes_twice_cannot_be_compared(tmp_path):
    study = made_up(tmp_path, [episode(0, 2, rhcr=1)])
    save_instances(study.files[0], [*examples("puzzles", 0, 2), *examples("puzzles", 1, 1)])
    with pytest.raises(InputError, match=r"puzzles\.jsonl: suite, map, seed: .*each once"):
        study.run()


GOOD = {"suite": "a", "map": "m", "seed": 0, "robots": 2, "rhcr": 0.5}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{}", "a JSON list"),
        ("[1]", r"\[0\]: got 1; valid: an object"),
        ("[", "a JSON list"),
        ("[" * 100_000, "a JSON list"),
        ("[]", "results: got 'none'"),
        (json.dumps([{**GOOD, "rhcr": None}]), "results: got 'none'"),
        (json.dumps([GOOD, GOOD]), r"\[1\]: .*another episode than that of \[0\]"),
        (json.dumps([{**GOOD, "seed": -1}]), r"\[0\]: seed: got -1; valid: a whole number of at least 0"),
        (json.dumps([{**GOOD, "seed": True}]), r"\[0\]: seed: got True"),
        (json.dumps([{**GOOD, "robots": 2.0}]), r"\[0\]: robots: got 2\.0"),
        (json.dumps([{name: value for name, value in GOOD.items() if name != "map"}]), r"\[0\]: map: got None"),
        (json.dumps([{**GOOD, "rhcr": 128}]), r"\[0\]: rhcr: got 128; valid: goals a step of the whole team, 0 to 2"),
        (json.dumps([{**GOOD, "rhcr": -0.1}]), r"\[0\]: rhcr: got -0\.1"),
        (json.dumps([{**GOOD, "rhcr": "0.5"}]), r"\[0\]: rhcr: got '0\.5'"),
        (json.dumps([{**GOOD, "a | b": 1}]), r"\[0\]: a key: got 'a | b'"),
        (json.dumps([GOOD]).replace("0.5", "NaN"), "finite numbers"),
        (json.dumps([GOOD]).replace('"map"', '"suite"'), "suite: got 'the key again'"),
    ],
)
def test_published_results_that_cannot_be_read_say_where(tmp_path, text, message):
    path = tmp_path / "published.json"
    path.write_text(text)
    with pytest.raises(InputError, match=rf"published\.json: .*{message}"):
        load_published(path)


_VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.lists(st.integers()))
_ENTRIES = st.dictionaries(st.sampled_from(["suite", "map", "seed", "robots", "rhcr", "|"]), _VALUES) | _VALUES
_ALMOST = st.builds(lambda change: {**GOOD, **change}, st.dictionaries(st.sampled_from(sorted(GOOD)), _VALUES))


@drawn(st.lists(_ENTRIES | _ALMOST, max_size=4))
def test_published_results_are_read_whole_or_refused(tmp_path_factory, entries):
    path = tmp_path_factory.getbasetemp() / "drawn.json"
    path.write_text(json.dumps(entries))
    try:
        found = load_published(path)
    except InputError as error:
        assert str(error).startswith(f"{path}: ")
        return
    told = [(entry, name) for entry in entries for name in entry if name not in ("suite", "map", "seed", "robots")]
    told = [(entry, name) for entry, name in told if entry[name] is not None]
    assert len(found.throughput) == len(told)
    for entry, name in told:
        case = (entry["suite"], entry["map"], entry["seed"])
        assert found.of(name, [case], [entry["robots"]]) == [[entry[name]]]
