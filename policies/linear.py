"""Linear layers by oneDNN.

Torch multiplies float32 matrices on CPUs by MKL, which uses half the width of the vectors where the processor is not
Intel's; oneDNN, which torch brings along, uses all of it, and does the relu on the way. But it compiles a product for
each shape that it has not met yet, which takes as long as a hundred products of a few rows: ``filled`` says how many
rows to give it.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ROWS = 256
"""Numbers of rows are multiples of it."""


def filled(rows: int) -> int:
    """The multiple of ``ROWS`` that so many rows are to be filled up to."""
    return -(-rows // ROWS) * ROWS


def linear(x: Tensor, layer: nn.Linear, relu: bool = False) -> Tensor:
    """``layer`` of x [n, k], and its relu."""
    return Linear.apply(x, layer.weight, layer.bias, relu)


class Linear(torch.autograd.Function):
    """x weightᵀ + bias, and its relu."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor, relu: bool) -> Tensor:
        """From x [n, k], weight [m, k] and bias [m] to [n, m]."""
        result = product(x, weight, bias, relu)
        ctx.relu = relu
        ctx.save_for_backward(x, weight, result if relu else None)
        return result

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, Tensor, Tensor, None]:
        """Gradients of x, weight and bias."""
        x, weight, result = ctx.saved_tensors
        if ctx.relu:
            gradient = torch.ops.aten.threshold_backward(gradient, result, 0.0)
        to_x = product(gradient, weight.t()) if ctx.needs_input_grad[0] else None
        to_weight = product(x.t(), gradient.t()).t()
        return to_x, to_weight, gradient.sum(dim=0), None


def product(x: Tensor, weight: Tensor, bias: Tensor | None = None, relu: bool = False) -> Tensor:
    """Product x [n, k] weight [m, k]ᵀ + bias [m], and its relu."""
    if x.numel() > 0 and x.dtype == torch.float32 and x.device.type == "cpu" and torch.backends.mkldnn.is_available():
        return torch.ops.mkldnn._linear_pointwise(x, weight, bias, "relu" if relu else "none", [], "")
    result = functional.linear(x, weight, bias)
    return torch.relu_(result) if relu else result
