"""Learning from a verifier: the model answers, exact checking rewards, and right answers become likelier.

REINFORCE with the mean of a group as its baseline (Williams 1992; Shao et al. 2024, without their division by the spread;
Ahmadian et al. 2024): every question is answered several times, and each answer is pushed up or down by its reward minus the
group's mean. A penalty on drifting away from the base model (KL) is part of the reward, as in learning from preferences.

Answers are labels of one token, and are sampled among the task's labels. Since advantages of a group sum to zero, the
gradient of the token's log-probability over the whole vocabulary is then that of the policy over labels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import torch

from ovbook.errors import OvbookError
from ovbook.models import ModelSpec, Params, forward
from ovbook.tasks import Coder, Task, build_rows
from ovbook.tasks.choosing import encode_choices
from ovbook.train import TrainLog, train

__all__ = ["Rollouts", "reinforce", "rollouts"]


@dataclass
class Rollouts:
    """Questions for every step, and the answers that the model of the moment gives to them.

    tokens [N, T]: questions followed by one place for the answer at `at` [N] + 1; gold [N]: the right label's place in
    `labels` [C], token ids; `questions` of them make a step, each answered `group` times.
    """

    tokens: np.ndarray
    at: np.ndarray
    gold: np.ndarray
    labels: np.ndarray
    questions: int
    group: int
    kl: float
    seed: int
    base: Params
    spec: ModelSpec
    rewards: list[float] = field(default_factory=list)
    drift: list[float] = field(default_factory=list)
    batch: np.ndarray = field(default_factory=lambda: np.zeros((1, 0, 0)))
    weight: np.ndarray = field(default_factory=lambda: np.zeros((1, 0, 0)))

    @torch.no_grad()
    def policy(self, params: Params, rows: np.ndarray) -> torch.Tensor:
        """Log-probabilities of the labels after the questions `rows`: [questions, C], float64, on the CPU."""
        device = next(iter(params.values())).device
        tokens = torch.from_numpy(self.tokens[rows].astype(np.int64)).to(device)
        logits = forward(params, self.spec, tokens[None])[0]
        at = torch.from_numpy(self.at[rows]).to(device)[:, None, None].expand(-1, 1, logits.shape[-1])
        chosen = logits.gather(1, at).squeeze(1)[:, torch.from_numpy(self.labels).to(device)]
        return torch.log_softmax(chosen.double(), dim=-1).cpu()

    def sample(self, step: int, params: Params) -> None:
        """Answer the questions of `step` with the weights as they are, check, and weigh each answer by its advantage."""
        rows = np.arange(step * self.questions, (step + 1) * self.questions) % len(self.tokens)
        policy = self.policy(params, rows)
        generator = torch.Generator().manual_seed((self.seed * 1_000_003 + step) % 2**63)
        said = torch.multinomial(policy.exp(), self.group, replacement=True, generator=generator)
        right = (said == torch.from_numpy(self.gold[rows])[:, None]).double()
        drift = (policy - self.policy(self.base, rows)) if self.kl else torch.zeros_like(policy)
        reward = right - self.kl * drift.gather(1, said)
        advantage = reward - reward.mean(dim=1, keepdim=True)
        self.rewards.append(float(right.mean()))
        self.drift.append(float((policy.exp() * drift).sum(-1).mean()))
        self._weigh(rows, said.numpy(), advantage.numpy() / advantage.numel())

    def _weigh(self, rows: np.ndarray, said: np.ndarray, share: np.ndarray) -> None:
        """Make `batch` [1, B, T] and `weight` [1, B, T - 1] of answers `said` and their weights [questions, group].

        Where there are fewer labels than answers, equal answers are one row with their weights added: the same gradient.
        """
        if len(self.labels) < self.group:
            every = np.arange(len(self.labels))
            share = (share[:, None, :] * (said[:, None, :] == every[:, None])).sum(axis=2)
            said = np.broadcast_to(every, share.shape)
        each = said.shape[1]
        places, tokens = np.repeat(self.at[rows], each), np.repeat(self.tokens[rows], each, axis=0)
        lines = np.arange(len(tokens))
        tokens[lines, places + 1] = self.labels[said.flatten()]
        self.batch = tokens[None].astype(np.int64)
        self.weight = np.zeros((1, tokens.shape[0], tokens.shape[1] - 1), dtype=np.float32)
        self.weight[0, lines, places] = share.flatten()


def rollouts(
    task: Task,
    coder: Coder,
    base: Params,
    spec: ModelSpec,
    *,
    steps: int,
    questions: int,
    group: int,
    kl: float,
    seed: int,
    fmt: str = "Default",
) -> Rollouts:
    """Draw and encode the questions of all steps, `questions` new ones a step.

    Raises:
        OvbookError: the task's answers are no labels of one token each, the same for all questions.
    """
    examples = task.examples("train", steps * questions, seed)
    labels = encode_choices(task, examples, coder, fmt=fmt, method="constrained").labels
    if any(len(label) != 1 for found in labels for label in found) or any(
        found != labels[0] for found in labels
    ):
        raise OvbookError(
            f"task '{task.name}' cannot be learnt from a verifier here: answers must be labels of one token each, the same for "
            f"all questions"
        )
    rows = build_rows(task, examples, coder, fmt=fmt, context=spec.context)
    return Rollouts(
        tokens=rows.tokens,
        at=rows.weight.argmax(axis=1),
        gold=np.array([task.choices_of(example).index(example.answer) for example in examples]),
        labels=np.array([label[0] for label in labels[0]]),
        questions=questions,
        group=group,
        kl=kl,
        seed=seed,
        base=base,
        spec=spec,
    )


def reinforce(
    params: Params,
    spec: ModelSpec,
    drawn: Rollouts,
    *,
    steps: int,
    rate: float,
    watch: Mapping[int, Callable[[int, Params], None]],
    device: torch.device | str = "cpu",
) -> TrainLog:
    """Train one model for `steps` steps at a constant `rate` on its own answers, sampled anew at every step.

    `watch` is called with the number of steps done and the weights at that time, at the steps that are its keys.
    """

    def look(done: int, now: Params, _: object) -> None:
        if done in watch:
            watch[done](done, now)
        if done < steps:  # what the step to come learns from, by the weights as they are
            drawn.sample(done, now)

    return train(
        params,
        spec,
        lambda step: drawn.batch,
        weights=lambda step: drawn.weight,
        summed=True,
        steps=steps,
        rates=np.full(steps, rate),
        weight_decay=0.0,
        on_checkpoint=dict.fromkeys(range(steps + 1), look),
        device=device,
        graph=False,
    )
