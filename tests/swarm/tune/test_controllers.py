"""Controllers by name: a fixed setting, and the messages for what names nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from swarm.errors import InputError
from swarm.filter.tunables import COUNT, TUNABLES, decode
from swarm.tune.controllers import FixedController, OnnxController, make_controller
from swarm.tune.observation import EDGE, EGO, Observation

EMPTY = Observation(np.zeros(EGO, np.float32), np.zeros((4, EDGE), np.float32), np.zeros(4, np.bool_))


@pytest.mark.parametrize(
    ("text", "values"),
    [("fixed:2,1.5", [2, 1.5, 2, 1.5, 0, 1]), ("fixed:20,1,0.5,2", [20, 1, 0.5, 2, 0, 1]),
     ("fixed:2e-1,3", [0.2, 3, 0.2, 3, 0, 1]), ("random_rotation:2,1.5", [2, 1.5, 2, 1.5, 0, 1]),
     ("wall_following:20,1,0.5,2", [20, 1, 0.5, 2, 0, 1])],
)  # fmt: skip
def test_a_fixed_controller_does_what_it_says(text: str, values: list[float]) -> None:
    controller = make_controller(text)
    assert decode(controller(EMPTY)) == pytest.approx(values, abs=0.002)
    many = controller(Observation._make([*(np.broadcast_to(part, (3, 5, *part.shape)) for part in EMPTY[:3]), None]))
    np.testing.assert_array_equal(many, np.broadcast_to(controller(EMPTY), (3, 5, COUNT)))


def test_a_controller_of_ones_own_is_taken_as_it_is() -> None:
    own = FixedController(1.0, 1.0)
    assert make_controller(own) is own


@pytest.mark.parametrize(
    "text",
    [
        "",
        "tunr",
        "fixed:",
        "fixed:2",
        "fixed:2,x",
        "fixed:2,1,3",
        "fixed:2,1,3,1,9",
        "magic:2,1",
        "wall_following:2",
        "/no/such/folder",
    ],
)
def test_names_of_nothing(text: str) -> None:
    with pytest.raises(InputError, match=r"controller.*fixed:GAIN,POWER"):
        make_controller(text)


@pytest.mark.parametrize(
    ("values", "name"),
    [((0.0, 1.0), "robot_gain"), ((2.0, 0.5), "robot_power"), ((2.0, 1.0, 0.0), "obstacle_gain"),
     ((2.0, 1.0, 1.0, 0.0), "obstacle_power"), ((float("nan"), 1.0), "robot_gain"), ((21.0, 1.0), "robot_gain")],
)  # fmt: skip
def test_values_outside_the_box(values: tuple[float, ...], name: str) -> None:
    with pytest.raises(InputError, match=name):
        FixedController(*values)


def config(**changes: object) -> dict[str, object]:
    document: dict[str, object] = {
        "architecture": {"ego": EGO, "edge": EDGE, "actions": COUNT},
        "box": {t.name: {"low": t.low, "high": t.high} for t in TUNABLES},
    }
    return document | changes


def test_checkpoints_that_cannot_be_used(tmp_path: Path) -> None:
    box = config()["box"]
    bad = {
        "no such": None,
        "architecture": config(architecture={"ego": EGO + 1, "edge": EDGE, "actions": COUNT}),
        "box": config(box={**box, "speed": {"low": 0.0, "high": 1.0}}),  # type: ignore[dict-item]
        "config.yaml": [1, 2],
        "policy.onnx": config(),
    }
    for k, (word, document) in enumerate(bad.items()):
        folder = tmp_path / str(k)
        folder.mkdir()
        if document is not None:
            (folder / "config.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
        with pytest.raises(InputError, match=word if word != "no such" else r"config\.yaml"):
            make_controller(str(folder))
    (folder / "policy.onnx").write_bytes(b"not a network")
    with pytest.raises(InputError, match=r"policy\.onnx.*readable ONNX"):
        OnnxController(folder)
    (folder / "config.yaml").write_text("a: [1")
    with pytest.raises(InputError, match=r"config\.yaml"):
        OnnxController(folder)
