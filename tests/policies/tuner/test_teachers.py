"""Who is taught does what its teacher does, and from then on is held near it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from envs.arena.training.styles import STYLES, draw
from envs.arena.training.worlds import mates, training_worlds
from envs.scenarios.tiled import rooms_of
from policies import distributed
from policies.checkpoint_folder import pack, unpack
from policies.ppo_settings import TunerPPOSettings
from policies.tuner.checkpoint import load
from policies.tuner.cloning import NETWORK, Drive, Lessons, Samples, best_of, discounted, passes_over, table_of
from policies.tuner.network import Tuner
from policies.tuner.ppo import TunerPPO
from policies.tuner.teachers import give_way, make_teacher
from policies.tuner.training import TunerOptions, network_of
from swarm.errors import InputError
from swarm.filter.tunables import ROBOT_GAIN, decode
from swarm.tune.controllers import shipped_checkpoint
from swarm.tune.observation import EDGE, EDGE_HIGHER_ID, EDGE_IS_ROBOT, EDGE_X, EGO, EGO_ACTION, Observation

pytestmark = pytest.mark.torch
torch.set_num_threads(1)
CLASS_K = ("robot_gain", "robot_power", "obstacle_gain", "obstacle_power")


def make(seed: int = 1, updates: int = 4, **settings: Any) -> TunerPPO:
    torch.manual_seed(seed)
    worlds = training_worlds(seed, 8, families=("merge",), team=0.5)
    config = TunerPPOSettings(rollout=8, minibatches=2, per_family=True, near=1.0, **settings)
    tuner = Tuner(tunables=CLASS_K)
    tuner.forget_action()
    return TunerPPO(worlds, tuner, config, seed=seed, updates=updates)


def taught() -> tuple[TunerPPO, Lessons]:
    ppo = make()
    teachers = {name: make_teacher(name) for name in ("fixed:20,1,9.28,1", "give_way")}
    return ppo, Lessons(ppo, teachers, seed=3, lessons=6)


def test_what_is_cloned_solves_what_the_best_teacher_solves() -> None:
    ppo, lessons = taught()
    told: list[str] = []
    table = lessons.teach(told.append)
    assert len(told) == 6 and told[5].startswith("lesson 6 of 6: ")
    assert lessons.losses[-1] < 0.2 * lessons.losses[0]
    drives, families = lessons.compare(99, drives_too=True)
    assert families == ["merge, single_integrator"] * 8
    assert np.isnan(drives["fixed:20,1,9.28,1"].success).all()  # was the best in none of the first lesson's worlds
    assert drives["give_way"].success.mean() == drives[NETWORK].success.mean() == 1.0
    assert "| 8 of merge, single_integrator | – | 100.0 / " in table
    for part in (ppo.tuner.actor, ppo.tuner.critic):
        for layer in (part.message_ego, part.update_in):
            weights = layer.weight.abs().amax(dim=0)
            assert (weights[EGO_ACTION : EGO_ACTION + 6] == 0.0).all() and (weights[:EGO_ACTION] > 0.0).all()


def test_of_more_samples_fewer_passes_are_made() -> None:
    def samples(count: int) -> Samples:
        return Samples(*(torch.zeros(count, 1) for _ in Samples._fields))

    assert [passes_over(samples(count), 60, 4) for count in (1, 15, 20, 31, 60, 600)] == [4, 4, 3, 1, 1, 1]


def test_a_planner_leads_by_rotation_and_speed_alone() -> None:
    worlds = training_worlds(1, 6, 2, styles=("door_swap",))
    lessons = Lessons(TunerPPO(worlds, Tuner(), TunerPPOSettings(), seed=0, updates=1), {}, seed=0, lessons=1)
    everywhere, success = np.ones(6, bool), {}
    for name in ("led:auto", "fixed:20,1,20,1"):
        success[name] = lessons._drive(make_teacher(name, worlds), worlds.begin(5), everywhere).success
    assert success["led:auto"].mean() == 1.0 and success["fixed:20,1,20,1"].mean() < 0.5
    lead = make_teacher("led:passages", worlds)
    some = everywhere.copy()
    some[2:] = False
    action = lead.act(worlds.begin(6), some)
    assert action.shape == (2, 2, 6)
    np.testing.assert_allclose(decode(action)[..., :4], np.broadcast_to([20.0, 1.0, 20.0, 1.0], (2, 2, 4)))
    with pytest.raises(InputError, match="planner that teaches: got 'cells'; valid: auto, roadmap, passages"):
        worlds.led_by("cells")


def test_it_is_held_near_the_clone_and_goes_on_bit_for_bit() -> None:
    def distance(near: float) -> tuple[float, TunerPPO]:
        ppo = make(near_until=1.0, epochs=20, target_kl=None, learning_rate=1e-2)
        object.__setattr__(ppo.config, "near", near)
        ppo.keep_clone()
        ppo.taught = "a table"
        ppo.update()
        sizes = [(a - b).abs().max() for a, b in zip(ppo.tuner.parameters(), ppo.clone.parameters(), strict=True)]
        seen = ppo.tuner.see(*(torch.from_numpy(part).flatten(0, 1) for part in ppo.observation[:3]))
        with torch.no_grad():
            moved = float((ppo.tuner.mean(seen) - ppo.clone.mean(seen)).abs().max())
        assert max(sizes) > 0.0
        return moved, ppo

    (loose, _), (held, ppo) = distance(0.0), distance(1e4)
    assert held < 0.3 * loose
    saved = unpack(pack(ppo.state_dict()), "state")
    again = make(seed=9, near_until=1.0, epochs=20, target_kl=None, learning_rate=1e-2)
    object.__setattr__(again.config, "near", 1e4)
    again.load_state_dict(saved)
    assert again.taught == "a table" and again.nearness == ppo.nearness == 0.75e4
    assert ppo.update() == again.update()
    assert all(torch.equal(a, b) for a, b in zip(ppo.tuner.parameters(), again.tuner.parameters(), strict=True))


def test_a_training_can_begin_with_a_network_that_is_there() -> None:
    folder = shipped_checkpoint("tuner")
    shipped, _ = load(folder)
    again, blinded = (network_of(TunerOptions(start=str(folder), sees_action=sees)) for sees in (True, False))
    rng = np.random.default_rng(1)
    ego, edges = (torch.from_numpy(rng.normal(size=shape).astype(np.float32)) for shape in ((3, EGO), (3, 4, EDGE)))
    seen = ego, edges, torch.ones(3, 4, dtype=torch.bool)
    other = ego.clone()
    other[:, EGO_ACTION : EGO_ACTION + 6] = 0.0
    assert isinstance(again, Tuner) and isinstance(blinded, Tuner)
    with torch.no_grad():
        torch.testing.assert_close(again.mean_dense(*seen), shipped.mean_dense(*seen), rtol=0.0, atol=0.0)
        torch.testing.assert_close(blinded.mean_dense(*seen), shipped.mean_dense(other, *seen[1:]))
    with pytest.raises(InputError, match=r"--start .*: got 'width 64, rounds 1'; valid: width 64, rounds 2"):
        network_of(TunerOptions(start=str(folder), rounds=2))


def test_of_a_network_that_blends_what_it_proposes_is_learnt() -> None:
    shipped, _ = load(shipped_checkpoint("tuner"))
    teacher, rng = make_teacher("alone:tuner"), np.random.default_rng(2)
    ego = rng.uniform(-1.0, 1.0, (1, 2, EGO)).astype(np.float32)
    observation = Observation(ego, np.zeros((1, 2, 4, EDGE), np.float32), np.zeros((1, 2, 4), bool))
    action = teacher.act(observation, np.ones(1, bool))
    with torch.no_grad():
        proposed = shipped.mean_dense(*(torch.from_numpy(part) for part in observation[:3]))
    assert teacher.blend == shipped.blend < 1.0 and abs(action - proposed.numpy()).max() > 0.1
    np.testing.assert_allclose(teacher.proposed(action, ego), proposed, atol=1e-5)


def test_only_two_that_meet_alone_give_way() -> None:
    ego, edges, mask = np.zeros((4, EGO), np.float32), np.zeros((4, 3, EDGE), np.float32), np.zeros((4, 3), bool)
    edges[..., EDGE_IS_ROBOT], edges[..., EDGE_X], edges[..., EDGE_HIGHER_ID] = 1.0, 0.5, -1.0
    mask[:, 0] = True
    edges[1, 0, EDGE_HIGHER_ID], edges[2, 0, EDGE_X], mask[3, 1] = 1.0, -0.5, True
    gains = decode(give_way(Observation(ego, edges, mask)))[:, ROBOT_GAIN]
    np.testing.assert_allclose(gains, [0.5, 20.0, 20.0, 20.0])


def test_the_best_of_each_episode_is_chosen_and_among_equals_the_best_of_the_kind() -> None:
    good = Drive(np.array([1.0, 0.5, 0.0, 1.0]), np.array([9.0, 9.0, 9.0, 9.0]), np.array([8.0, 4.0, 0.0, 8.0]))
    other = Drive(np.array([1.0, 1.0, 0.0, 1.0]), np.array([5.0, 5.0, 9.0, 10.0]), np.array([8.0, 8.0, 0.0, 8.0]))
    assert best_of([good, other], ["a", "a", "b", "b"]).tolist() == [1, 1, 0, 0]


def test_where_work_never_ends_most_deliveries_are_best() -> None:
    none, time = np.zeros(2), np.full(2, 20.0)
    drives = {"slow": Drive(none, time, np.array([9.0, 5.0])), "quick": Drive(none, time, np.array([8.0, 7.0]))}
    families = ["endless", "endless"]
    assert best_of(list(drives.values()), families).tolist() == [0, 1]
    assert "| 2 of endless | 7.0 deliveries | 7.5 deliveries |" in table_of(drives, families)


def test_returns_are_discounted() -> None:
    reward = np.array([[1.0], [0.0], [4.0]], np.float32)
    assert discounted(reward, 0.5).tolist() == [[2.0], [2.0], [4.0]]


def test_advantages_are_normalised_in_each_family() -> None:
    advantage, family = torch.tensor([1.0, 3.0, 100.0, 300.0, 7.0]), torch.tensor([5, 5, 8, 8, 8])
    active = torch.tensor([True, True, True, True, False])
    assert distributed.normalised(advantage, family, active).tolist() == pytest.approx([-1.0, 1.0, -1.0, 1.0, 0.0])


@pytest.mark.parametrize(("style", "rooms"), [("merge", 4), ("corridor", 4), ("crossing", 1)])
def test_rewards_are_shared_within_small_rooms(style: str, rooms: int) -> None:
    assert style in STYLES
    scenario = draw(np.random.default_rng(2), 8, (style,))
    numbers = rooms_of(scenario)
    assert sorted(np.bincount(numbers)) == [8 // rooms] * rooms
    weights = mates(scenario, 8, 0.5)
    wanted = np.where(numbers[:, None] == numbers, 0.25, 0.0) + 0.5 * np.eye(8) if rooms > 1 else np.eye(8)
    np.testing.assert_allclose(weights, wanted)
    renamed = replace(scenario, name="mine_x9")  # a name says nothing
    np.testing.assert_array_equal(rooms_of(renamed), numbers)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"teachers": ("give_away",)}, "--teachers: got 'give_away'; valid: give_way, give_way_soon, led:auto, led:"),
        ({"teachers": ("give_way",), "rounds": 2}, "--rounds: got 2; valid: 0 or 1, with --teachers"),
        ({"team": 1.5}, "--team: got 1.5; valid: 0 to 1"),
        ({"lessons": 0}, "--lessons: got 0; valid: 1 or more"),
    ],
)
def test_bad_options_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        TunerOptions(**options)
    assert message in str(error.value)
