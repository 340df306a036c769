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
    The buffer holds the matrices first, so that each kind is one stretch of it.

    Args:
        params: initial weights; they are copied.
        betas, eps: as in Adam.
        weight_decay: one number, or one per member.
        clip: the largest norm of a member's gradient, or None; larger ones are scaled down to it.
        pull: decay towards `params` as they are given instead of towards zero, on all tensors: a step moves every
            weight by rate x pull of its way back.
        frozen: names of tensors that stay as they are.
        fused: update by PyTorch's one-pass kernel, member by member, instead of by whole-stack operations that
            never ask the device anything. By default on a CPU, where it is ten times as fast.
    """

    def __init__(
        self,
        params: Params,
        *,
        betas: tuple[float, float] = (0.9, 0.95),
        eps: float = 1e-8,
        weight_decay: float | Sequence[float] | Tensor = 0.1,
        clip: float | None = 1.0,
        pull: float = 0.0,
        frozen: Sequence[str] = (),
        fused: bool | None = None,
    ):
        for name, value, good in (
            ("betas", betas, all(0 <= b < 1 for b in betas)),
            ("eps", eps, eps > 0 and math.isfinite(eps)),
            ("clip", clip, clip is None or clip > 0),
            ("pull", pull, pull >= 0 and math.isfinite(pull)),
        ):
            if not good:
                raise OvbookError(
                    f"AdamW's {name} is {value}: betas lie in [0, 1), eps and clip are above 0, pull is at least 0"
                )
        if unknown := set(frozen) - set(params):
            raise OvbookError(f"there is no tensor {', '.join(sorted(unknown))} to keep frozen")
        self.betas, self.eps, self.clip = betas, eps, clip
        first = next(iter(params.values()))
        self.members = first.shape[0]
        self.fused = first.device.type == "cpu" if fused is None else fused
        ordered = sorted(params.items(), key=lambda item: item[1].dim() == 2)
        self._shapes = {name: tensor.shape[1:] for name, tensor in ordered}
        self._given = list(params)
        self._matrices = sum(math.prod(shape) for shape in self._shapes.values() if len(shape) > 1)
        self.weights = torch.cat([t.detach().flatten(1) for _, t in ordered], dim=1)
        self.first = torch.zeros_like(self.weights)
        self.second = torch.zeros_like(self.weights)
        self.steps = torch.zeros((), dtype=torch.float64, device=first.device)
        decay = torch.as_tensor(weight_decay, dtype=self.weights.dtype).reshape(-1, 1).to(first.device)
        if decay.shape[0] not in (1, self.members) or not bool((decay >= 0).all() & decay.isfinite().all()):
            raise OvbookError(
                f"weight_decay is {weight_decay}: it is one number of at least 0, or one for each of the "
                f"{self.members} members"
            )
        self._decay = decay.expand(self.members, 1)
        self.pull, self._home = pull, self.weights.clone() if pull else None
        self._frozen = tuple(name in frozen for name in self._shapes)
        self.params = self.split(self.weights)

    def split(self, flat: Tensor) -> Params:
        """Views of a ``[K, P]`` buffer by name and shape."""
        sizes = [math.prod(shape) for shape in self._shapes.values()]
        pieces = flat.split(sizes, dim=1)
        views = {n: p.view(-1, *s) for (n, s), p in zip(self._shapes.items(), pieces, strict=True)}
        return {name: views[name] for name in self._given}

    def _flat(self, grads: Sequence[Tensor]) -> Tensor:
        """Gradients as the buffer has the weights, ``[K, P]``; those of frozen tensors are 0."""
        named = dict(zip(self._given, grads, strict=True))
        parts = [
            torch.zeros_like(named[name]) if frozen else named[name]
            for name, frozen in zip(self._shapes, self._frozen, strict=True)
        ]
        return torch.cat([part.flatten(1) for part in parts], dim=1).to(self.weights.dtype)

    @torch.no_grad()
    def ascend(self, grads: Sequence[Tensor], radius: float) -> Tensor:
        """Move each member by `radius` along its own gradient, uphill; returns the weights it came from, ``[K, P]``.

        The first half of a step of sharpness-aware minimisation (Foret et al. 2021): the second takes the gradient
        there, puts the weights back (`descend`) and gives it to `step`. A member whose gradient is zero stays.
        """
        grad, home = self._flat(grads), self.weights.clone()
        norm = torch.linalg.vector_norm(grad, dim=1, keepdim=True)
        self.weights.addcdiv_(grad, norm.clamp(min=1e-12), value=radius)
        return home

    @torch.no_grad()
    def descend(self, home: Tensor) -> None:
        """Put the weights back to where `ascend` found them, bitwise."""
        self.weights.copy_(home)

    @torch.no_grad()
    def step(self, grads: Sequence[Tensor], rate: float | Tensor, alive: Tensor | None = None) -> Tensor:
        """Update in place; returns each member's gradient norm before clipping, ``[K]``.

        Args:
            grads: gradients in the order of `params`, ``[K, ...]`` each.
            rate: learning rate, one number or ``[K]``.
            alive: ``[K]`` booleans; the weights of a member that is False stay bitwise as they are. A member
                whose gradient is not finite is treated so, too.
        """
        grad = self._flat(grads)
        norm = torch.linalg.vector_norm(grad, dim=1)
        alive = norm.isfinite() if alive is None else alive & norm.isfinite()
        scale = None if self.clip is None else (self.clip / (norm + 1e-6)).clamp(max=1.0)
        rate = torch.as_tensor(rate, dtype=torch.float64, device=grad.device).expand(self.members)
        self.steps += 1
        if self._home is not None:
            back = torch.where(alive, rate * self.pull, 0.0).clamp(max=1.0).unsqueeze(1)
            self.weights.lerp_(self._home, back.to(self.weights.dtype))
        (self._one_by_one if self.fused else self._together)(grad, scale, rate, alive)
        return norm

    def _one_by_one(self, grad: Tensor, scale: Tensor | None, rate: Tensor, alive: Tensor) -> None:
        scales = [1.0] * self.members if scale is None else scale.tolist()
        decays, stretches = (
            self._decay.flatten().tolist(),
            (slice(self._matrices), slice(self._matrices, None)),
        )
        for k, living in enumerate(alive.tolist()):
            if not living:
                continue
            if scales[k] < 1:
                grad[k] *= scales[k]
            for stretch, decay in zip(stretches, (decays[k], 0.0), strict=True):
                torch._fused_adamw_(
                    [self.weights[k, stretch]],
                    [grad[k, stretch]],
                    [self.first[k, stretch]],
                    [self.second[k, stretch]],
                    [],
                    [self.steps],
                    lr=float(rate[k]),
                    beta1=self.betas[0],
                    beta2=self.betas[1],
                    weight_decay=decay,
                    eps=self.eps,
                    amsgrad=False,
                    maximize=False,
                )

    def _together(self, grad: Tensor, scale: Tensor | None, rate: Tensor, alive: Tensor) -> None:
        live = alive.unsqueeze(1)
        if scale is not None:
            grad = grad * scale.unsqueeze(1)
        # Zero times NaN is NaN, so a dead member's gradient is replaced, not scaled; then its rate is 0.
        grad = torch.where(live, grad, 0.0)
        rate = torch.where(live, rate.unsqueeze(1), 0.0)
        beta1, beta2 = self.betas
        self.first.lerp_(grad, 1 - beta1)
        self.second.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        size = (rate / (1 - beta1**self.steps)).to(grad.dtype)
        correction = (1 - beta2**self.steps).sqrt().to(grad.dtype)
        self.weights[:, : self._matrices].mul_(1 - rate.to(grad.dtype) * self._decay)
        denominator = (self.second.sqrt() / correction).add_(self.eps)
        self.weights.sub_(size * self.first / denominator)

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
