"""Two processes take the step that one process takes on the samples of both."""

from __future__ import annotations

import dataclasses
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.multiprocessing
from oracles.toy_worlds import Signpost, Toy
from torch import Tensor
from torch.multiprocessing.spawn import spawn

from policies import distributed
from policies.checkpoint_folder import pack, read_tensors, unpack
from policies.follower.network import Follower
from policies.follower.ppo import FollowerPPO, RankingPPO
from policies.ppo import PPO
from policies.ppo_settings import TunerPPOSettings
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO

pytestmark = pytest.mark.torch
PROCESSES = 2
ROBOTS = 4
# One minibatch: then what is in it does not depend on who shuffles.
SETTINGS = TunerPPOSettings(rollout=8, epochs=3, minibatches=1, learning_rate=1e-2, target_kl=None)
RANKING = RankingPPO(rollout=8, epochs=3, minibatches=1, learning_rate=1e-2)
BATCHES = {"halves": (6, 6), "uneven": (2, 10)}
Data = tuple[Any, Tensor, Tensor]
"""A rollout, values and advantages."""


def in_processes(work: Callable[..., Any], folder: Path) -> list[dict[str, Any]]:
    """What ``work(rank, folder)`` returned in each of two processes."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_process, (work, folder, port), nprocs=PROCESSES)
    return [read_tensors(folder / f"{rank}.pt") for rank in range(PROCESSES)]


def _process(rank: int, work: Callable[..., Any], folder: Path, port: int) -> None:
    """Be one of the processes, as torchrun would have started it."""
    os.environ.update(RANK=str(rank), WORLD_SIZE=str(PROCESSES), MASTER_ADDR="127.0.0.1", MASTER_PORT=str(port))
    torch.set_num_threads(1)
    distributed.join()
    (folder / f"{rank}.pt").write_bytes(pack(work(rank, folder)))
    distributed.leave()


def trainer(worlds: int, rank: int = 0, **changes: Any) -> TunerPPO:
    torch.manual_seed(rank)  # another network in each process, until they meet
    tuner = Tuner(width=16)
    return TunerPPO(Toy(rank, worlds, ROBOTS), tuner, dataclasses.replace(SETTINGS, **changes), seed=rank, updates=10)


def ranker(worlds: int, rank: int = 0) -> FollowerPPO:
    torch.manual_seed(rank)
    return FollowerPPO(Signpost(ROBOTS * worlds, rank), Follower(4, 16), RANKING, seed=rank, updates=10)


def batch(worlds: int) -> Data:
    """A rollout of so many worlds with values and advantages; who is active is drawn, too."""
    ppo = trainer(worlds)
    with torch.no_grad():
        rollout = ppo.collect()
        value, _ = ppo.estimate(rollout)
    draw = torch.Generator().manual_seed(3)
    active = torch.rand(rollout.active.shape, generator=draw) < torch.linspace(0.3, 1.0, worlds * ROBOTS)
    return rollout._replace(active=active), value, 2.0 * torch.randn(value.shape, generator=draw) + 1.0


def ranked(worlds: int) -> Data:
    """The same of a follower; whose world ended is drawn."""
    ppo = ranker(worlds)
    with torch.no_grad():
        rollout = ppo.collect()
    draw = torch.Generator().manual_seed(3)
    cut = torch.rand(rollout.cut.shape, generator=draw) < torch.linspace(0.1, 0.7, worlds * ROBOTS)
    return rollout._replace(cut=cut), rollout.value, 2.0 * torch.randn(cut.shape, generator=draw) + 1.0


MAKERS: dict[str, tuple[Callable[..., PPO[Any]], Callable[[int], Data]]] = {
    "tuner": (trainer, batch),
    "follower": (ranker, ranked),
}


def optimised(ppo: PPO[Any], data: Data) -> dict[str, Any]:
    """The first gradient, and the weights and figures after all passes."""
    gradient: list[list[torch.Tensor]] = []
    step = ppo.optimiser.step

    def noted(*arguments: Any) -> Any:
        gradient.append([p.grad.clone() for p in ppo.network.parameters() if p.grad is not None])
        return step(*arguments)

    ppo.optimiser.step = noted  # type: ignore[method-assign, assignment]
    figures = ppo.optimise(*data)
    weights = dict(ppo.network.named_parameters())
    return {
        "gradient": gradient[0], "steps": len(gradient), "figures": figures,
        "weights": {name: value.detach() for name, value in weights.items()},
    }  # fmt: skip


def part(data: Data, first: int, last: int) -> Data:
    """The same for the worlds from ``first`` to ``last``."""
    chosen = slice(first * ROBOTS, last * ROBOTS)
    rollout, value, advantage = data
    return rollout._make(array[:, chosen] for array in rollout), value[:, chosen], advantage[:, chosen]


def share(rank: int, folder: Path) -> dict[str, Any]:
    """What each of the two processes does."""
    found: dict[str, Any] = {}
    for kind, (make, draw) in MAKERS.items():
        data = draw(12)
        for name, sizes in BATCHES.items():
            mine = part(data, sum(sizes[:rank]), sum(sizes[: rank + 1]))
            found[f"{kind} {name}"] = optimised(make(sizes[rank], rank), mine)
        found[kind] = continued(make, rank)
    data = batch(12)
    found["stopped"] = optimised(trainer(6, rank, epochs=50, target_kl=0.02), part(data, 6 * rank, 6 * rank + 6))
    found["gathered"] = [len(state) for state in distributed.gather(b"x" * (5 + 3 * rank))]
    return found


def continued(make: Callable[..., PPO[Any]], rank: int) -> dict[str, Any]:
    """A second update, the same of a training that was resumed, and the state of the worlds."""
    whole, half = make(3, rank), make(3, rank)
    whole.update(), half.update()
    found = {"second": whole.update()}
    resumed = make(3, rank + 7)
    resumed.load_state_dict(unpack(pack(half.state_dict()), "half"))
    return {**found, "resumed": resumed.update(), "worlds": pack(whole.worlds.state_dict()).hex()}


@pytest.fixture(scope="module")
def shares(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return in_processes(share, tmp_path_factory.mktemp("processes"))


@pytest.mark.parametrize("kind", MAKERS)
@pytest.mark.parametrize("name", BATCHES)
def test_two_processes_take_the_step_of_one(shares: list[dict[str, Any]], kind: str, name: str) -> None:
    make, draw = MAKERS[kind]
    data = draw(12)
    alone = optimised(make(12), data)
    assert alone["steps"] == SETTINGS.epochs
    for found in (one[f"{kind} {name}"] for one in shares):
        assert found["steps"] == SETTINGS.epochs
        for own, wanted in zip(found["gradient"], alone["gradient"], strict=True):
            torch.testing.assert_close(own, wanted, atol=1e-6, rtol=0)
        for key, wanted in alone["weights"].items():  # Adam's steps make more of rounding, on some processors
            torch.testing.assert_close(found["weights"][key], wanted, atol=5e-6, rtol=0)
        for key, figure in alone["figures"].items():
            assert found["figures"][key] == pytest.approx(figure, abs=1e-5), key
    apart = optimised(make(6), part(data, 0, 6))
    largest = max((a - b).abs().max() for a, b in zip(apart["gradient"], alone["gradient"], strict=True))
    assert largest > 1e-3, "the halves differ, so that a mistake would show"


def test_they_stop_together(shares: list[dict[str, Any]]) -> None:
    wanted = optimised(trainer(12, epochs=50, target_kl=0.02), batch(12))["steps"]
    assert [one["stopped"]["steps"] for one in shares] == [wanted, wanted]
    assert 1 < wanted < 50


@pytest.mark.parametrize("kind", MAKERS)
def test_worlds_differ_and_the_figures_are_of_all(shares: list[dict[str, Any]], kind: str) -> None:
    first, second = (one[kind] for one in shares)
    assert first["second"] == second["second"]
    assert first["worlds"] != second["worlds"]
    assert all(one["resumed"] == one["second"] for one in (first, second))


def test_what_each_gives_is_gathered(shares: list[dict[str, Any]]) -> None:
    assert all(one["gathered"] == [5, 8] for one in shares)


def test_alone_nothing_is_exchanged() -> None:
    distributed.join()
    values = torch.tensor([1.0, 2.0, 6.0])
    assert (distributed.rank(), distributed.size(), distributed.own_seed(5)) == (0, 1, 5)
    assert distributed.total(1.5, 2.0) == [1.5, 2.0] and distributed.agree(True, False) == [True, False]
    assert distributed.gather(b"one") == [b"one"]
    mean, spread, count = distributed.moments(values)
    assert float(distributed.variance(values)) == pytest.approx(np.var([1, 2, 6], ddof=1))
    assert (float(mean), count) == (3.0, 3) and float(spread) == pytest.approx(np.std([1, 2, 6]))


def added(rank: int, folder: Path) -> dict[str, Any]:
    """Gradients of three parameters: one of both processes, one of the first alone, one of nobody."""
    parameters = [torch.nn.Parameter(torch.full((2,), value)) for value in (1.0, 2.0, 3.0)]
    used = parameters[:2] if rank == 0 else parameters[:1]
    sum((rank + 1.0) * part.square().sum() for part in used).backward()  # type: ignore[union-attr]
    distributed.add_gradients(parameters)
    return {"gradients": [None if part.grad is None else part.grad.tolist() for part in parameters]}


def test_what_one_process_alone_has_used_gets_its_gradient_in_all(tmp_path: Path) -> None:
    for found in in_processes(added, tmp_path):
        assert found["gradients"] == [[6.0, 6.0], [4.0, 4.0], None]
