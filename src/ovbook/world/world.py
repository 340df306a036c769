"""A tiny world: its facts, its language, its three mixes, and the least loss any model can reach on them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ovbook.errors import OvbookError, did_you_mean
from ovbook.files import canonical_json, sha256_bytes
from ovbook.world import mixes, tokenizer
from ovbook.world import words as w
from ovbook.world.facts import RELATIONS, Facts, draw_facts
from ovbook.world.floor import Floor, mix_floor
from ovbook.world.grammar import Domain
from ovbook.world.sample import ROLES, ROW, Notes
from ovbook.world.stream import BLOCK_ROWS, Stream, check_seed

__all__ = ["VERSION", "Annotated", "Document", "World", "open_world"]

VERSION = 1
"""Raised whenever the same seed would write other rows."""


@dataclass(frozen=True)
class Document:
    """One row for people and tests: its text, its section, its 128 tokens, and what its writer had in mind.

    `latents` maps the document's own variables to words (a diary's ``topic`` and ``mood``, a news item's
    ``topic``, ``first``, ``family``, ``place``, a talk's two speakers); `nats` [127] and `roles` [127] are
    as in `Annotated`.
    """

    text: str
    domain: str
    tokens: np.ndarray
    latents: dict[str, str]
    nats: np.ndarray
    roles: tuple[str, ...]


@dataclass(frozen=True)
class Annotated:
    """Rows with what their writer knew.

    rows uint16 [n, 128]; domains [n], an index into `names`; nats float [n, 127], the surprise of each
    predicted token given the world's facts (and a document's hidden latents); roles uint8 [n, 127], an index
    into `ovbook.world.ROLES`: "given", "chosen", "recall", "fact", "answer"; latents, n
    dictionaries as in `Document`.
    """

    rows: np.ndarray
    names: tuple[str, ...]
    domains: np.ndarray
    nats: np.ndarray
    roles: np.ndarray
    latents: tuple[dict[str, str], ...]


class World:
    """The world of one seed.

    The vocabulary never changes; the seed decides the facts. Tables for tasks (all ids are token ids):

    people [4096, 2] two names; facts [4096, 4] the value of each of `relations`; popularity [4096] the
    almanac's Zipf law over people (``gazette_popularity`` the gazette's); `relations` maps a relation to its
    32 value words; `topics` and `moods` a topic or mood to its words; `kinds` an animal kind to its members;
    `opposites` pairs of adjectives; `sizes` animals from small to big; `towns` from north to south;
    `numbers` zero to twenty; `labels` and `format_words` reserved words that no mix ever writes.
    """

    version = VERSION
    mixes = mixes.MIXES

    def __init__(self, seed: int = 0) -> None:
        self.seed = check_seed(seed, "world seed")
        self.vocab: tuple[str, ...] = w.VOCAB
        self.reserved: tuple[str, ...] = w.RESERVED
        self.labels: tuple[str, ...] = w.LABELS
        self.format_words: tuple[str, ...] = w.FORMAT_WORDS
        self.pad, self.bos, self.eos, self.unk = (w.IDS[word] for word in (w.PAD, w.BOS, w.EOS, w.UNK))
        self.context = ROW
        self.tables: Facts = draw_facts(self.seed)
        self.people = self.tables.people
        self.facts = np.stack([self.tables.values[r][self.tables.facts[:, r]] for r in range(4)], axis=1)
        self.popularity = self.tables.popularity
        self.gazette_popularity = self.tables.gazette_popularity
        self.relations: dict[str, tuple[str, ...]] = dict(RELATIONS)
        self.topics: dict[str, tuple[str, ...]] = dict(w.TOPICS)
        self.moods: dict[str, tuple[str, ...]] = dict(w.MOODS)
        self.topic_nouns = self.tables.topic_nouns
        self.mood_words = self.tables.mood_words
        self.kinds: dict[str, tuple[str, ...]] = dict(w.KINDS)
        self.opposites: tuple[tuple[str, str], ...] = w.OPPOSITES
        self.sizes: tuple[str, ...] = w.SIZE_ORDER
        self.towns: tuple[str, ...] = tuple(w.TOWNS[i] for i in np.argsort(self.tables.towns_north))
        self.numbers: tuple[str, ...] = w.NUMBERS
        self._domains: dict[str, dict[str, Domain]] = {}
        self._streams: dict[str, Stream] = {}
        self._floors: dict[str, Floor] = {}

    def __repr__(self) -> str:
        return f"World(seed={self.seed})"

    def __reduce__(self) -> tuple[Any, ...]:
        return open_world, (self.seed,)

    # Text

    def encode(self, text: str) -> list[int]:
        """Token ids of a text; unknown words become ``<unk>``."""
        return tokenizer.encode(text)

    def decode(self, tokens: Sequence[int] | np.ndarray, *, special: bool = False) -> str:
        """Text of token ids, punctuation attached; ``<bos>``, ``<eos>``, ``<pad>`` only if `special`."""
        return tokenizer.decode(np.asarray(tokens).ravel().tolist(), special=special)

    def tokenizer_json(self) -> str:
        """The tokenizer as Hugging Face ``tokenizers`` JSON, with the ids of `encode`."""
        return tokenizer.tokenizer_json()

    @functools.cached_property
    def hash(self) -> str:
        """SHA-256 over version, seed, vocabulary, shares, and every sentence and table of every mix.

        It is what a result's key says about its data: whatever changes the rows, changes it.
        """
        written = {
            mix: {name: domain.fingerprint() for name, domain in self.domains(mix).items()}
            for mix in self.mixes
        }
        return sha256_bytes(canonical_json([VERSION, self.seed, self.vocab, mixes.SHARES, written]))

    # Rows

    def domains(self, mix: str) -> dict[str, Domain]:
        """The sections of a mix with their grammar."""
        mix = self._mix(mix)
        if mix not in self._domains:
            self._domains[mix] = mixes.build(self.tables, mix)
        return self._domains[mix]

    def stream(self, mix: str) -> Stream:
        """The endless rows of a mix: ``stream(mix).batch(seed, step, size)`` gives uint16 [size, 128]."""
        mix = self._mix(mix)
        if mix not in self._streams:
            self._streams[mix] = Stream(self.seed, VERSION, mix, self.domains(mix), mixes.SHARES[mix])
        return self._streams[mix]

    def block(self, mix: str, seed: int, index: int) -> np.ndarray:
        """Block `index` of a mix's stream `seed`: uint16 [BLOCK_ROWS, 128]; a pure function."""
        return self.stream(mix).block(seed, index)

    def annotated(self, mix: str, seed: int, n: int, *, section: str | None = None) -> Annotated:
        """The first `n` rows of stream `seed` with the surprise and the role of every token.

        With `section`, `n` documents of that section alone, from a stream of their own.
        """
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise OvbookError(f"{n!r} documents are not possible: ask for at least 1")
        stream = self.stream(mix)
        parts: list[tuple[np.ndarray, np.ndarray, dict[int, tuple[np.ndarray, Notes]]]]
        if section is None:
            parts = [stream.annotated(seed, index) for index in range(-(-int(n) // BLOCK_ROWS))]
        else:
            page, book = stream.section(self._section(mix, section), seed, int(n))
            here = stream.names.index(section)
            parts = [(page, np.full(n, here), {here: (np.arange(n), book)})]
        rows = np.concatenate([page for page, _, _ in parts])
        nats = np.zeros((len(rows), ROW - 1))
        roles = np.zeros((len(rows), ROW - 1), dtype=np.uint8)
        latents: list[dict[str, str]] = [{} for _ in range(len(rows))]
        domains = self.domains(mix)
        first = 0
        for page, _, notes in parts:
            for d, (where, book) in notes.items():
                nats[first + where], roles[first + where] = book.nats, book.roles
                for name, values in book.values.items():
                    words = np.array(w.VOCAB)[domains[stream.names[d]].variables[name].words[values]]
                    for row, word in zip(where.tolist(), words.tolist(), strict=True):
                        latents[first + row][name] = word
            first += len(page)
        which = np.concatenate([domain for _, domain, _ in parts])
        return Annotated(rows[:n], stream.names, which[:n], nats[:n], roles[:n], tuple(latents[:n]))

    def documents(self, mix: str, seed: int, n: int, *, section: str | None = None) -> list[Document]:
        """The first `n` rows of stream `seed`, or `n` documents of one section, as `Document` objects."""
        known = self.annotated(mix, seed, n, section=section)
        return [
            Document(
                text=self.decode(known.rows[i]),
                domain=known.names[known.domains[i]],
                tokens=known.rows[i],
                latents=known.latents[i],
                nats=known.nats[i],
                roles=tuple(ROLES[role] for role in known.roles[i]),
            )
            for i in range(n)
        ]

    # What can be known

    def floor(self, mix: str) -> Floor:
        """Entropy of a mix in nats per predicted token, given the world's facts (see `Floor`)."""
        mix = self._mix(mix)
        if mix not in self._floors:
            self._floors[mix] = mix_floor(self.domains(mix), mixes.SHARES[mix])
        return self._floors[mix]

    def overlap(self, first: str, second: str) -> dict[str, float]:
        """The share two mixes have in common: ``sections`` by grammar, ``same`` by the very same process."""
        return mixes.overlap(self._mix(first), self._mix(second))

    def person(self, first: str, family: str) -> dict[str, str]:
        """All that is true of one person: relation to value."""
        try:
            row = w.FIRST_NAMES.index(first) * len(w.FAMILY_NAMES) + w.FAMILY_NAMES.index(family)
        except ValueError:
            raise OvbookError(
                f"nobody is called '{first} {family}': first names are {w.FIRST_NAMES[0]}, "
                f"{w.FIRST_NAMES[1]}, ..., family names {w.FAMILY_NAMES[0]}, {w.FAMILY_NAMES[1]}, ..."
            ) from None
        return {name: w.VOCAB[value] for name, value in zip(self.relations, self.facts[row], strict=True)}

    def describe(self) -> dict[str, Any]:
        """The world in plain data, for a page: counts, shares, and its best-known people with their facts."""
        known = np.argsort(-self.popularity)[:5]
        names = [(w.VOCAB[a], w.VOCAB[b]) for a, b in self.people[known]]
        return {
            "seed": self.seed,
            "version": VERSION,
            "words": len(self.vocab),
            "reserved words": len(self.reserved),
            "people": len(self.people),
            "relations": list(self.relations),
            "values per relation": 32,
            "best known": [
                {"name": f"{a} {b}", "popularity": float(p), **self.person(a, b)}
                for (a, b), p in zip(names, self.popularity[known], strict=True)
            ],
            "topics": {name: list(words) for name, words in self.topics.items()},
            "moods": {name: list(words) for name, words in self.moods.items()},
            "kinds": {name: list(words) for name, words in self.kinds.items()},
            "opposites": [list(pair) for pair in self.opposites],
            "towns from north to south": list(self.towns),
            "mixes": {name: dict(share) for name, share in mixes.SHARES.items()},
        }

    def _section(self, mix: str, section: str) -> str:
        known = mixes.SHARES[mix]
        if section not in known:
            near = did_you_mean(str(section), known)
            raise OvbookError(f"section {section!r} is not in the {mix}{near}: it has {', '.join(known)}")
        return section

    def _mix(self, mix: str) -> str:
        if mix not in mixes.SHARES:
            near = did_you_mean(str(mix), mixes.MIXES)
            raise OvbookError(f"mix {mix!r} does not exist{near}: use one of {', '.join(mixes.MIXES)}")
        return mix


@functools.lru_cache(maxsize=8)
def open_world(seed: int = 0) -> World:
    """The world of `seed`, made once and kept: the tables are read-only by convention."""
    return World(seed)
