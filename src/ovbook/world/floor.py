"""The least loss that any model can reach on a mix: the entropy of the process, given the world's facts.

Sentences follow one another as a Markov renewal process: the chance ``u[t, s]`` that one starts at place t in
state s obeys a short recursion, and what a sentence costs place by place is known (`Domain.branch`,
`Domain.slot`). So the entropy of a row, cut in the middle of a sentence or not, is a finite sum with no
sampling in it. Where a domain hides latents Z (a diary's topic and mood), H(X|Z) <= H(X) <= H(X|Z) + H(Z)
bounds it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ovbook.world.grammar import Domain
from ovbook.world.sample import ROW

__all__ = ["Floor", "domain_nats", "mix_floor"]


@dataclass(frozen=True)
class Floor:
    """Entropy in nats per predicted token (127 a row), given the world's facts: between `lower` and `upper`.

    `exact` says that the two agree. A mix's floor also holds its `domains` (each with the cost of its own
    header) and their `share` of documents; the mix's floor is the mean of theirs, weighted by share.
    """

    lower: float
    upper: float
    exact: bool
    domains: dict[str, Floor] = field(default_factory=dict)
    share: dict[str, float] = field(default_factory=dict)


def domain_nats(domain: Domain, places: int) -> tuple[float, float]:
    """Nats of the first `places` tokens after a header: H(X|Z), and the entropy H(Z) they may hide."""
    longest = domain.longest
    costs = np.zeros((len(domain.states), longest + 1))
    costs[:, 1:] = np.cumsum((domain.chances[:, :, None] * (domain.branch + domain.slot)).sum(axis=1), axis=1)
    starts = np.zeros((places + longest + 1, len(domain.states)))
    starts[0, 0] = 1.0
    nats = hidden = 0.0
    for t in range(places):
        here = starts[t]
        nats += float(here @ costs[:, min(longest, places - t)])
        hidden += float(here @ domain.opens) * domain.hidden
        for s in np.flatnonzero(here):
            for k in np.flatnonzero(domain.chances[s]):
                starts[t + domain.lengths[k], domain.next[s, k]] += here[s] * domain.chances[s, k]
    return nats, hidden


def mix_floor(domains: dict[str, Domain], share: dict[str, float]) -> Floor:
    """The floor of a mix of domains; the header pays for the choice of the domain."""
    predicted = ROW - 1
    parts: dict[str, Floor] = {}
    for name, domain in domains.items():
        nats, hidden = domain_nats(domain, predicted - len(domain.header))
        nats -= float(np.log(share[name]))
        parts[name] = Floor(nats / predicted, (nats + hidden) / predicted, hidden == 0.0)
    lower = sum(share[name] * part.lower for name, part in parts.items())
    upper = sum(share[name] * part.upper for name, part in parts.items())
    return Floor(lower, upper, all(part.exact for part in parts.values()), parts, dict(share))
