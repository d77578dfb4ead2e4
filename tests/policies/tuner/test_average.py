"""The mean of several networks is one of their shape, and says what it is made of."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from policies.tuner import checkpoint
from policies.tuner.average import averaged, main, part_of
from policies.tuner.checkpoint import Config, widest
from policies.tuner.network import Tuner
from swarm.errors import InputError

pytestmark = pytest.mark.torch


def tuner_of(seed: int, **options: object) -> Tuner:
    torch.manual_seed(seed)
    return Tuner(width=16, **options).eval()  # type: ignore[arg-type]


def test_every_weight_is_the_mean_and_shares_need_not_sum_to_one() -> None:
    tuners = [tuner_of(k) for k in range(3)]
    made = averaged(tuners, [1.0, 1.0, 2.0]).state_dict()
    for name, found in made.items():
        parts = torch.stack([one.state_dict()[name].double() for one in tuners])
        wanted = (parts * torch.tensor([0.25, 0.25, 0.5]).reshape(-1, *[1] * (parts.dim() - 1))).sum(dim=0)
        torch.testing.assert_close(found.double(), wanted, rtol=1e-5, atol=1e-7)


def test_a_network_and_itself_is_itself() -> None:
    tuner = tuner_of(1, blend=0.5, tunables=("rotation",))
    made = averaged([tuner, tuner], [0.5, 0.5])
    assert made.blend == 0.5 and all(
        torch.equal(a, b) for a, b in zip(made.parameters(), tuner.parameters(), strict=True)
    )
    assert torch.equal(made.free, tuner.free)


@pytest.mark.parametrize(
    "options", [{"rounds": 2}, {"blend": 0.5}, {"tunables": ("rotation",)}, {"senses": ("robots",)}]
)
def test_networks_of_other_kinds_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(InputError, match=r"^checkpoint 1: "):
        averaged([tuner_of(0), tuner_of(0, **options)], [1.0, 1.0])


@pytest.mark.parametrize("text", ["a", "a:", ":1", "a:0", "a:-1", "a:nan", "a:inf", "a:b"])
def test_a_part_is_a_folder_and_a_share(text: str) -> None:
    assert part_of("C:/runs/a:0.4") == (Path("C:/runs/a"), 0.4)
    with pytest.raises(InputError, match="FOLDER:SHARE"):
        part_of(text)


def test_limits_are_the_widest() -> None:
    found = widest(
        [{"unicycle": {"speed": [0.5, 1.0]}}, {"unicycle": {"speed": [0.8, 2.0]}, "car": {"speed": [1.0, 1.0]}}]
    )
    assert found == {"unicycle": {"speed": [0.5, 2.0]}, "car": {"speed": [1.0, 1.0]}}


def test_what_is_written_drives_and_names_its_parts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tuners = [tuner_of(k) for k in range(2)]
    for name, tuner in zip("ab", tuners, strict=True):
        checkpoint.save(tmp_path / name, tuner, Config(3, f"train {name}", {}, width=16), "# card")
    assert main(tmp_path / "out", (f"{tmp_path}/a:0.75", f"{tmp_path}/b:0.25")) == 0
    made, config = checkpoint.load(tmp_path / "out")
    assert config.command.startswith("python -m policies.tuner.average") and (config.seed, config.width) == (3, 16)
    card = (tmp_path / "out/card.md").read_text()
    assert "| 0.75 | `train a` |" in card and "| 0.25 | `train b` |" in card
    wanted = averaged(tuners, [0.75, 0.25])
    assert all(torch.equal(a, b) for a, b in zip(made.parameters(), wanted.parameters(), strict=True))
    assert (tmp_path / "out/policy.onnx").stat().st_size > 1000
    assert main(tmp_path / "none", (f"{tmp_path}/a:1",)) == 2 and "two or more" in capsys.readouterr().err
    assert main(tmp_path / "none", (f"{tmp_path}/a:1", f"{tmp_path}/no:1")) == 2 and not (tmp_path / "none").exists()
