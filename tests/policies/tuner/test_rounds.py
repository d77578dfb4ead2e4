"""Rounds of messages between robots: what is heard, what is learnt from it, and that a robot alone does the same."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from oracles.toy_worlds import Ring
from test_tuner import draw

from envs.arena.core import ArenaCore
from envs.rollout.team import Fleet
from envs.scenarios import clutter
from policies.checkpoint_folder import pack, unpack
from policies.ppo_settings import TunerPPOSettings
from policies.tuner import checkpoint
from policies.tuner.checkpoint import Config
from policies.tuner.evaluate import by_tuner
from policies.tuner.neighbourhood import to_graph
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO
from policies.tuner.rounds import Steps, pick
from swarm.errors import InputError
from swarm.scenario.scenario import Scenario
from swarm.sense.messages import EMBEDDING
from swarm.tune.controllers import OnnxController, make_controller
from swarm.tune.observation import EDGE_TOLD, Observation

pytestmark = [pytest.mark.torch, pytest.mark.usefixtures("one_thread")]
torch.set_num_threads(1)


def lively(rounds: int, seed: int = 1) -> Tuner:
    """A small tuner whose actions depend visibly on all that it is given."""
    torch.manual_seed(seed)
    tuner = Tuner(width=16, rounds=rounds)
    with torch.no_grad():
        tuner.action.weight.mul_(100.0)
    return tuner


def crowd(seed: int, horizon: float = 10.0) -> Scenario:
    """Eight robots close together, two of which do not cooperate."""
    scenario = clutter.draw(np.random.default_rng(seed), robots=8, obstacles=3, side=1.3, horizon=horizon)
    robots = [dataclasses.replace(robot, cooperative=i > 1) for i, robot in enumerate(scenario.robots)]
    return dataclasses.replace(scenario, robots=tuple(robots))


@pytest.mark.parametrize("rounds", [0, 1, 2])
def test_what_is_told_counts_from_the_first_round_on(rounds: int) -> None:
    tuner = lively(rounds)
    ego, edges, mask = draw(2, 30, 8, 1.0)
    heard = torch.rand(30, 8, EMBEDDING) if rounds > 1 else None
    changed = edges.clone()
    changed[..., list(EDGE_TOLD)] += torch.rand(30, 8, len(EDGE_TOLD))
    before, after = (tuner.actor.dense(ego, what, mask, heard) for what in (edges, changed))
    assert torch.equal(before, after) == (rounds == 0)
    assert torch.equal(tuner.value_dense(ego, edges, mask), tuner.value_dense(ego, changed, mask)) == (rounds == 0)
    used = None if heard is None else heard[mask]
    sparse = tuner.actor(to_graph(ego, edges, mask), used)
    torch.testing.assert_close(sparse, before, atol=1e-5, rtol=0)
    if heard is not None:
        assert (tuner.actor.dense(ego, edges, mask, -heard) - before).abs().max() > 1e-2
        assert tuner.to_embedding(before).abs().max() <= 1.0


def test_unknown_rounds() -> None:
    with pytest.raises(InputError, match="rounds"):
        Tuner(rounds=3)


def trained_once(**changes: Any) -> tuple[TunerPPO, Any]:
    """A trainer with two rounds in small crowded worlds, some of which end, and one rollout of it."""
    worlds = ArenaCore(lambda rng: crowd(int(rng.integers(9)), 0.2 + 0.3 * rng.random()), worlds=3, seed=4)
    settings = dataclasses.replace(TunerPPOSettings(rollout=12, minibatches=2, epochs=1), **changes)
    ppo = TunerPPO(worlds, lively(2), settings, seed=0, updates=10)
    with torch.no_grad():
        ppo.collect()  # the second rollout begins in the middle of episodes
        return ppo, ppo.collect()


def test_first_steps_hear_nobody_and_others_what_was_told() -> None:
    ppo, rollout = trained_once()
    robots = len(ppo.embedding)
    started = rollout.truncated.roll(1, 0)
    started[0] = False
    assert started.any() and (rollout.sender[started] == -1).all()
    assert (rollout.sender[~started] >= 0).any(dim=-1).float().mean() > 0.5
    rude = torch.tensor([0, 1, 8, 9, 16, 17])
    assert not torch.isin(rollout.sender, rude).any(), "who does not cooperate tells nothing"
    worlds = torch.arange(robots) // 8
    named = rollout.sender >= 0
    assert (worlds[rollout.sender.clamp(min=0)] == worlds[:, None])[named].all()
    # Each slot's sender is the robot that stands there: their relative positions have the same length.
    flat = type(rollout)(*(array.flatten(0, 1) for array in rollout))
    steps = Steps(flat.ego, flat.edges, flat.mask, flat.sender, flat.embedding, robots=robots)
    everyone = torch.arange(len(flat.reward))
    embedding, source = steps.heard(everyone)
    assert (embedding[source >= 0].abs().sum(dim=1) > 0).all()
    again = steps.heard_now(ppo.tuner, everyone)
    torch.testing.assert_close(again, embedding, atol=1e-6, rtol=0)
    assert (source >= 0).float().mean() > 0.2 and again.requires_grad


def test_gradients_reach_what_the_senders_saw() -> None:
    """Against the definition, robot by robot with the dense form."""
    ppo, rollout = trained_once()
    tuner, robots = ppo.tuner, len(ppo.embedding)
    flat = type(rollout)(*(array.flatten(0, 1) for array in rollout))
    chosen = torch.arange(len(flat.reward))[::5]
    steps = Steps(flat.ego, flat.edges, flat.mask, flat.sender, flat.embedding, robots=robots)
    weights = [tuner.telling.weight, tuner.actor.message_edge.weight, tuner.actor.message_heard.weight]
    graph = to_graph(flat.ego, flat.edges, flat.mask, chosen)
    loss = tuner.mean(graph, steps.heard_now(tuner, chosen)).square().sum()
    found = torch.autograd.grad(loss, weights)
    total = torch.zeros(())
    for sample in chosen.tolist():
        t, i = divmod(sample, robots)
        heard = []
        for sender in rollout.sender[t, i].tolist():
            if sender < 0 or t == 0:
                heard.append(pick(rollout.embedding[t], torch.tensor(sender)))
            else:
                stored = pick(rollout.embedding[t - 1], rollout.sender[t - 1, sender])
                ego, edges, mask = (part[t - 1, sender] for part in rollout[:3])
                heard.append(tuner.to_embedding(tuner.actor.dense(ego, edges, mask, stored)))
        ego, edges, mask = (part[t, i] for part in rollout[:3])
        features = tuner.actor.dense(ego, edges, mask, torch.stack(heard))
        total = total + tuner.to_action(features).square().sum()
    for own, wanted in zip(found, torch.autograd.grad(total, weights), strict=True):
        assert wanted.abs().max() > 1e-3
        torch.testing.assert_close(own, wanted, atol=1e-4, rtol=1e-3)


def ring(rounds: int, seed: int = 0) -> TunerPPO:
    torch.manual_seed(seed)
    settings = TunerPPOSettings(rollout=16, minibatches=4, gamma=0.5, learning_rate=1e-2, target_kl=None)
    return TunerPPO(Ring(seed), Tuner(width=16, rounds=rounds), settings, seed=seed, updates=40)


def test_what_is_told_is_learnt() -> None:
    last = {}
    for rounds in (1, 2):
        ppo = ring(rounds)
        last[rounds] = np.mean([ppo.update()["reward"] for _ in range(40)][-4:])
    # A number that is not known costs 1/12; a tenth of the steps are first ones, in which nobody is heard.
    assert last[1] < -0.07
    assert last[2] > -0.04


def test_a_resumed_training_is_bit_identical() -> None:
    whole, half, resumed = ring(2), ring(2), ring(2, seed=9)
    figures = [whole.update() for _ in range(2)]
    half.update()
    resumed.load_state_dict(unpack(pack(half.state_dict()), "half"))
    assert resumed.update() == figures[1]


@pytest.mark.parametrize("rounds", [0, 2])
def test_a_checkpoint_knows_its_rounds(tmp_path: Path, rounds: int) -> None:
    tuner = lively(rounds)
    config = Config(seed=1, command="", limits={}, width=16, rounds=rounds)
    checkpoint.save(tmp_path / "run", tuner, config, "")
    loaded, read = checkpoint.load(tmp_path / "run")
    assert (loaded.rounds, read.rounds) == (rounds, rounds)
    assert loaded.state_dict().keys() == tuner.state_dict().keys()
    observation = ArenaCore(lambda rng: crowd(1)).observe()
    one = Observation._make(np.asarray(part)[0, 5] for part in observation)
    controller = OnnxController(tmp_path / "run")
    assert controller(one) == pytest.approx(by_tuner(tuner)(observation)[0, 5], abs=1e-5)
    assert (controller.talk is not None) == (rounds == 2)
    document = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    (tmp_path / "run" / "config.yaml").write_text(yaml.safe_dump({**document, "rounds": 5}))
    with pytest.raises(InputError, match=r"config\.yaml: rounds: got 5"):
        checkpoint.load(tmp_path / "run")


def test_robots_that_talk_do_what_the_batch_does(tmp_path: Path) -> None:
    tuner, scenario = lively(2), crowd(3)
    checkpoint.save(tmp_path / "run", tuner, Config(1, "", {}, 16, 2), "")
    core, policy = ArenaCore(lambda rng: scenario, redraw=False), by_tuner(tuner)
    team, own = (make_controller(f"alone:{tmp_path / 'run'}") for _ in range(2))
    fleet = Fleet(scenario, planner="straight", controller=own)
    silent = apart = 0.0
    for step in range(40):
        observation = core.observe()
        action = policy(observation)[0]
        np.testing.assert_allclose(team(observation)[0], action, atol=1e-5)
        nobody = observation._replace(sender=np.full_like(observation.sender, -1))
        silent = max(silent, np.abs(by_tuner(tuner)(nobody)[0] - action)[2:].max())
        commands = fleet.step(step * scenario.dt, core.state[0].copy(), core.goal[0].copy())
        apart = max(apart, max(np.abs(commands[i].action - action[i]).max() for i in range(2, 8)))
        assert (
            all(len(commands[i].message.embedding) == EMBEDDING for i in range(2, 8))
            and commands[0].message.embedding == ()
        )
        core.advance(action[None])
        core.arrive()
    assert apart < 1e-5
    led_out = make_controller(str(tmp_path / "run"))
    heard = np.random.default_rng(0).uniform(-1, 1, (32, EMBEDDING)).astype(np.float32)
    one = Observation._make(np.asarray(part)[0, 5] for part in core.observe())
    (wanted, embedding), (found, told_too) = own.talk(one, heard), led_out.talk(one, heard)  # type: ignore[attr-defined]
    assert (embedding == told_too).all() and (found[:4] == wanted[:4]).all()
    assert silent > 0.05, "what is told matters"
