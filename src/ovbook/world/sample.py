"""Documents of one domain, drawn many at a time.

Sentences are drawn before words: which template, hence how long, hence where each sentence starts. Then all
sentences of one template are filled together, one array operation a word. Nothing here depends on whether
notes are taken, so a row is the same with and without them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ovbook.world.grammar import Binding, Choice, Domain, Lookup
from ovbook.world.words import BOS, IDS

__all__ = ["ROLES", "ROW", "Draw", "Notes", "draw_rows"]

ROW = 128
"""Tokens in a row: <bos> and 127 tokens of one document."""

ROLES = ("given", "chosen", "recall", "fact", "answer")
"""What a token asks of a reader: "given" words are the template's, "chosen" ones are chance, "recall" was
told earlier in the document, a "fact" is true of the world and stands nowhere in the document, an "answer"
follows from a rule (a sum, an opposite, a kind)."""


@dataclass
class Notes:
    """What the writer knew: ``nats`` [rows, 127] of each token, and its role, an index into `ROLES`.

    ``nats`` are surprises given the world's facts and, where a domain hides latents (a diary's topic and
    mood), given those too. ``values`` holds the document's own variables of its first episode, [rows] each.
    """

    nats: np.ndarray
    roles: np.ndarray
    values: dict[str, np.ndarray] = field(default_factory=dict)


class Draw:
    """Cumulative tables of one domain, ready for drawing."""

    def __init__(self, domain: Domain) -> None:
        self.domain = domain
        self.tables = {
            name: _Categorical(v.table) for name, v in domain.variables.items() if isinstance(v, Choice)
        }
        self.templates = _Categorical(domain.chances)
        self.most = -(-(ROW - 1 - len(domain.header)) // int(domain.lengths.min()))
        self.literal = [
            np.array([IDS["."] if p.word < 0 else p.word for p in pieces]) for pieces in domain.pieces
        ]

    def chain(self, rng: np.random.Generator, rows: int) -> tuple[np.ndarray, np.ndarray]:
        """Templates and states [rows, most] of the sentences of `rows` documents."""
        uniform = rng.random((rows, self.most))
        if len(self.domain.states) == 1:
            states = np.zeros((rows, self.most), dtype=np.int64)
            return self.templates.pick(states, uniform), states
        states = np.empty((rows, self.most), dtype=np.int64)
        templates = np.empty((rows, self.most), dtype=np.int64)
        state = np.zeros(rows, dtype=np.int64)
        for s in range(self.most):
            states[:, s] = state
            templates[:, s] = self.templates.pick(state, uniform[:, s])
            state = self.domain.next[state, templates[:, s]]
        return templates, states


class _Categorical:
    """Draws from the rows of a table by one search in all its cumulative rows laid end to end."""

    def __init__(self, table: np.ndarray) -> None:
        self.shape = table.shape[:-1]
        self.size = table.shape[-1]
        flat = table.reshape(-1, self.size)
        cumulative = np.cumsum(flat, axis=1)
        # The last possible word must catch every number below one, whatever the rounding.
        cumulative = np.where(cumulative >= cumulative[:, -1:], 1.0, cumulative)
        self.ends = (cumulative + np.arange(len(flat))[:, None]).ravel()
        with np.errstate(divide="ignore"):
            self.nats = -np.log(flat)

    def pick(self, row: np.ndarray | int, uniform: np.ndarray) -> np.ndarray:
        """One word's place for each number in [0, 1)."""
        found = np.searchsorted(self.ends, row + uniform, side="right") - np.multiply(row, self.size)
        return np.minimum(found, self.size - 1)

    def row(self, parents: list[np.ndarray]) -> np.ndarray | int:
        """The table's flat row for each combination of parents."""
        if not parents:
            return 0
        out: np.ndarray = parents[0]
        for parent, size in zip(parents[1:], self.shape[1:], strict=True):
            out = out * size + parent
        return out


def draw_rows(
    draw: Draw, rng: np.random.Generator, rows: int, *, notes: bool
) -> tuple[np.ndarray, Notes | None]:
    """Draw `rows` documents: tokens uint16 [rows, 128] and, if asked for, the writer's notes."""
    domain = draw.domain
    templates, states = draw.chain(rng, rows)
    lengths = domain.lengths[templates]
    starts = np.cumsum(lengths, axis=1) - lengths + 1 + len(domain.header)
    width = ROW + domain.longest
    page = np.empty((rows, width), dtype=np.uint16)
    page[:, 0] = IDS[BOS]
    page[:, 1 : 1 + len(domain.header)] = domain.header
    flat = page.reshape(-1)
    book = None
    if notes:
        book = Notes(np.zeros((rows, width)), np.zeros((rows, width), dtype=np.uint8))
    document = _Document(draw, rng, rows, states, templates, book)
    row, place = np.nonzero(starts < ROW)
    begin = row * width + starts[row, place]
    which = templates[row, place]
    order = np.argsort(which, kind="stable")
    bounds = np.searchsorted(which[order], np.arange(len(domain.templates) + 1))
    for k in range(len(domain.templates)):
        chosen = order[bounds[k] : bounds[k + 1]]
        if len(chosen) == 0:
            continue
        at = begin[chosen]
        flat[at[:, None] + np.arange(domain.lengths[k])] = draw.literal[k]
        sentences = _Sentences(document, k, row[chosen], place[chosen])
        for i, piece in enumerate(domain.pieces[k]):
            if piece.variable is not None:
                flat[at + i] = sentences.tokens(piece.variable)
        if book is not None:
            sentences.note(book, at)
    if book is not None:
        book.nats, book.roles = book.nats[:, 1:ROW], book.roles[:, 1:ROW]
    return page[:, :ROW], book


class _Document:
    """The variables that belong to documents rather than to sentences."""

    def __init__(
        self,
        draw: Draw,
        rng: np.random.Generator,
        rows: int,
        states: np.ndarray,
        templates: np.ndarray,
        book: Notes | None,
    ) -> None:
        domain = draw.domain
        self.draw, self.rng, self.states = draw, rng, states
        opened = np.cumsum(domain.opens[states], axis=1)
        self.episode = np.maximum(opened - 1, 0)
        episodes = max(1, int(self.episode.max()) + 1)
        self.values: dict[str, np.ndarray] = {}
        for name, variable in domain.variables.items():
            if isinstance(variable, Choice) and variable.scope == "document":
                table = draw.tables[name]
                parents = table.row([self.values[parent] for parent in variable.given])
                self.values[name] = table.pick(parents, rng.random((rows, episodes)))
            elif isinstance(variable, Binding):
                self.keys = np.argsort(rng.random((rows, len(variable.keys))), axis=1)[:, : variable.capacity]
                self.bound = (rng.random((rows, variable.capacity)) * len(variable.values)).astype(np.int64)
        if book is not None:
            book.values = {name: value[:, 0] for name, value in self.values.items()}


class _Sentences:
    """All sentences of one template in a block: their variables, drawn when first needed."""

    def __init__(self, document: _Document, template: int, row: np.ndarray, place: np.ndarray) -> None:
        self.document, self.template, self.row, self.place = document, template, row, place
        self.domain = document.draw.domain
        self.state = document.states[row, place]
        self.values: dict[str, np.ndarray] = {}
        self.nats: dict[str, np.ndarray] = {}
        self.binding = self.domain.templates[template].binding
        if self.binding is not None:
            known = self.domain.bound[self.state]
            if self.binding == "new":
                self.entry = known
            else:
                self.entry = (document.rng.random(len(row)) * known).astype(np.int64)

    def value(self, name: str) -> np.ndarray:
        """The variable's place in its list of words, for each sentence."""
        if name not in self.values:
            self.values[name] = self._value(name)
        return self.values[name]

    def _value(self, name: str) -> np.ndarray:
        document = self.document
        if name in document.values:
            return document.values[name][self.row, document.episode[self.row, self.place]]
        if name == "key":
            return document.keys[self.row, self.entry]
        if name == "value":
            return document.bound[self.row, self.entry]
        variable = self.domain.variables[name]
        assert isinstance(variable, Choice | Lookup)
        parents = [self.value(parent) for parent in variable.given]
        if isinstance(variable, Lookup):
            return variable.table[tuple(parents)]
        table = document.draw.tables[name]
        return table.pick(table.row(parents), document.rng.random(len(self.row)))

    def tokens(self, name: str) -> np.ndarray:
        """Token ids of the variable, for each sentence."""
        if name in ("key", "value"):
            memory = self.domain.variables["memory"]
            assert isinstance(memory, Binding)
            return (memory.keys if name == "key" else memory.values)[self.value(name)]
        variable = self.domain.variables[name]
        assert isinstance(variable, Choice | Lookup)
        return variable.words[self.value(name)]

    def note(self, book: Notes, at: np.ndarray) -> None:
        """Write down the surprise and the role of every word of these sentences."""
        nats, roles = book.nats.reshape(-1), book.roles.reshape(-1)
        for i, piece in enumerate(self.domain.pieces[self.template]):
            nats[at + i] = self.domain.branch[self.state, self.template, i]
            if piece.variable is None:
                continue
            role, surprise = self._surprise(piece.variable, piece.told)
            nats[at + i] += surprise
            roles[at + i] = ROLES.index(role)

    def _surprise(self, name: str, told: bool) -> tuple[str, np.ndarray | float]:
        if name in ("key", "value"):
            memory = self.domain.variables["memory"]
            assert isinstance(memory, Binding)
            known = self.domain.bound[self.state]
            if self.binding == "old":
                return ("chosen", np.log(known)) if name == "key" else ("recall", 0.0)
            return "chosen", np.log(len(memory.keys) - known if name == "key" else len(memory.values))
        variable = self.domain.variables[name]
        if isinstance(variable, Lookup):
            return (variable.role, 0.0) if told else ("recall", 0.0)
        assert isinstance(variable, Choice)
        opened = f"{{{name}!}}" in self.domain.templates[self.template].text
        if not told or (variable.scope == "document" and not opened):
            return "recall", 0.0
        table = self.document.draw.tables[name]
        row = table.row([self.value(parent) for parent in variable.given])
        return "chosen", table.nats[row, self.value(name)]
