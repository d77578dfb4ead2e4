"""Formats are recognised by content, under any name, and the error for another one says what was recognised."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swarm.errors import InputError
from swarm.files.formats import Format, format_of, recognise

EXAMPLES = {
    Format.SCENARIO: [
        "name: a\nenvironment:\n  min: [0, 0]\nrobots: []\n",
        '{"environment": {}, "robots": []}',
        "robots:\n",
    ],
    Format.FLEET: ["scenario: a.yaml\nendpoints:\n- tcp\ndriver: bullet\n"],
    Format.MOVINGAI_MAP: [
        "type octile\nheight 1\n", "\ufefftype octile\r\nheight 1\r\n", "Type Octile\nHeight 1\n",
        "height 1\nwidth 2\n",
    ],
    Format.MOVINGAI_SCEN: ["version 1\n0\ta.map\n", "version 1.0\r\n", "Version 1\n"],
    Format.NAV2_MAP: ["# saved\nimage: a.pgm\nresolution: 0.05\n", "mode: trinary\nimage: a.png\n"],
    Format.IMAGE: ["P5\n1 1\n255\n", "P2 1 1 255 0", "BM\x46\0\0\0\0\0\0\0\x36"],
    Format.INSTANCES: ['{"suite":"a","map":"b","rows":["."]}\n'],
    Format.POGEMA_MAPS: [
        '"a": |-\n  ..\n  .#\n', "a: |\n  #@\nb: |-\n    $!\n", "a: ['..', '.#']\nb:\n- ..\n- ..\n",
        "a: [[0, 1], [0, 0]]\nb:\n- - 0\n  - 1\nc:\n- [0, 1]\n",
    ],
    Format.POGEMA_SCENARIOS: [
        "algorithms: {}\nenvironment:\n  name: E\nscenarios:\n  a: {}\n",
        "agents_xy: [[0, 0]]\n",
        "num_agents: 8\nsize: 8\ndensity: 0.3\nmap: null\n",
    ],
    Format.LEAGUE_PROBLEM: ['{\n "mapFile": "a", "teamSize": 3}'],
    Format.LEAGUE_RESULT: ['{"actionModel": "MAPF_T", "actualPaths": []}'],
    Format.SOLUTION: ["cost: 6.1\nresult:\n- states: []\n", "states: []\nactions: []\n"],
    Format.LEAGUE_LIST: [],  # by its name alone
}  # fmt: skip
CASES = [(form, text) for form, texts in EXAMPLES.items() for text in texts]


def test_there_is_an_example_of_every_format() -> None:
    assert set(EXAMPLES) == set(Format)


@pytest.mark.parametrize(("form", "text"), CASES)
def test_content_counts_and_not_the_name(tmp_path: Path, form: Format, text: str) -> None:
    for name in ("file", "file.yaml", "file.map", "file.json"):
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
        assert recognise(tmp_path / name, [form]) is form
        others = [other for other in Format if other is not form]
        with pytest.raises(InputError) as caught:
            recognise(tmp_path / name, others)
        assert f"got {form.value!r}" in str(caught.value) or f'got "{form.value}"' in str(caught.value)
        assert " or ".join(other.value for other in others) in str(caught.value)


def test_where_content_says_nothing_the_suffix_does(tmp_path: Path) -> None:
    for suffix, form in ((".yaml", Format.SCENARIO), (".map", Format.MOVINGAI_MAP), (".jsonl", Format.INSTANCES)):
        (tmp_path / f"x{suffix}").write_text("???")
        assert recognise(tmp_path / f"x{suffix}", list(Format)) is form
    (tmp_path / "x.tasks").write_text("1\n2,3\n")
    with pytest.raises(InputError, match="got 'agents or tasks of the League of Robot Runners, which its problem"):
        recognise(tmp_path / "x.tasks", [Format.LEAGUE_PROBLEM])
    (tmp_path / "x.txt").write_text("???")
    with pytest.raises(InputError, match="a file of no known format"):
        recognise(tmp_path / "x.txt", list(Format))
    with pytest.raises(InputError, match="No such file"):
        recognise(tmp_path / "none.map", list(Format))
    with pytest.raises(InputError, match="a folder"):
        recognise(tmp_path, list(Format))


@given(st.binary(max_size=60) | st.text(alphabet='ab:-{}[]"#|>. \n', max_size=60).map(str.encode))
def test_any_content_has_a_format_or_none(head: bytes) -> None:
    assert format_of(head) in (None, *Format)
