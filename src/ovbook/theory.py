"""Two-layer linear networks: learning curves, sensitivity to noise and fine-tuning, in closed form.

The model is f(x) = W1 W2 x with W1 [d_out, h] and W2 [h, d_in], inputs isotropic, loss ``||W1 W2 - A||^2``
(squared Frobenius norm). Training is gradient flow on half that loss from small balanced weights, so that time is
the learning rate times the number of steps. Then every singular direction of A is learnt on its own, one after
another, the strongest first (Saxe et al. 2014), and the pre-training loss under noise and under fine-tuning can be
written down. Springer et al. 2025, section 4, argue with this model; the formulae here are derived by us and
compared with simulation in the tests.

Strengths ``a`` are the singular values learnt so far, `values` those of the target, ``s``; arrays are float64.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ovbook.errors import OvbookError

__all__ = [
    "Target",
    "along",
    "best_strength",
    "descend",
    "expected_increase",
    "flow",
    "increase_by_draws",
    "learning_times",
    "loss",
    "pair",
    "reach",
    "small",
    "strengths",
    "target",
    "turned",
]

Floats = NDArray[np.float64]
Weights = tuple[Floats, Floats]
_EXPONENT = 8.0
"""A longer flow goes in stages: what grows by more than exp(8) at once takes digits from what does not."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is to be learnt: A = sum of values[i] left[:, i] right[:, i]^T; left [d_out, r], right [d_in, r]."""

    values: Floats
    left: Floats
    right: Floats

    @property
    def matrix(self) -> Floats:
        """A itself, [d_out, d_in]."""
        return np.asarray((self.left * self.values) @ self.right.T)


def _basis(size: int, rank: int, rng: np.random.Generator) -> Floats:
    q, r = np.linalg.qr(rng.standard_normal((size, rank)))
    return np.asarray(q * np.sign(np.diag(r)))


def target(values: ArrayLike, size: int, seed: int) -> Target:
    """A target with these singular values (descending) in a random basis of `size` inputs and outputs."""
    s = np.asarray(values, dtype=np.float64)
    if s.ndim != 1 or not 1 <= s.size <= size or not (np.isfinite(s).all() and (s > 0).all()):
        raise OvbookError(
            f"values are {s.tolist()}: they must be 1 to {size} numbers above 0 (size is {size})"
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"target"]))
    return Target(values=s, left=_basis(size, s.size, rng), right=_basis(size, s.size, rng))


def turned(old: Target, values: ArrayLike, degrees: float, seed: int) -> Target:
    """A fine-tuning target whose singular vectors lie `degrees` away from the strongest of `old`.

    Each of its r directions is cos(angle) times one of the r strongest old directions plus sin(angle) times a
    random direction orthogonal to all of those: 0 is the same basis with other values, 90 has nothing in common
    with the r strongest. Left and right are turned alike, each in a random plane of its own; `size` must be at
    least 2 r.
    """
    s = np.asarray(values, dtype=np.float64)
    size, r = old.left.shape[0], s.size
    if not 0 <= degrees <= 90:
        raise OvbookError(f"degrees is {degrees}: the angle must lie between 0 and 90")
    if r > old.values.size or 2 * r > min(size, old.right.shape[0]):
        raise OvbookError(
            f"the tuning target has {r} directions: at most {min(old.values.size, size // 2)} fit, half the size "
            f"and no more than the old target has"
        )
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"turned"]))
    angle = np.deg2rad(degrees)

    def away(basis: Floats) -> Floats:
        top = basis[:, :r]
        other = rng.standard_normal(top.shape)
        other, _ = np.linalg.qr(other - top @ (top.T @ other))
        return np.asarray(np.cos(angle) * top + np.sin(angle) * other)

    return Target(values=s, left=away(old.left), right=away(old.right))


def strengths(times: ArrayLike, values: ArrayLike, start: float) -> Floats:
    """Strength of each direction after each time of pre-training, [T, r], from `start` in all of them.

    The solution of da/dt = 2 a (s - a), written so that it does not overflow.
    """
    t, s = np.asarray(times, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if not start > 0:
        raise OvbookError(f"start is {start}: from exactly nothing nothing is learnt, so it must be above 0")
    return np.asarray(s / (1.0 + (s / start - 1.0) * np.exp(-2.0 * np.multiply.outer(t, s))))


def learning_times(values: ArrayLike, start: float) -> Floats:
    """When each direction is half learnt: ln(s / start - 1) / (2 s), [r]."""
    s = np.asarray(values, dtype=np.float64)
    return np.asarray(np.log(s / start - 1.0) / (2.0 * s))


def loss(learnt: ArrayLike, values: ArrayLike) -> Floats:
    """Pre-training loss of given strengths: sum of (s - a)^2 over the last axis."""
    return np.asarray(((np.asarray(values) - np.asarray(learnt)) ** 2).sum(axis=-1))


def expected_increase(learnt: ArrayLike, gamma: float, size: int, hidden: int) -> Floats:
    """What independent noise of standard deviation `gamma` on every weight adds to the loss, on average.

    Exact for weights balanced as `pair` makes them, `size` inputs and as many outputs:
    gamma^2 2 size sum(a) + gamma^4 size^2 hidden. It grows as directions are learnt: progressive sensitivity.
    """
    return np.asarray(
        gamma**2 * 2 * size * np.asarray(learnt).sum(axis=-1) + gamma**4 * size**2 * hidden, dtype=np.float64
    )


def best_strength(values: ArrayLike, gamma: float, size: int) -> Floats:
    """The strength at which a direction does best under that noise: s - gamma^2 size, but at least 0.

    A direction with s below gamma^2 size is better not learnt at all; one with s below twice that is better not
    learnt than learnt fully.
    """
    return np.maximum(np.asarray(values, dtype=np.float64) - gamma**2 * size, 0.0)


def pair(old: Target, learnt: ArrayLike, hidden: int) -> Weights:
    """Balanced weights (W1 [d_out, hidden], W2 [hidden, d_in]) whose product has the strengths `learnt`."""
    root = np.sqrt(np.asarray(learnt, dtype=np.float64))
    r = root.size
    if hidden < r:
        raise OvbookError(f"hidden is {hidden}: {r} directions need at least {r} hidden units")
    w1, w2 = np.zeros((old.left.shape[0], hidden)), np.zeros((hidden, old.right.shape[0]))
    w1[:, :r], w2[:r] = old.left * root, (old.right * root).T
    return w1, w2


def small(size: int, hidden: int, start: float, seed: int) -> Weights:
    """Random small weights, not balanced, that learn at about the same times as balanced ones from `start`.

    A direction grows out of the mean of its two sides, W1^T u and W2 v, whose square is hidden / 2 times the variance
    of a weight; the variance is chosen so that this is `start`.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"small"]))
    spread = np.sqrt(2 * start / hidden)
    return spread * rng.standard_normal((size, hidden)), spread * rng.standard_normal((hidden, size))


def along(old: Target, product: Floats) -> Floats:
    """How strong a product W1 W2 is along each direction of `old`: left^T (W1 W2) right, its diagonal, [r]."""
    return np.asarray(((old.left.T @ product) * old.right.T).sum(axis=1))


def flow(weights: Weights, goal: Floats, time: ArrayLike) -> Floats:
    """The product W1 W2 after fine-tuning by gradient flow towards the matrix `goal` for `time`: exact.

    Weights may be stacked ([..., d_out, h] and [..., h, d_in]), each with a `time` of its own ([...]) or one for all.
    With Q = [W2^T; W1] and F = [[0, goal^T], [goal, 0]] balanced weights obey dS/dt = F S + S F - S S for
    S = Q Q^T, a matrix Riccati equation with the solution used here (after Fukumizu 1998). Any angle between the
    old and the new task is covered; no step size enters.
    """
    w1, w2 = weights
    q = np.concatenate([np.swapaxes(w2, -1, -2), w1], axis=-2)
    d_in = w2.shape[-1]
    f = np.zeros((q.shape[-2], q.shape[-2]))
    f[:d_in, d_in:], f[d_in:, :d_in] = goal.T, goal
    rate, basis = np.linalg.eigh(f)
    long = np.asarray(time, dtype=np.float64)
    if not (np.isfinite(long).all() and (long >= 0).all()):
        raise OvbookError(f"time is {long.tolist()}: it must be a finite number of at least 0")
    stages = max(1, int(np.ceil(float(long.max()) * rate[-1] / _EXPONENT)))
    long = np.maximum(long, 1e-30) / stages  # at exactly 0 the division below has no meaning
    grow = long[..., None] * rate
    # In the basis of F, S = G (1 + G^T V G)^-1 G^T with G = exp(F time) Q and V = (1 - exp(-2 F time)) / 2 F (`time` where
    # a rate is 0). By the singular values of V^1/2 G, which give the square root of S that the next stage starts from.
    safe = np.where(rate == 0, 1.0, rate)
    root = np.sqrt(np.where(np.abs(grow) < 1e-12, long[..., None], -np.expm1(-2 * grow) / (2 * safe)))
    grown, q = root * np.exp(grow), basis.T @ q
    for _ in range(stages):
        left, size, _ = np.linalg.svd(grown[..., None] * q, full_matrices=False)
        q = left / root[..., None] * (size / np.sqrt(1 + size**2))[..., None, :]
    q = basis @ q
    return np.asarray(q[..., d_in:, :] @ np.swapaxes(q[..., :d_in, :], -1, -2))


def reach(weights: Weights, goal: Floats, loss: float, most: float = 100.0) -> Floats:
    """How long gradient flow towards `goal` takes until ``||W1 W2 - goal||^2`` is `loss`; for stacked weights, [...].

    Not-a-number where that takes longer than `most`, 0 where it is below from the start. The loss falls all the time
    under gradient flow, so it is found by halving intervals, to within most / 2^40.
    """
    if not loss > 0:
        raise OvbookError(f"loss is {loss}: it is never quite 0, so it must be above 0")

    def left(time: Floats) -> Floats:
        return np.asarray(((flow(weights, goal, time) - goal) ** 2).sum(axis=(-1, -2)))

    low, high = np.zeros(weights[0].shape[:-2]), np.full(weights[0].shape[:-2], float(most))
    never, already = left(high) > loss, left(low) <= loss
    for _ in range(40):
        middle = (low + high) / 2
        late = left(middle) <= loss
        low, high = np.where(late, low, middle), np.where(late, middle, high)
    return np.asarray(np.where(never, np.nan, np.where(already, 0.0, high)))


def descend(weights: Weights, goal: Floats, *, rate: float, steps: int, pull: float = 0.0) -> Weights:
    """Simulated fine-tuning: plain gradient descent on half the loss, plus pull/2 times the squared distance
    from where it started. Returns the new weights."""
    (w1, w2), (first, second) = weights, weights
    for _ in range(steps):
        off = w1 @ w2 - goal
        w1, w2 = (
            w1 - rate * (off @ w2.T + pull * (w1 - first)),
            w2 - rate * (w1.T @ off + pull * (w2 - second)),
        )
        if not np.isfinite(w1).all():
            raise OvbookError(f"rate is {rate}: descent diverged, so it must be smaller")
    return w1, w2


def increase_by_draws(weights: Weights, goal: Floats, gamma: float, draws: int, seed: int) -> Floats:
    """Simulated noise: the loss added by each of `draws` draws, [draws]; their mean is `expected_increase`."""
    w1, w2 = weights
    rng = np.random.default_rng(np.random.SeedSequence([seed, *b"noise"]))
    before = float(((w1 @ w2 - goal) ** 2).sum())
    found = np.empty(draws)
    for i in range(draws):
        shaken = (w1 + gamma * rng.standard_normal(w1.shape)) @ (w2 + gamma * rng.standard_normal(w2.shape))
        found[i] = ((shaken - goal) ** 2).sum() - before
    return found
