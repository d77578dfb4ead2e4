"""A device beside the CPU, for machines that have none: it computes what the CPU would, and shares no tensor with it.

It runs the project's own lines for another device, all but the copy through pinned memory, which needs CUDA. Its
tensors are refused by ``numpy()``, and by every operation together with tensors of the CPU (but for numbers, as on
GPUs): whoever forgets to send something, or to bring it back, gets an error. Its name is torch's ``meta``, the one
other device that every build of torch has.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

DEVICE = torch.device("meta")
_ACROSS = ("aten._to_copy.default", "aten.copy_.default")


class Far(Tensor):
    """A tensor of the second device."""

    held: Tensor

    @staticmethod
    def __new__(cls, held: Tensor) -> Far:
        made = Tensor._make_wrapper_subclass(  # type: ignore[attr-defined]  # what torch has for this, without a stub
            cls, held.size(), strides=held.stride(), storage_offset=held.storage_offset(), dtype=held.dtype,
            device=DEVICE,
        )  # fmt: skip
        made.held = held
        return made

    @classmethod
    def __torch_dispatch__(  # type: ignore[override]  # as torch calls it
        cls, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:
        return computed(func, args, kwargs or {})


def computed(func: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """The result of an operation, on the device that it belongs to."""
    tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
    far = {id(leaf.held): leaf for leaf in tensors if isinstance(leaf, Far)}
    near = [leaf for leaf in tensors if not isinstance(leaf, Far) and leaf.ndim > 0]
    if far and near and str(func) not in _ACROSS:
        raise RuntimeError(f"{func}: tensors of two devices")
    asked = kwargs.get("device")
    there = bool(far) if asked is None else torch.device(asked) == DEVICE
    if str(func) == "aten.copy_.default":
        there = isinstance(args[0], Far)
    if asked is not None:
        kwargs = {**kwargs, "device": torch.device("cpu")}
    args, kwargs = tree_map(lambda leaf: leaf.held if isinstance(leaf, Far) else leaf, (args, kwargs))
    found = func(*args, **kwargs)

    def placed(leaf: Any) -> Any:
        """The same tensor for one that was changed in place, else a new one where it belongs."""
        if not there or not isinstance(leaf, Tensor):
            return leaf
        return far[id(leaf)] if id(leaf) in far else Far(leaf)

    return tree_map(placed, found)


class SecondDevice(TorchDispatchMode):
    """While it is entered, there is the second device."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        return computed(func, args, kwargs or {})
