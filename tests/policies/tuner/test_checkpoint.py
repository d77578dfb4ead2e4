"""The checkpoint folder: round trip, ONNX equality, one clear error for each way to be broken."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
import yaml

from policies.checkpoint_folder import pack, read_tensors
from policies.tuner import checkpoint
from policies.tuner.checkpoint import Config
from policies.tuner.network import Tuner
from swarm.errors import InputError
from swarm.filter.tunables import COUNT, NAMES
from swarm.tune.observation import EDGE, EGO

pytestmark = pytest.mark.torch
LIMITS = {"unicycle": {"speed": np.float64(0.5)}}
CONFIG = Config(seed=7, command="python launch/train.py tuner", limits=LIMITS, width=24)


def trained(seed: int) -> Tuner:
    """A small tuner whose actions depend visibly on the observation."""
    torch.manual_seed(seed)
    tuner = Tuner(width=24)
    with torch.no_grad():
        for parameter in tuner.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return tuner


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Tuner]:
    folder = tmp_path_factory.mktemp("checkpoints") / "tuner"
    tuner = trained(1)
    checkpoint.save(folder, tuner, CONFIG, "# Card\n", {"learning_curve.png": b"picture"})
    return folder, tuner


@pytest.fixture
def copy(saved: tuple[Path, Tuner], tmp_path: Path) -> Path:
    """A copy of the checkpoint to break."""
    return shutil.copytree(saved[0], tmp_path / "broken")


def test_round_trip(saved: tuple[Path, Tuner]) -> None:
    folder, tuner = saved
    loaded, config = checkpoint.load(folder)
    assert config == Config(seed=7, command=CONFIG.command, limits={"unicycle": {"speed": 0.5}}, width=24)
    assert loaded.state_dict().keys() == tuner.state_dict().keys()
    for name, value in tuner.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value)
    assert (folder / "card.md").read_text() == "# Card\n"
    assert (folder / "learning_curve.png").read_bytes() == b"picture"
    assert list(yaml.safe_load((folder / "config.yaml").read_text())["box"]) == list(NAMES)
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize("batch", [1, 2, 9])
def test_onnx_equals_torch_for_any_number_of_neighbours(saved: tuple[Path, Tuner], batch: int) -> None:
    folder, tuner = saved
    session = onnxruntime.InferenceSession(str(folder / "policy.onnx"), providers=["CPUExecutionProvider"])
    assert [value.name for value in session.get_inputs()] == ["ego", "edges", "mask"]
    assert [value.name for value in session.get_outputs()] == ["action"]
    rng = np.random.default_rng(batch)
    seen = []
    for slots in range(41):
        for share in (0.0, 0.5, 1.0):
            ego = rng.standard_normal((batch, EGO), dtype=np.float32)
            edges = rng.standard_normal((batch, slots, EDGE), dtype=np.float32)
            mask = rng.random((batch, slots)) < share
            (action,) = session.run(None, {"ego": ego, "edges": edges, "mask": mask})
            with torch.no_grad():
                wanted = tuner.mean_dense(*map(torch.from_numpy, (ego, edges, mask))).numpy()
            assert action.shape == (batch, COUNT)
            np.testing.assert_allclose(action, wanted, atol=1e-5, rtol=0)
            seen.append(action)
    assert np.concatenate(seen).std(axis=0).min() > 0.01, "actions that do not vary would prove nothing"


def test_export_is_silent(
    saved: tuple[Path, Tuner],
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    recwarn: pytest.WarningsRecorder,
) -> None:
    checkpoint.export_onnx(saved[1], tmp_path / "policy.onnx")
    assert capfd.readouterr() == ("", "")
    assert recwarn.list == []


def test_replacing_moves_logs_along(saved: tuple[Path, Tuner], copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checkpoint, "export_onnx", lambda tuner, path: path.write_bytes(b"new"))
    (copy / "tensorboard").mkdir()
    (copy / "tensorboard" / "events").write_text("kept")
    with (copy / "progress.csv").open("w") as log:
        log.write("first\n")
        log.flush()
        other = trained(2)
        checkpoint.save(copy, other, CONFIG, "# Second\n")
        log.write("second\n")
    assert (copy / "progress.csv").read_text() == "first\nsecond\n"
    assert (copy / "tensorboard" / "events").read_text() == "kept"
    assert (copy / "card.md").read_text() == "# Second\n" and (copy / "policy.onnx").read_bytes() == b"new"
    assert torch.equal(checkpoint.load(copy)[0].worth.bias, other.worth.bias)


def test_a_failing_save_leaves_the_old_checkpoint(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path.name: path.read_bytes() for path in copy.iterdir()}

    def fail(tuner: Tuner, path: Path) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(checkpoint, "export_onnx", fail)
    with pytest.raises(OSError, match="disk full"):
        checkpoint.save(copy, trained(3), CONFIG, "# Never\n")
    assert {path.name: path.read_bytes() for path in copy.iterdir()} == before


def test_an_interruption_between_the_swaps_is_survived(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.replace(copy, copy.with_name(f".{copy.name}.old"))
    tuner, _ = checkpoint.load(copy)
    monkeypatch.setattr(checkpoint, "export_onnx", lambda tuner, path: path.write_bytes(b"new"))
    (copy.with_name(f".{copy.name}.old") / "progress.csv").write_text("kept")
    checkpoint.save(copy, tuner, CONFIG, "# Again\n")
    assert (copy / "progress.csv").read_text() == "kept"


@pytest.mark.parametrize("name", ["weights.pt", "config.yaml"])
@pytest.mark.parametrize("contents", [None, b"", b"\x00\xff rubbish", b"[1, 2]"])
def test_missing_and_malformed_files_are_named(copy: Path, name: str, contents: bytes | None) -> None:
    (copy / name).unlink()
    if contents is not None:
        (copy / name).write_bytes(contents)
    with pytest.raises(InputError, match=rf"{name}: got .*; valid: "):
        checkpoint.load(copy)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"nowhere/config.yaml: got .*train"):
        checkpoint.load(tmp_path / "nowhere")


def test_truncated_weights(copy: Path) -> None:
    path = copy / "weights.pt"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(InputError, match=r"weights\.pt"):
        checkpoint.load(copy)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("format", 2),
        ("policy", "follower"),
        ("architecture", {"ego": EGO, "edge": EDGE, "actions": COUNT}),
        ("architecture.ego", EGO + 1),
        ("architecture.width", 0),
        ("architecture.width", 10**9),
        ("architecture.width", True),
        ("architecture.width", 32),
        ("box.robot_gain.high", 99.0),
        ("box.robot_gain.log", False),
        ("box.speed.low", "small"),
        ("box.speed", None),
        ("box", {}),
        ("seed", "seven"),
        ("limits", None),
        ("command", 3),
    ],
)
def test_a_wrong_key_is_named(copy: Path, key: str, value: object) -> None:
    document = yaml.safe_load((copy / "config.yaml").read_text())
    *path, last = key.split(".")
    place = document
    for part in path:
        place = place[part]
    place[last] = value
    (copy / "config.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    with pytest.raises(InputError) as caught:
        checkpoint.load(copy)
    if value == 32:  # a valid width, but of another network
        assert "weights.pt: " in str(caught.value) and "width 32" in str(caught.value)
    elif value is None and "." in key:
        assert "config.yaml" in str(caught.value)
    else:
        assert f"config.yaml: {key}" in str(caught.value)


@pytest.mark.parametrize("key", ["format", "policy", "architecture", "box", "limits", "seed", "command"])
def test_a_missing_key_is_named(copy: Path, key: str) -> None:
    document = yaml.safe_load((copy / "config.yaml").read_text())
    del document[key]
    (copy / "config.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    with pytest.raises(InputError, match=rf"config\.yaml: {key}: got 'nothing'"):
        checkpoint.load(copy)


def test_wrong_weights_are_named(copy: Path) -> None:
    weights = torch.load(copy / "weights.pt", weights_only=True)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"free": torch.zeros(5)}, r"weights\.pt: free: got \(5,\); valid: shape \(6,\)"),
        ({"free": torch.full((COUNT,), float("nan"))}, r"weights\.pt: free: .*finite"),
        ({"free": 3}, r"weights\.pt: free: got 3"),
        ({"other": torch.zeros(1)}, r"weights\.pt: other: got 'an unknown tensor'"),
    ]
    for change, message in changes:
        torch.save({**weights, **change}, copy / "weights.pt")
        with pytest.raises(InputError, match=message):
            checkpoint.load(copy)
    del weights["worth.bias"]
    torch.save(weights, copy / "weights.pt")
    with pytest.raises(InputError, match=r"weights\.pt: worth\.bias: got 'nothing'"):
        checkpoint.load(copy)


class Dangerous:
    """Would write a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, str]]:
        return (open, (str(self.path), "w"))


def test_code_in_weights_never_runs(copy: Path, tmp_path: Path) -> None:
    torch.save({"free": Dangerous(tmp_path / "owned")}, copy / "weights.pt")
    with pytest.raises(InputError, match=r"weights\.pt"):
        checkpoint.load(copy)
    assert not (tmp_path / "owned").exists()


def test_state_of_a_training_round_trips(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    state = {
        "array": np.arange(6, dtype=np.uint64).reshape(2, 3),
        "scalar": np.array(2.5),
        "empty": np.zeros((0, 4), dtype=np.float32),
        "random": generator.bit_generator.state,
        "nested": {"list": [1, None, True, "text"], "number": np.float64(0.1)},
    }
    (tmp_path / "resume.pt").write_bytes(pack(state))
    back = read_tensors(tmp_path / "resume.pt")
    np.testing.assert_array_equal(back["array"].numpy(), state["array"])
    assert back["scalar"].numpy().shape == () and back["scalar"].item() == 2.5
    assert tuple(back["empty"].shape) == (0, 4)
    assert back["nested"] == {"list": [1, None, True, "text"], "number": 0.1}
    other = np.random.default_rng(0)
    other.bit_generator.state = back["random"]
    assert other.random() == generator.random()
