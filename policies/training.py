"""One training, whatever is trained: its updates are logged, it is saved, and it goes on where it was interrupted.

What is trained, in which worlds, and what its files say, stands in ``policies.tuner.training`` and
``policies.follower.training``; the update itself in ``policies.ppo``.
"""

from __future__ import annotations

import dataclasses
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

import numpy as np

from policies import distributed
from policies.checkpoint_folder import RESUME, keep_beside, pack, read_tensors, unpack
from policies.devices import Device, shown
from policies.ppo import PPO
from policies.ppo_settings import PPOSettings, from_file, to_file
from policies.training_log import LOG, Row, known, log_row, read_log, write_log
from swarm.errors import InputError
from swarm.files.text_files import make_folder


class Options(Protocol):
    """What every training is asked for: a dataclass whose fields have defaults."""

    __dataclass_fields__: ClassVar[dict[str, dataclasses.Field[Any]]]

    @property
    def out(self) -> Path:
        """Checkpoint folder to write."""
        ...

    @property
    def steps(self) -> int | None:
        """Robot-steps in total, if given."""
        ...

    @property
    def resume(self) -> Path | None:
        """Checkpoint folder whose training to continue."""
        ...

    @property
    def device(self) -> Device | None:
        """Where the network is, if given."""
        ...

    @property
    def save_every(self) -> float:
        """Minutes between checkpoints."""
        ...

    @property
    def tensorboard(self) -> bool:
        """Whether to log for tensorboard too."""
        ...

    @property
    def evaluate(self) -> bool:
        """Whether to evaluate in the end."""
        ...

    @property
    def ppo(self) -> PPOSettings:
        """Settings of the optimisation."""
        ...


OptionsT = TypeVar("OptionsT", bound=Options)
"""The options of one kind of training."""


class Progress(NamedTuple):
    """A training so far."""

    parameters: int
    """Of the network."""
    done: int
    """Robot-steps."""
    planned: int
    """Robot-steps of the whole training."""
    figures: str
    """Means over the last updates, as lines of a table (Markdown)."""


class Training(ABC, Generic[OptionsT]):
    """One run: the trainer and everything that is written about it.

    Args:
        options: Of ``restored`` if the training goes on.
        ppo: The trainer, as it is before the first update.
        command: Command line.
        hardware: Processor, for the card.
        saved: What ``checkpoint_folder.read_tensors`` found in ``resume.pt``.
    """

    name: ClassVar[str]
    """Of what is trained, on the command line."""
    columns: ClassVar[Sequence[str]]
    """Of the log."""
    shown: ClassVar[Sequence[str]]
    """Figures that the progress bar shows."""

    def __init__(
        self, options: OptionsT, ppo: PPO[Any], command: str, hardware: str, saved: Mapping[str, Any] | None
    ) -> None:
        self.options, self.folder = options, options.out
        self.ppo, self.updates = ppo, ppo.updates
        self.command, self.hardware = command, hardware + shown(ppo.device)
        self.minutes = 0.0
        self.rows: list[Row] = []
        if saved is not None:
            self.command, self.minutes = saved["command"], saved["minutes"]
            ppo.load_state_dict(own_state(saved, str(self.folder / RESUME)))
            self.rows = read_log(self.folder / LOG, ppo.done)
        self.kept: Path | None = None
        """Where the checkpoint is now that another training had written to this folder."""
        if distributed.rank() == 0:
            make_folder(self.folder)
            self.kept = keep_beside(self.folder) if saved is None else None
            write_log(self.folder / LOG, self.columns, self.rows)

    @abstractmethod
    def write(self, resume: bytes) -> None:
        """Write the checkpoint folder; ``resume`` is what ``resume.pt`` holds."""

    @abstractmethod
    def card(self, evaluation: str) -> str:
        """Text of the model card."""

    def update(self) -> Row:
        """One update of the policy, logged."""
        started = time.perf_counter()
        figures = self.ppo.update()
        seconds = time.perf_counter() - started
        self.minutes += seconds / 60.0
        row = log_row(self.ppo.done, self.ppo.steps_per_update, self.minutes, seconds, figures)
        self.rows.append(row)
        if distributed.rank() == 0:
            write_log(self.folder / LOG, self.columns, [row], append=True)
        return row

    def save(self) -> None:
        """Write the checkpoint, with all that is needed to resume; every process has to call it."""
        states = distributed.gather(pack(self.ppo.state_dict())) if distributed.size() > 1 else []
        if distributed.rank() == 0:
            options = dataclasses.asdict(dataclasses.replace(self.options, resume=None))
            state = {
                "options": {**options, "ppo": to_file(options["ppo"]), "out": str(self.folder)},
                "command": self.command,
                "minutes": self.minutes,
                "ppo": self.ppo.state_dict(),
                "others": [np.frombuffer(other, np.uint8) for other in states[1:]],
            }
            self.write(pack(state))
        distributed.agree()  # nobody goes on before the files are there

    def progress(self, names: Sequence[str], updates: int) -> Progress:
        """What the card says of the training so far: means of ``names`` over the last so many updates."""
        done, planned = (count * self.ppo.steps_per_update for count in (self.ppo.done, self.updates))
        parameters = sum(parameter.numel() for parameter in self.ppo.network.parameters())
        recent = {name: known(self.rows[-updates:], name)[1] for name in names}
        figures = "\n".join(f"| {name} | {sum(y) / len(y):.3g} |" for name, y in recent.items() if y)
        return Progress(parameters, done, planned, figures)


def restored(given: OptionsT, fixed: Sequence[str]) -> tuple[OptionsT, Mapping[str, Any] | None]:
    """The options of a training, with those of the one that it continues; and what that one has saved.

    Args:
        given: The options on the command line.
        fixed: Those that a training keeps when it goes on; its length, its logging and its device may change.

    Raises:
        InputError: If an option is given that would make it another training.
    """
    if given.resume is None:
        return given, None
    where, kind = given.resume / RESUME, type(given)
    saved = read_tensors(where)
    try:
        settings = type(given.ppo)(**_with_tuples(from_file(saved["options"]["ppo"])))
        stored = kind(**{**_with_tuples(saved["options"]), "out": given.resume, "ppo": settings})
        str(saved["command"]), float(saved["minutes"]), saved["ppo"]
    except (KeyError, TypeError) as error:
        raise InputError(str(where), str(error), "the state of a training of this version") from error
    fresh = kind()
    for name in fixed:
        value = getattr(given, name)
        if value not in (getattr(fresh, name), getattr(stored, name)):
            raise InputError(f"--{name} with --resume", value, f"{getattr(stored, name)}, or leave it out")
    going_on = dataclasses.replace(
        stored, resume=given.resume, steps=given.steps or stored.steps, save_every=given.save_every,
        tensorboard=given.tensorboard, evaluate=given.evaluate,
        device=given.device or stored.device,
    )  # fmt: skip
    return going_on, saved


def _with_tuples(options: Mapping[str, Any]) -> dict[str, Any]:
    """Options as they were before they were saved: files have lists alone."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in options.items()}


def own_state(saved: Mapping[str, Any], where: str) -> Mapping[str, Any]:
    """The part of a saved training that is this process's.

    Raises:
        InputError: If it was saved by another number of processes.
    """
    others = saved.get("others", [])
    if (count := 1 + len(others)) != distributed.size():
        raise InputError(f"{where}: processes", distributed.size(), f"torchrun --nproc-per-node {count}, as before")
    rank = distributed.rank()
    return saved["ppo"] if rank == 0 else unpack(others[rank - 1].numpy().tobytes(), where)
