"""AdamW for K models at once, each with its own rate, decay and clipping."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models.spec import Params

__all__ = ["AdamW"]


class AdamW:
    """Decoupled weight decay Adam (Loshchilov & Hutter 2019) over stacked weights ``[K, ...]``.

    All weights live side by side in one buffer ``[K, P]``, and so do gradients and moments: a step is a handful of
    operations however many tensors a model has, which at 60k parameters is what an optimiser costs. `params` are
    views into that buffer, by name. Nothing is ever reduced over members: member k of a stack moves as it would
    alone.

    Weight decay acts on matrices only, never on norms' weights or biases (tensors with one axis per member).

    Args:
        params: initial weights; they are copied.
        betas, eps: as in Adam.
        weight_decay: one number, or one per member.
        clip: the largest norm of a member's gradient, or None; larger ones are scaled down to it.
    """

    def __init__(
        self,
        params: Params,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float | Sequence[float] | Tensor = 0.1,
        clip: float | None = 1.0,
    ):
        for name, value, good in (
            ("betas", betas, all(0 <= b < 1 for b in betas)),
            ("eps", eps, eps > 0 and math.isfinite(eps)),
            ("clip", clip, clip is None or clip > 0),
        ):
            if not good:
                raise OvbookError(f"AdamW's {name} is {value}: betas lie in [0, 1), eps and clip are above 0")
        self.betas, self.eps, self.clip = betas, eps, clip
        self._shapes = {name: tensor.shape[1:] for name, tensor in params.items()}
        first = next(iter(params.values()))
        self.members = first.shape[0]
        self.weights = torch.cat([t.detach().flatten(1) for t in params.values()], dim=1)
        self.first = torch.zeros_like(self.weights)
        self.second = torch.zeros_like(self.weights)
        self.steps = torch.zeros((), dtype=torch.float64, device=first.device)
        decay = torch.as_tensor(weight_decay, dtype=self.weights.dtype).reshape(-1, 1).to(first.device)
        if decay.shape[0] not in (1, self.members) or not bool((decay >= 0).all() & decay.isfinite().all()):
            raise OvbookError(
                f"weight_decay is {weight_decay}: it is one number of at least 0, or one for each of the "
                f"{self.members} members"
            )
        matrix = torch.cat([t.new_full((t[0].numel(),), float(t.dim() > 2)) for t in params.values()])
        self._decay = decay * matrix
        self.params = self.split(self.weights)

    def split(self, flat: Tensor) -> Params:
        """Views of a ``[K, P]`` buffer by name and shape."""
        sizes = [math.prod(shape) for shape in self._shapes.values()]
        pieces = flat.split(sizes, dim=1)
        return {n: p.view(-1, *s) for (n, s), p in zip(self._shapes.items(), pieces, strict=True)}

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor], rate: float | Tensor, alive: Tensor | None = None) -> Tensor:
        """Update in place; returns each member's gradient norm before clipping, ``[K]``.

        Args:
            grads: gradients in the order of `params`, ``[K, ...]`` each.
            rate: learning rate, one number or ``[K]``.
            alive: ``[K]`` booleans; the weights of a member that is False stay bitwise as they are. A member
                whose gradient is not finite is treated so, too.
        """
        grad = torch.cat([g.flatten(1) for g in grads], dim=1).to(self.weights.dtype)
        norm = torch.linalg.vector_norm(grad, dim=1)
        alive = norm.isfinite() if alive is None else alive & norm.isfinite()
        live = alive.unsqueeze(1)
        if self.clip is not None:
            grad = grad * (self.clip / (norm + 1e-6)).clamp(max=1.0).unsqueeze(1)
        # Zero times NaN is NaN, so a dead member's gradient is replaced, not scaled; then its rate is 0.
        grad = torch.where(live, grad, 0.0)
        rate = torch.as_tensor(rate, dtype=torch.float64, device=grad.device).reshape(-1, 1)
        rate = torch.where(live, rate, 0.0)
        self.steps += 1
        beta1, beta2 = self.betas
        self.first.lerp_(grad, 1 - beta1)
        self.second.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        size = (rate / (1 - beta1**self.steps)).to(grad.dtype)
        correction = (1 - beta2**self.steps).sqrt().to(grad.dtype)
        self.weights.mul_(1 - rate.to(grad.dtype) * self._decay)
        denominator = (self.second.sqrt() / correction).add_(self.eps)
        self.weights.sub_(size * self.first / denominator)
        return norm

    def state(self) -> dict[str, Tensor]:
        """Moments by parameter name and the count of steps: all that `load` needs, ready for safetensors."""
        moments = {"first": self.split(self.first), "second": self.split(self.second)}
        state = {f"{kind}.{name}": t for kind, tensors in moments.items() for name, t in tensors.items()}
        return state | {"steps": self.steps}

    def load(self, state: dict[str, Tensor]) -> None:
        """Continue from `state`."""
        for kind, buffer in (("first", self.first), ("second", self.second)):
            for name, view in self.split(buffer).items():
                key = f"{kind}.{name}"
                if key not in state or state[key].shape != view.shape:
                    raise OvbookError(
                        f"the optimiser's state has no {key} of shape {tuple(view.shape)}: it is from another model"
                    )
                view.copy_(state[key])
        self.steps.copy_(state["steps"])
