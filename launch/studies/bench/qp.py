"""``bench.py qp``: the quadratic programme of the safety filter."""

from __future__ import annotations

import numpy as np

from studies.bench.common import Figures, interleaved
from swarm.filter import qp


def bench_qp() -> Figures:
    """The QP of one robot, 16 rows and a box: kernel, quadprog, cvxpy with parameters; one thread."""
    import cvxpy as cp
    import quadprog

    rng, count, rows = np.random.default_rng(0), 4096, 16
    angles = rng.uniform(0.0, 2.0 * np.pi, (count, rows))
    G = np.stack([np.cos(angles), np.sin(angles)], axis=-1)
    b, nominal = rng.uniform(0.0, 1.0, (count, rows)), 1.5 * rng.normal(size=(count, 2))
    lower, upper = np.full((count, 2), -1.0), np.full((count, 2), 1.0)
    u, p, A, r = cp.Variable(2), cp.Parameter(2), cp.Parameter((rows, 2)), cp.Parameter(rows)
    problem = cp.Problem(cp.Minimize(cp.sum_squares(u - p)), [A @ u <= r, u >= -1, u <= 1])
    sides, few = np.vstack([np.eye(2), -np.eye(2)]), 20

    def by_cvxpy() -> None:
        for k in range(few):
            p.value, A.value, r.value = nominal[k], G[k], b[k]
            problem.solve()

    def by_quadprog() -> None:
        for k in range(count):
            quadprog.solve_qp(
                np.eye(2), nominal[k], np.vstack([-G[k], sides]).T, np.concatenate([-b[k], lower[k], -upper[k]])
            )

    def one_by_one() -> None:
        for k in range(count):
            qp.solve(nominal[k], G[k], b[k], lower[k], upper[k])

    def batch() -> None:
        qp.solve_batch(nominal, G, b, lower, upper)

    seconds = interleaved(
        {"kernel, batch of 4096": batch, "kernel, one call each": one_by_one, "quadprog": by_quadprog,
         "cvxpy with parameters": by_cvxpy}, 9,
    )  # fmt: skip
    micro = {name: 1e6 * value / (few if "cvxpy" in name else count) for name, value in seconds.items()}
    base = micro["kernel, batch of 4096"]
    return {name: {"µs a problem": value, "× the kernel": value / base} for name, value in micro.items()}
