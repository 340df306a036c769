"""The training loop: the only one in the book."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, next_token_loss
from ovbook.optim import AdamW

__all__ = ["Checkpointer", "TrainLog", "train"]

Batch = np.ndarray | Tensor
Checkpointer = Callable[[int, Params, dict[str, Tensor]], None]
"""Called with (steps done, weights, optimiser state); both are views of the live run: save or clone, don't keep."""


@dataclass(frozen=True)
class TrainLog:
    """What a run leaves behind; ``steps`` rows are those of this call."""

    loss: np.ndarray
    """``[steps, K]`` float32: loss of each step's batch before its update, nats per predicted token."""
    grad_norm: np.ndarray
    """``[steps, K]`` float32: norm of each member's gradient before clipping."""
    diverged_at: np.ndarray
    """``[K]`` int64: the step at which a member's loss or gradient stopped being finite, -1 if never."""
    params: Params
    optimizer_state: dict[str, Tensor]


def train(
    params: Params,
    spec: ModelSpec,
    batches: Callable[[int], Batch],
    *,
    steps: int,
    rates: np.ndarray,
    weight_decay: float | list[float] = 0.1,
    betas: tuple[float, float] = (0.9, 0.95),
    eps: float = 1e-8,
    clip: float | None = 1.0,
    pull: float = 0.0,
    frozen: Sequence[str] = (),
    compose: Callable[[Params], Params] | None = None,
    sam: float = 0.0,
    start_step: int = 0,
    optimizer_state: dict[str, Tensor] | None = None,
    weights: Callable[[int], Batch] | None = None,
    summed: bool = False,
    on_checkpoint: Mapping[int, Checkpointer] | None = None,
    device: str | torch.device = "cpu",
    precision: str = "float32",
    compiled: bool = False,
    graph: bool | None = None,
    dropout: float = 0.0,
    dropout_seed: int = 0,
    progress: Callable[[int, Tensor], None] | None = None,
) -> TrainLog:
    """Train K models side by side from step `start_step` to step `steps`; `params` are left alone.

    Args:
        params, spec: the models, ``[K, ...]``.
        batches: step -> token ids ``[K, B, T]``, a pure function of the step: that is all that resuming needs.
        rates: learning rate of every step of the whole run, ``[steps]`` or ``[steps, K]``.
        weight_decay, betas, eps, clip, pull, frozen: see `ovbook.optim.AdamW`. A pull is towards `params`, so a
            run that has one starts at its first step.
        compose: from the tensors that are trained, which `params` then are, to the model's weights; low-rank
            adapters are trained so (`ovbook.adapters`). By default the weights themselves are trained.
        sam: radius of sharpness-aware minimisation (Foret et al. 2021): every step takes its gradient that far uphill
            from the weights, each member along its own gradient on the same batch, so it costs two passes. 0 is
            plain training. The losses and norms that are logged are the loss before, and the norm of the gradient used.
        start_step, optimizer_state: to go on from a checkpoint; bitwise as if never interrupted, on one machine.
        weights: step -> weight of each prediction ``[K, B, T - 1]``, e.g. 1 on answers and 0 elsewhere.
        summed: take those weights as they are, negative ones too, instead of dividing them by their sum.
        on_checkpoint: number of steps done -> what to call then; 0 is before the first update.
        precision: "float32", or "bfloat16" for products and activations (weights, moments, norms, logits and
            the loss stay in float32; so does attention on a CPU).
        compiled: compile the loss and its gradient with `torch.compile`; pays only for runs of minutes.
        graph: capture a step as one CUDA graph; by default on a GPU, and never on a CPU.
        dropout: chance with which each number that attention or MLP writes into the residual stream is set to 0 (the
            others grow in return); its draws are a function of `dropout_seed` and the step. Without graph or compiler.
        progress: called with (steps done, losses so far ``[steps, K]`` on the device) after each step.

    A member whose loss or gradient stops being finite keeps the weights it had then, and its step is recorded;
    its neighbours do not notice.
    """
    device = torch.device(device)
    if device.type == "cuda" and not torch.cuda.is_available():
        raise OvbookError("a GPU was asked for and there is none here: use device='cpu', or run where one is")
    if precision not in ("float32", "bfloat16"):
        raise OvbookError(f"precision is '{precision}': it is float32 or bfloat16")
    if not 0 <= start_step <= steps:
        raise OvbookError(
            f"a run of {steps} steps cannot start at step {start_step}: start between 0 and {steps}"
        )
    if pull and start_step:
        raise OvbookError(
            f"a run with a pull cannot start at step {start_step}: where it is pulled to is where step 0 began"
        )
    if compose is not None and precision != "float32":
        raise OvbookError(f"precision is '{precision}': composed weights are trained in float32 only")
    if not (sam >= 0 and np.isfinite(sam)):
        raise OvbookError(f"sam is {sam}: it is a radius, a finite number of at least 0")
    if sam and precision != "float32":
        raise OvbookError(
            f"precision is '{precision}': a step of {sam} uphill would be rounded away, so sam needs float32"
        )
    if not 0 <= dropout < 1:
        raise OvbookError(f"dropout is {dropout}: it is a chance, from 0 to below 1")
    if dropout and (compiled or graph):
        raise OvbookError(
            f"dropout is {dropout}: it is drawn anew at each step, so without compiler and graph"
        )
    if dropout and sam:
        raise OvbookError(
            f"dropout is {dropout} and sam is {sam}: sam compares two passes of one model, and dropout makes them two models"
        )
    if dropout and spec.arch == "auto":
        raise OvbookError(
            f"dropout is {dropout}: a model that transformers computes has no place for it, so leave it at 0"
        )
    if summed and weights is None:
        raise OvbookError("summed is True, but there are no weights to take as they are: give weights, too")
    optimizer = AdamW(
        {name: tensor.to(device) for name, tensor in params.items()},
        betas=betas,
        eps=eps,
        weight_decay=weight_decay,
        clip=clip,
        pull=pull,
        frozen=frozen,
    )
    table = _rate_table(rates, steps, optimizer.members)
    run = _Run(optimizer, spec, table, start_step, precision, compiled, compose, sam, summed)
    run.dropout = _Dropout(dropout, dropout_seed, device) if dropout else None
    if optimizer_state is not None:
        run.load(optimizer_state)
    on_checkpoint = on_checkpoint or {}
    # What transformers computes may look at its inputs on the way, which a captured step cannot; nor can it draw anew.
    if graph is None:
        graph = device.type == "cuda" and spec.arch != "auto" and not dropout
    replay = None
    if start_step in on_checkpoint:
        on_checkpoint[start_step](start_step, optimizer.params, run.state())
    for step in range(start_step, steps):
        if run.dropout is not None:
            run.dropout.begin(step)
        run.feed(batches(step), None if weights is None else weights(step))
        if graph and replay is None:
            replay = _capture(run)
        replay() if replay else run.step()
        if progress is not None:
            progress(step + 1, run.losses)
        if step + 1 in on_checkpoint:
            on_checkpoint[step + 1](step + 1, optimizer.params, run.state())
    return TrainLog(
        loss=run.losses.cpu().numpy(),
        grad_norm=run.norms.cpu().numpy(),
        diverged_at=run.diverged_at.cpu().numpy(),
        params=optimizer.params,
        optimizer_state=run.state(),
    )


class _Run:
    """Everything a step reads and writes, in tensors that stay where they are: so a step can be captured.

    A step asks the device nothing: rates come from a table by a counter that lives there too, and losses go into
    a table that is read at the end.
    """

    def __init__(
        self,
        optimizer: AdamW,
        spec: ModelSpec,
        rates: Tensor,
        start_step: int,
        precision: str,
        compiled: bool,
        compose: Callable[[Params], Params] | None = None,
        sam: float = 0.0,
        summed: bool = False,
    ):
        self.optimizer, self.spec, self.compose, self.sam = optimizer, spec, compose, sam
        device = optimizer.weights.device
        steps, members = rates.shape
        self.rates = rates.to(device)
        self.start = start_step
        self.at = torch.tensor([start_step], device=device)
        self.losses = torch.full((steps - start_step, members), torch.nan, device=device)
        self.norms = torch.full_like(self.losses, torch.nan)
        self.diverged_at = torch.full((members,), -1, device=device)
        # Products run on a copy of the weights when their precision differs, refreshed after each update.
        self.copy = optimizer.weights.bfloat16() if precision == "bfloat16" else optimizer.weights
        self.leaves = {n: t.detach().requires_grad_() for n, t in optimizer.split(self.copy).items()}
        self.loss = torch.compile(next_token_loss, dynamic=False) if compiled else next_token_loss
        self.summed = summed
        self.tokens: Tensor | None = None
        self.weight: Tensor | None = None
        self.dropout: _Dropout | None = None

    def load(self, state: dict[str, Tensor]) -> None:
        """Continue from another run's `state`."""
        self.optimizer.load(state)
        self.diverged_at.copy_(state["diverged_at"])

    def state(self) -> dict[str, Tensor]:
        """The optimiser's state, and who has diverged."""
        return self.optimizer.state() | {"diverged_at": self.diverged_at}

    def feed(self, tokens: Batch, weight: Batch | None) -> None:
        """Put a batch where the step reads it."""
        host = torch.as_tensor(np.asarray(tokens, dtype=np.int64))
        members = self.optimizer.members
        if (
            host.dim() != 3
            or host.shape[0] != members
            or not 0 <= int(host.min()) <= int(host.max()) < self.spec.vocab
        ):
            raise OvbookError(
                f"a batch of shape {tuple(host.shape)} with ids from {int(host.min())} to {int(host.max())} does not "
                f"fit: it must be [{members} members, rows, tokens] with ids below {self.spec.vocab}"
            )
        self.tokens = self._put(self.tokens, host)
        if weight is not None:
            self.weight = self._put(self.weight, torch.as_tensor(np.asarray(weight, dtype=np.float32)))

    def _put(self, buffer: Tensor | None, host: Tensor) -> Tensor:
        device = self.at.device
        if device.type == "cpu":
            return host
        if buffer is None:
            return host.to(device)
        return buffer.copy_(host.pin_memory(), non_blocking=True)

    def _gradients(self) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Each member's loss ``[K]`` at the weights as they are, and its gradients."""
        assert self.tokens is not None
        params = self.leaves if self.compose is None else self.compose(self.leaves)
        loss = self.loss(params, self.spec, self.tokens, self.weight, drop=self.dropout, summed=self.summed)
        return loss, torch.autograd.grad(loss.sum(), list(self.leaves.values()))

    def step(self) -> None:
        """Forward, backward, update, record."""
        loss, grads = self._gradients()
        if self.sam:
            home = self.optimizer.ascend(grads, self.sam)
            _, grads = self._gradients()
            self.optimizer.descend(home)
        with torch.no_grad():
            loss = loss.detach().float()
            alive = self.diverged_at < 0
            norm = self.optimizer.step(grads, self.rates.index_select(0, self.at)[0], alive & loss.isfinite())
            fell = alive & ~(loss.isfinite() & norm.isfinite())
            self.diverged_at.copy_(torch.where(fell, self.at, self.diverged_at))
            if self.copy is not self.optimizer.weights:
                self.copy.copy_(self.optimizer.weights)
            row = self.at - self.start
            self.losses.index_copy_(0, row, loss.unsqueeze(0))
            self.norms.index_copy_(0, row, norm.float().unsqueeze(0))
            self.at += 1


class _Dropout:
    """Sets numbers to 0 with chance `share`; what is drawn depends on the seed and the step alone."""

    def __init__(self, share: float, seed: int, device: torch.device) -> None:
        self.share, self.seed = share, seed
        self.generator = torch.Generator(device)

    def begin(self, step: int) -> None:
        self.generator.manual_seed(
            int(np.random.SeedSequence([self.seed, step]).generate_state(1, np.uint64)[0] >> 1)
        )

    def __call__(self, x: Tensor) -> Tensor:
        kept = torch.rand(x.shape, generator=self.generator, device=x.device) >= self.share
        return x * kept / (1 - self.share)


def _rate_table(rates: np.ndarray, steps: int, members: int) -> Tensor:
    """Learning rates ``[steps, K]``, checked."""
    table = torch.as_tensor(np.asarray(rates, dtype=np.float64))
    table = table.unsqueeze(1).expand(-1, members) if table.dim() == 1 else table
    if table.shape != (steps, members) or not bool((table.isfinite() & (table >= 0)).all()):
        raise OvbookError(
            f"rates of shape {tuple(np.shape(rates))} do not fit a run of {steps} steps and {members} members: give "
            f"[steps] or [steps, members] finite numbers of at least 0"
        )
    return table.contiguous()


def _capture(run: _Run) -> Callable[[], None]:
    """Record one step as a CUDA graph; the run is left exactly as it was found."""
    optimizer = run.optimizer
    moving = [optimizer.weights, optimizer.first, optimizer.second, optimizer.steps, run.copy]
    moving += [run.at, run.diverged_at, run.losses, run.norms]
    before = [tensor.clone() for tensor in moving]

    def restore() -> None:
        for tensor, value in zip(moving, before, strict=True):
            tensor.copy_(value)

    # Libraries allocate and choose kernels on first use, which a capture must not see: so warm up, on the side
    # stream that capturing uses, one step at a time from the same state (its tables may have a single row left).
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            run.step()
            restore()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        run.step()
    restore()
    return graph.replay
