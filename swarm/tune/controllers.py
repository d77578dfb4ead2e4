"""Where the tunables come from: fixed, by a rule, or from a trained network run by onnxruntime (no torch)."""

from __future__ import annotations

import os
import re
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import yaml
from numba import njit

from swarm.array_types import Array, Flags, Float32s
from swarm.errors import InputError
from swarm.files.checks import array
from swarm.files.own_code import Running
from swarm.files.references import FORM, check_part, is_reference, make_part
from swarm.filter.tunables import COUNT, NAMES, ROTATION, TUNABLES, encode
from swarm.sense.messages import EMBEDDING
from swarm.tune.heuristics import RandomRotation, Recovery, Talk, WallFollowing, talk_of
from swarm.tune.observation import EDGE, EGO, EGO_EXACT, Observation, rows, senders
from swarm.tune.onnx_file import open_session

SHIPPED = "tuner"
CHECKPOINTS = "swarm.checkpoints"
"""Group of entry points by which packages bring checkpoints along."""
_HEURISTICS = {"random_rotation": RandomRotation, "wall_following": WallFollowing}
_FORMS = (
    "'tuner', a checkpoint folder, or 'fixed:GAIN,POWER' (also fixed:GAIN,POWER,OBSTACLE_GAIN,OBSTACLE_POWER; "
    "also random_rotation: and wall_following: in place of fixed:), or 'alone:' and one of the first two, "
    f"or one of your own: {FORM}"
)
_ALONE = "alone:"
# Robots that go through the network together: many more would not fit into the processor's cache.
_BATCH = 256


class Controller(Protocol):
    """Anything that turns an observation into an action."""

    def __call__(self, observation: Observation) -> Array:
        """The action ``float64[6]`` in [0, 1] for one robot's observation (no leading dimension).

        The controllers here also turn observations ``[...]`` with leading dimensions into actions ``[..., 6]``.
        """
        ...


class OwnController:
    """A controller of a user's own by reference: what it gives is checked, and in batches each robot is asked alone.

    Args:
        reference: Of a ``Controller``: a function, or a class that is made without arguments.

    Raises:
        InputError: If there is none, or it takes something else than an observation.
    """

    def __init__(self, reference: str) -> None:
        self._reference = reference
        self._controller: Controller = make_part("controller", reference, Controller)

    def __call__(self, observation: Observation) -> Array:
        """The actions ``float64[..., 6]`` for observations with any leading dimensions."""
        where, valid = f"controller: {self._reference}", f"{COUNT} numbers in [0, 1] for any observation"
        leading = observation.ego.shape[:-1]
        actions = np.empty((*leading, COUNT))
        for index in np.ndindex(leading):
            ego, edges, mask, sender = observation
            one = Observation(
                ego[index].copy(), edges[index].copy(), mask[index].copy(), None if sender is None else sender[index]
            )
            with Running(where, self._controller, valid):
                actions[index] = array("action", self._controller(one), (COUNT,))
        return actions


class FixedController:
    """The same class-K parameters at every step; straight ahead and at full speed.

    Args:
        gain: Of the class-K function for robots [1/s].
        power: Of the class-K function for robots.
        obstacle_gain: For obstacles; by default that for robots.
        obstacle_power: For obstacles; by default that for robots.
    """

    takes_batches = True

    def __init__(
        self, gain: float, power: float, obstacle_gain: float | None = None, obstacle_power: float | None = None
    ) -> None:
        obstacle_gain = gain if obstacle_gain is None else obstacle_gain
        obstacle_power = power if obstacle_power is None else obstacle_power
        values = [gain, power, obstacle_gain, obstacle_power, 0.0, 1.0]
        for value, tunable in zip(values, TUNABLES, strict=True):
            if not tunable.low <= value <= tunable.high:
                raise InputError(f"fixed {tunable.name}", value, f"{tunable.low:g} to {tunable.high:g} {tunable.unit}")
        self.action = encode(np.array(values))

    def __call__(self, observation: Observation) -> Array:
        """The fixed action, whatever is observed."""
        return np.broadcast_to(self.action, (*observation.ego.shape[:-1], COUNT))


class OnnxController:
    """A trained policy: ``policy.onnx`` and ``config.yaml`` of a checkpoint folder.

    Args:
        folder: The checkpoint folder.

    Raises:
        InputError: If a file is missing or unreadable, or was made for other features or another parameter box.
    """

    takes_batches = True

    def __init__(self, folder: str | Path) -> None:
        folder = Path(folder)
        document = _check_config(folder / "config.yaml")
        # Those from before declared errors were observed take the columns that there were.
        self._columns = int(document["architecture"]["ego"])
        # Whether it sets the rotation; a checkpoint that does not say so sets everything.
        self.turns = NAMES[ROTATION] in document.get("tunables", NAMES)
        self.blend = float(document.get("blend", 1.0))  # share of the way to what it proposes; is in what it gives
        path = folder / "policy.onnx"
        self._session, names = open_session(path, "a checkpoint folder written by launch/train.py")
        if sorted(names) not in (["edges", "ego", "mask"], ["edges", "ego", "heard", "mask"]):
            raise InputError(f"{path}: inputs", names, "ego, edges, mask, and perhaps heard")
        self.talk: Talk | None = self._talk if "heard" in names else None
        self._embedding = np.zeros((0, EMBEDDING), np.float32)  # by the robots of the batch, in the call before

    def __call__(self, observation: Observation) -> Array:
        """The network's mean action; see ``batch`` for observations with leading dimensions."""
        if observation.ego.ndim > 1 or self.talk is None:
            return self.batch(observation)
        return self.talk(observation, np.zeros((len(observation.mask), EMBEDDING), np.float32))[0]  # nobody is heard

    def _talk(self, observation: Observation, heard: Float32s) -> tuple[Array, Float32s]:
        """See ``talk``."""
        action, embedding = self._run(*rows(observation), heard[None])
        return action[0], embedding[0]

    def batch(self, observation: Observation) -> Array:
        """The mean actions ``float64[..., 6]`` of one or many robots.

        With two rounds of messages the controller remembers what was told in the call before: its batches have to
        follow each other as the steps of the same worlds do. In the first step of an episode nobody is heard.
        """
        ego, edges, mask = rows(observation)
        robots, heard = len(ego), self._heard(observation)
        if robots <= _BATCH:
            actions, self._embedding = self._run(ego, edges, mask, *heard)
        else:  # robots with as many neighbours go together
            actions, self._embedding = np.empty((robots, COUNT)), np.empty((robots, EMBEDDING), np.float32)
            order = np.argsort(mask.sum(axis=1), kind="stable")
            for first in range(0, robots, _BATCH):
                some = order[first : first + _BATCH]
                actions[some], self._embedding[some] = self._run(
                    ego[some], edges[some], mask[some], *(part[some] for part in heard)
                )
        return actions.reshape(*observation.ego.shape[:-1], COUNT)

    def _heard(self, observation: Observation) -> list[Float32s]:
        """What was told ``[n, P, TOLD]`` to the robots of a batch; nothing if the network does not take it."""
        if self.talk is None:
            return []
        sender = senders(observation)
        if len(self._embedding) != len(sender):
            self._embedding = np.zeros((len(sender), EMBEDDING), np.float32)
        return [np.vstack([self._embedding, np.zeros((1, EMBEDDING), np.float32)])[sender]]  # row -1 are the zeros

    def _run(self, ego: Float32s, edges: Float32s, mask: Flags, *heard: Float32s) -> tuple[Array, Float32s]:
        """The network once, on robots as in ``rows``: actions, and what is told (else zeros).

        Empty slots are left out as far as they are empty for all, which changes nothing but the time it takes.
        """
        edges, in_use = _packed(edges, mask)
        feed = {"ego": np.ascontiguousarray(ego[:, : self._columns]), "edges": edges, "mask": in_use}
        if heard:
            feed["heard"], _ = _packed(heard[0], mask)
        action, *embedding = self._session.run(None, feed)
        return _clipped(action), np.clip(embedding[0], -1.0, 1.0) if embedding else np.zeros(
            (len(action), EMBEDDING), np.float32
        )


@njit(cache=True)
def _packed(slots: Float32s, mask: Flags) -> tuple[Float32s, Flags]:
    """The slots in use moved to the front, ``[n, P, C]`` to ``[n, most in use, C]``, and which of these are in use."""
    most = 0
    for i in range(len(mask)):
        most = max(most, mask[i].sum())
    packed = np.zeros((len(mask), most, slots.shape[2]), np.float32)
    in_use = np.zeros((len(mask), most), np.bool_)
    for i in range(len(mask)):
        k = 0
        for slot in range(mask.shape[1]):
            if mask[i, slot]:
                for feature in range(slots.shape[2]):  # a whole row at once takes 3 s more to compile
                    packed[i, k, feature] = slots[i, slot, feature]
                in_use[i, k] = True
                k += 1
    return packed, in_use


@njit(cache=True)
def _clipped(action: Float32s) -> Array:
    """As ``float64[n, 6]`` in [0, 1]; the network may miss that by a rounding."""
    return np.minimum(np.maximum(action.astype(np.float64), 0.0), 1.0)


def takes_batches(controller: Controller) -> bool:
    """Whether it gives each of N robots in one call what it would give that robot alone.

    Those here do, and say so; but not if the robots tell each other what it works out.
    """
    return bool(getattr(controller, "takes_batches", False)) and talk_of(controller) is None


def make_controller(text: str | Controller) -> Controller:
    """The controller that a command line names: ``tuner``, a checkpoint folder, or a rule with its parameters.

    ``alone:tuner`` and ``alone:FOLDER`` are the network without the way out (see ``trained``).

    The rules are ``fixed:GAIN,POWER``, ``random_rotation:GAIN,POWER`` and ``wall_following:GAIN,POWER``; two further
    numbers are the gain and the power for obstacles.

    Raises:
        InputError: If it names nothing.
    """
    if not isinstance(text, str):
        check_part("controller", text, Controller)
        return text
    folder = checkpoint_folder(text)
    if folder is not None:
        return OnnxController(folder) if text.startswith(_ALONE) else trained(folder)
    if match := re.fullmatch(r"(\w+):([^,]+),([^,]+)(?:,([^,]+),([^,]+))?", text):
        rule, *numbers = match.groups()
        try:
            fixed = FixedController(*(float(number) for number in numbers if number is not None))
        except ValueError as error:
            if isinstance(error, InputError):
                raise
            raise InputError("controller", text, _FORMS) from None
        if rule == "fixed":
            return fixed
        if rule in _HEURISTICS:
            return _HEURISTICS[rule](fixed.action)
    if is_reference(text):
        return OwnController(text)
    raise InputError("controller", text, _FORMS)


def shared_controller(text: str | Controller) -> str | Controller:
    """The controller of a whole team: one object for all; a user's own stays a reference, since it may remember.

    Raises:
        InputError: If it names nothing.
    """
    controller = make_controller(text)
    return text if isinstance(controller, OwnController) else controller


def checkpoint_folder(text: str) -> Path | None:
    """The checkpoint that a command line's name of a controller stands for; None: it is a rule, or nothing."""
    name = text.removeprefix(_ALONE)
    if name == SHIPPED:
        return shipped_checkpoint(SHIPPED)
    return Path(name) if name != text or (name and os.path.isdir(name)) else None


def trained(folder: str | Path) -> Controller:
    """A checkpoint as it is deployed: a network that may turn the robots gets ``Recovery`` behind it."""
    network = OnnxController(folder)
    return Recovery(network) if network.turns else network


def shipped_checkpoint(name: str) -> Path:
    """Folder of a checkpoint that an installed package brings along.

    Such a package names the folder of its checkpoints, a ``Path``, as an entry point of the group ``CHECKPOINTS``.
    """
    brought = entry_points(group=CHECKPOINTS)
    for entry in brought:
        folder = Path(entry.load()) / name
        if os.path.isdir(folder):
            return folder
    packages = ", ".join(sorted({entry.module for entry in brought})) or "none; is the project installed (pip)?"
    raise InputError("checkpoint", name, f"a folder, or a checkpoint of an installed package (found: {packages})")


def _check_config(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself; refuses one whose features or box differ from this version's."""
    try:
        document: Any = yaml.safe_load(path.read_text(encoding="utf-8"))
        shape = {key: document["architecture"][key] for key in ("ego", "edge", "actions")}
        box = {name: (float(entry["low"]), float(entry["high"])) for name, entry in document["box"].items()}
    except OSError as error:
        raise InputError(str(path), error.strerror, "a checkpoint folder written by launch/train.py") from error
    except (yaml.YAMLError, UnicodeDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise InputError(str(path), str(error), "architecture (ego, edge, actions) and box") from error
    wanted = {"ego": EGO, "edge": EDGE, "actions": COUNT}
    if shape not in (wanted, {**wanted, "ego": EGO_EXACT}):
        raise InputError(f"{path}: architecture", shape, f"{wanted}; train again with this version")
    own = {tunable.name: (tunable.low, tunable.high) for tunable in TUNABLES}
    if list(box) != list(NAMES) or any(not np.allclose(box[name], own[name]) for name in NAMES):
        raise InputError(f"{path}: box", box, f"{own}; train again with this version")
    return dict(document)
