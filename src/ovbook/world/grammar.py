"""A small grammar: variables, templates, states; and what one sentence of it costs in nats, place by place.

A document is a header and a chain of sentences. A **state** offers templates with probabilities; the template
that is drawn leads to the next state. A **template** is a string of words and ``{variables}``, each exactly
one token long, so a template has one length. A **variable** is drawn from a table (`Choice`), follows from
others (`Lookup`), or belongs to the document's own memory (`Binding`).

Two rules make the entropy computable exactly, and `Domain` enforces them when it is built:

* sentences of a state are prefix-free, and where two of them part, the words that may follow are disjoint;
so a
  reader always knows which sentence is being read as far as it has been told;
* a `Lookup` is only told after everything it follows from.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ovbook.world.words import IDS

__all__ = ["Binding", "Choice", "Domain", "Lookup", "Piece", "State", "Template", "entropy"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Entropy in nats along the last axis."""
    p = np.asarray(probabilities, dtype=np.float64)
    return -(p * np.log(np.where(p > 0, p, 1.0))).sum(axis=-1)


@dataclass(frozen=True)
class Choice:
    """A word drawn from `table` [..., words], one leading axis for each variable in `given`.

    ``scope="document"`` draws it once a document (once an episode, where a document holds several); a
    template tells it first with ``{name!}`` and repeats it with ``{name}``. One that is never told is a
    hidden latent.
    """

    words: np.ndarray
    table: np.ndarray
    given: tuple[str, ...] = ()
    scope: str = "sentence"


@dataclass(frozen=True)
class Lookup:
    """A word that follows from the variables `given`: its place in `words` is ``table[given]``.

    `role` says what a model needs in order to predict it: ``"fact"`` (of the world) or ``"answer"`` (a rule).
    """

    words: np.ndarray
    table: np.ndarray
    given: tuple[str, ...]
    role: str


@dataclass(frozen=True)
class Binding:
    """A document's own memory: keys drawn without repetition, each bound to a value drawn uniformly."""

    keys: np.ndarray
    values: np.ndarray
    capacity: int

    @property
    def words(self) -> np.ndarray:
        """All words it may hold."""
        return np.concatenate([self.keys, self.values])


@dataclass(frozen=True)
class Piece:
    """One place of a template: a literal word (`variable` is None) or a variable's token."""

    word: int
    variable: str | None = None
    told: bool = True
    """False where the word is already settled by what the document has said."""


_SLOT = re.compile(r"\{(\w+)(!?)\}")


@dataclass(frozen=True)
class Template:
    """A sentence: words, ``{variables}`` and a `weight` among its state's templates.

    `binding` is "new" (tells a new key and its value) or "old" (asks for one of the bound keys) where the
    template speaks of the document's memory through ``{key}`` and ``{value}``.
    """

    text: str
    weight: float = 1.0
    then: int | None = None
    binding: str | None = None

    def pieces(self) -> tuple[Piece, ...]:
        """The template's places, in order."""
        out: list[Piece] = []
        seen: set[str] = set()
        for word in self.text.split():
            slot = _SLOT.fullmatch(word)
            if slot is None:
                out.append(Piece(IDS[word]))
            else:
                name, opened = slot.groups()
                out.append(Piece(-1, name, told=name not in seen or bool(opened)))
                seen.add(name)
        return tuple(out)


@dataclass(frozen=True)
class State:
    """A set of templates; `then` is the state after a template that names none, `bound` the keys known here.

    `opens` marks the state that begins an episode, which draws the document's variables anew.
    """

    templates: tuple[Template, ...]
    then: int = 0
    bound: int = 0
    opens: bool = False


@dataclass
class Domain:
    """A kind of document: its header word, its variables and its states (the first one starts it).

    `hidden` is the entropy in nats, per episode, of the latents that the reader is never told (or is told
    only at the end); the floor is bounded by leaving it out and by adding it.
    """

    name: str
    variables: Mapping[str, Choice | Lookup | Binding]
    states: Sequence[State]
    hidden: float = 0.0
    hidden_names: tuple[str, ...] = ()
    header: tuple[int, ...] = field(init=False)

    def __post_init__(self) -> None:
        self.header = (IDS[self.name], IDS[":"])
        seen: dict[Template, int] = {}
        for state in self.states:
            for template in state.templates:
                seen.setdefault(template, len(seen))
        self.templates = tuple(seen)
        self.pieces = tuple(template.pieces() for template in self.templates)
        self.lengths = np.array([len(p) for p in self.pieces])
        self.longest = int(self.lengths.max())
        shape = (len(self.states), len(self.templates))
        self.chances = np.zeros(shape)
        self.next = np.zeros(shape, dtype=np.int64)
        for s, state in enumerate(self.states):
            for template in state.templates:
                k = seen[template]
                self.chances[s, k] = template.weight
                self.next[s, k] = state.then if template.then is None else template.then
        self.chances /= self.chances.sum(axis=1, keepdims=True)
        self.bound = np.array([state.bound for state in self.states])
        self.opens = np.array([state.opens for state in self.states])
        self._mean: dict[str, float] = {}
        for pieces in self.pieces:
            self._check_told(pieces)
        self.branch = np.zeros((*shape, self.longest))
        self.slot = np.zeros((*shape, self.longest))
        for s in range(len(self.states)):
            possible = [k for k in range(shape[1]) if self.chances[s, k] > 0]
            self._branches(s, possible, 0, 1.0)
            for k in possible:
                for i, piece in enumerate(self.pieces[k]):
                    self.slot[s, k, i] = self.piece_nats(piece, self.templates[k], int(self.bound[s]))

    def fingerprint(self) -> str:
        """SHA-256 of all that decides what this section writes: sentences, chances, order and tables."""
        digest = hashlib.sha256(repr((self.name, self.templates, tuple(self.variables))).encode())
        arrays = [self.chances, self.next, self.bound, self.opens]
        for variable in self.variables.values():
            arrays += [value for value in vars(variable).values() if isinstance(value, np.ndarray)]
            digest.update(
                repr([v for v in vars(variable).values() if not isinstance(v, np.ndarray)]).encode()
            )
        for array in arrays:
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    # What one place costs

    def piece_nats(self, piece: Piece, template: Template, bound: int) -> float:
        """Mean nats of a place's word, given the template and what was told before it."""
        if piece.variable is None or not piece.told:
            return 0.0
        if piece.variable in ("key", "value"):
            memory = self.variables["memory"]
            assert isinstance(memory, Binding)
            if piece.variable == "key":
                return float(np.log(len(memory.keys) - bound if template.binding == "new" else bound))
            return float(np.log(len(memory.values))) if template.binding == "new" else 0.0
        variable = self.variables[piece.variable]
        if not isinstance(variable, Choice):
            return 0.0
        if variable.scope == "document" and f"{{{piece.variable}!}}" not in template.text:
            return 0.0
        return self.mean_nats(piece.variable)

    def mean_nats(self, name: str) -> float:
        """Entropy in nats of a `Choice`, averaged over the variables that it is drawn given."""
        if name not in self._mean:
            variable = self.variables[name]
            assert isinstance(variable, Choice)
            rows = entropy(variable.table)
            # Equal rows need no weights, and spare us the joint table of people, facts and claims.
            if np.ptp(rows) < 1e-12:
                self._mean[name] = float(rows.flat[0])
            else:
                self._mean[name] = float((self._joint(variable.given) * rows).sum())
        return self._mean[name]

    def _joint(self, names: tuple[str, ...]) -> np.ndarray:
        """Joint probabilities of `names`, in that order, by multiplying out their ancestors."""
        order: list[str] = []

        def visit(name: str) -> None:
            variable = self.variables[name]
            assert isinstance(variable, Choice | Lookup)
            for parent in variable.given:
                visit(parent)
            if name not in order:
                order.append(name)

        for name in names:
            visit(name)
        letter = dict(zip(order, _LETTERS, strict=False))
        joint, axes = np.ones(()), ""
        for name in order:
            variable = self.variables[name]
            assert isinstance(variable, Choice | Lookup)
            table = variable.table
            if isinstance(variable, Lookup):
                table = np.eye(int(table.max()) + 1)[table]
            own = "".join(letter[parent] for parent in variable.given) + letter[name]
            joint = np.einsum(f"{axes},{own}->{axes}{letter[name]}", joint, table)
            axes += letter[name]
        return np.einsum(f"{axes}->{''.join(letter[name] for name in names)}", joint)

    # The tree of sentences

    def _branches(self, state: int, alike: list[int], depth: int, mass: float) -> None:
        """Fill `branch` with the surprise of each parting among the sentences `alike` as far as `depth`."""
        groups: dict[tuple[int, str], list[int]] = {}
        for k in alike:
            if depth == len(self.pieces[k]):
                if len(alike) > 1:
                    raise AssertionError(f"{self.name}: '{self.templates[k].text}' is a prefix of another")
                return
            piece = self.pieces[k][depth]
            name = piece.variable or ""
            if name in ("key", "value"):
                name = f"{self.templates[k].binding} {name}"
            groups.setdefault((piece.word, name), []).append(k)
        weights = [sum(float(self.chances[state, k]) for k in group) for group in groups.values()]
        total = sum(weights)
        for group, weight in zip(groups.values(), weights, strict=True):
            self.branch[state, group, depth] = -np.log(weight / total)
            self._branches(state, group, depth + 1, weight)
        self._check_disjoint(list(groups), [self.templates[g[0]].text for g in groups.values()])

    def _check_disjoint(self, edges: list[tuple[int, str]], texts: list[str]) -> None:
        seen: dict[int, tuple[str, str]] = {}
        for (word, name), text in zip(edges, texts, strict=True):
            support = {word} if not name else set(self._words(name).tolist())
            for token in support:
                before, sentence = seen.get(token, (name, text))
                # A new key and a bound one are words of one list, never the same word in one document.
                if before != name and not (before[:4] in ("new ", "old ") and name[:4] in ("new ", "old ")):
                    raise AssertionError(f"{self.name}: '{sentence}' and '{text}' cannot be told apart")
                seen[token] = (name, text)

    def _words(self, name: str) -> np.ndarray:
        if name[:4] in ("new ", "old "):
            memory = self.variables["memory"]
            assert isinstance(memory, Binding)
            return memory.keys if name.endswith("key") else memory.values
        variable = self.variables[name]
        assert isinstance(variable, Choice | Lookup)
        return variable.words

    def _check_told(self, pieces: tuple[Piece, ...]) -> None:
        told = {name for name, v in self.variables.items() if isinstance(v, Choice) and v.scope == "document"}
        for piece in pieces:
            if piece.variable is None or piece.variable in ("key", "value"):
                continue
            variable = self.variables[piece.variable]
            assert isinstance(variable, Choice | Lookup)
            missing = {name for name in self._sources(variable) if name not in told}
            if missing:
                raise AssertionError(f"{self.name}: {{{piece.variable}}} is told before {sorted(missing)}")
            told.add(piece.variable)

    def _sources(self, variable: Choice | Lookup) -> set[str]:
        """The drawn variables that `variable` rests on."""
        out: set[str] = set()
        for name in variable.given:
            parent = self.variables[name]
            if isinstance(parent, Choice):
                out.add(name)
            elif isinstance(parent, Lookup):
                out |= self._sources(parent)
        return out
