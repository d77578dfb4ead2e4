"""One network from several that were trained on from the same one: the weighted mean of their weights.

Usage: ``python -m policies.tuner.average OUT A:0.4 B:0.4 C:0.2``. Networks that begin alike and are trained for
different things (one to be smooth, one to get out of traps) mostly lie in one basin: their mean does what each of them
learnt, and loses less than a further training would (model soups, Wortsman et al. 2022).
Whether it does is to be measured: ``launch/evaluate.py`` and ``launch/report.py online_cbf``.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from pathlib import Path

import tyro

from policies.training_log import NOT_EVALUATED
from policies.tuner import checkpoint
from policies.tuner.checkpoint import Config
from policies.tuner.network import Tuner
from swarm.errors import InputError

CARD = """# Tuner

The weighted mean of the weights of networks that were trained on from one network.
Whatever it proposes, the safety filter decides what is safe.

    {command}

| share | trained by |
|---|---|
{rows}

## Evaluation
{evaluation}
"""


def averaged(tuners: Sequence[Tuner], shares: Sequence[float]) -> Tuner:
    """The weighted mean of networks of one shape; the shares are divided by their sum.

    Raises:
        InputError: If they are not of one shape, or set different tunables.
    """
    first = tuners[0].state_dict()
    kind = [(one.width, one.rounds, one.blend, one.senses, one.free.tolist()) for one in tuners]
    for k, one in enumerate(kind):
        if one != kind[0]:
            raise InputError(
                f"checkpoint {k}: width, rounds, blend, senses, tunables", one, f"as those of 0: {kind[0]}"
            )
    whole = math.fsum(shares)
    mean = {
        name: sum(share / whole * one.state_dict()[name] for one, share in zip(tuners, shares, strict=True))
        if tensor.is_floating_point() else tensor
        for name, tensor in first.items()
    }  # fmt: skip
    made = Tuner(tuners[0].width, senses=tuners[0].senses, rounds=tuners[0].rounds, blend=tuners[0].blend)
    made.load_state_dict(mean)
    return made.eval()


def average(parts: Sequence[tuple[Path, float]], out: Path, command: str) -> None:
    """Write the weighted mean of checkpoints as a checkpoint; its card says of what.

    Args:
        parts: Folders, and the share of each.
        out: Folder to write.
        command: Command line, for card and ``config.yaml``.

    Raises:
        InputError: If a folder cannot be read, has a network of a user's own, or they do not fit together.
    """
    made, configs = averaged_from(parts)
    rows = "\n".join(f"| {share:g} | `{config.command}` |" for (_, share), config in zip(parts, configs, strict=True))
    first = configs[0]
    config = Config(
        first.seed, command, checkpoint.widest(config.limits for config in configs), first.width, first.rounds
    )
    checkpoint.save(out, made, config, CARD.format(command=command, rows=rows, evaluation=NOT_EVALUATED))


def averaged_from(parts: Sequence[tuple[Path, float]]) -> tuple[Tuner, list[Config]]:
    """The weighted mean of the networks in folders, and how each of them was made."""
    loaded = [checkpoint.load(folder) for folder, _ in parts]
    return averaged([tuner for tuner, _ in loaded], [share for _, share in parts]), [config for _, config in loaded]


def part_of(text: str) -> tuple[Path, float]:
    """A folder and its share, of ``FOLDER:SHARE``.

    Raises:
        InputError: If it is something else.
    """
    folder, _, number = text.rpartition(":")
    try:
        share = float(number)
    except ValueError:
        share = math.nan
    if not folder or not 0.0 < share < math.inf:
        raise InputError("checkpoint", text, "FOLDER:SHARE, with a share above 0, as runs/a:0.5")
    return Path(folder), share


def main(out: tyro.conf.Positional[Path], parts: tyro.conf.Positional[tuple[str, ...]], /) -> int:
    """Write the weighted mean of networks that were trained on from the same one.

    Args:
        out: Checkpoint folder to write.
        parts: Checkpoint folders, each with its share: FOLDER:SHARE.
    """
    try:
        if len(parts) < 2:
            raise InputError("checkpoints", " ".join(parts), "two or more, each FOLDER:SHARE")
        average([part_of(text) for text in parts], out, " ".join([f"python -m {_NAME}", str(out), *parts]))
    except InputError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


_NAME = "policies.tuner.average"
if __name__ == "__main__":
    sys.exit(tyro.cli(main, prog=f"python -m {_NAME}"))
