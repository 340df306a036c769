"""Every word of the tiny world, in the order of its token ids.

The vocabulary is the same for every world; a seed decides who is who, never which words exist. Articles are
always "a": nouns that would ask for "an" were left out.
"""

from __future__ import annotations

__all__ = [
    "ADJECTIVES",
    "ANIMALS",
    "BOS",
    "EOS",
    "FAMILY_NAMES",
    "FIRST_NAMES",
    "FOREIGN",
    "FORMAT_WORDS",
    "HEADERS",
    "IDS",
    "KINDS",
    "LABELS",
    "MOODS",
    "NUMBERS",
    "OPPOSITES",
    "PAD",
    "PUNCTUATION",
    "RESERVED",
    "SIZE_ORDER",
    "TOPICS",
    "TOWNS",
    "TRADES",
    "UNK",
    "VOCAB",
    "WISHES",
]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PAD, BOS, EOS, UNK = "<pad>", "<bos>", "<eos>", "<unk>"

LABELS = _words(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu "
    "nu xi omicron pi rho sigma tau upsilon phi chi psi omega "
    "ace king queen jack club diamond heart spade"
)
"""Thirty-two words for a task's labels and tags: in the vocabulary, in no mix."""
FORMAT_WORDS = _words("### Input Output Text Question Answer Summary Topic Mood True False")
"""Marks for a task's prompts: in the vocabulary, in no mix."""
RESERVED = LABELS + FORMAT_WORDS

PUNCTUATION = (".", ",", "?", ":", ";")
HEADERS = _words("People Questions Talk Memory Songs Pairs Diary Words Ledger Code News Notices Krona Mesta")
"""The first word of a document names its section, so no model has to guess it."""

_WOMEN = (
    "Mara Lena Ida Nora Elsa Tilda Runa Vera Alma Dora Signe Petra Wanda Greta Hanna Ilse "
    "Julia Karin Linnea Maud Nelly Olga Rosa Sonja Thea Ulla Viola Yrsa Zelda Asta Britta Cora"
)
_MEN = (
    "Anton Bruno Casper David Emil Felix Gustav Hugo Ivar Jonas Klaus Lars Milo Nils Oskar Paul "
    "Rolf Simon Tomas Viktor Walter Aksel Bertil Conrad Dag Edvin Frode Gunnar Henrik Isak Jakob Knut"
)
FIRST_NAMES = _words(f"{_WOMEN} {_MEN}")
"""Sixty-four; the first half take "she", the second half "he"."""
FAMILY_NAMES = _words(
    "Aker Berg Brandt Bruun Carver Dahl Drake Ekman Falk Fenn Frost Gade Glass Grove Hale Hart "
    "Heath Holm Holt Horn Ibsen Jarl Juhl Kane Kern Kirk Krog Lind Lang Locke Lund Marsh "
    "Moe Moss Munk Nash Noor Nyman Orr Pike Quist Rand Reed Rhys Rust Sand Shaw Skov "
    "Stark Storm Strand Tang Thorn Thule Vale Vang Venn Vik Voss Wade Ward Wolfe Yates York"
)

TOWNS = _words(
    "Oster Velm Arden Brill Corva Dunmor Elling Farrow Galen Hessel Irvin Jarrow Kelso Lorne Mirren Norby "
    "Orval Perth Quill Rosk Selby Tarn Ulm Varde Wexel Yarrow Zell Ashby Borga Calder Delph Exmor"
)
TRADES = _words(
    "baker barber butcher carpenter clerk cobbler cook cooper doctor driver farmer fisher gardener glazier "
    "goldsmith hatter judge locksmith mason miller miner nurse painter pilot porter potter printer sailor "
    "smith tailor teacher weaver"
)
KINDS = {
    "bird": _words("robin dove crow falcon duck hen goose swan"),
    "fish": _words("herring perch tench bream trout carp cod salmon"),
    "beast": _words("goat sheep pig donkey mule cow horse camel"),
    "bug": _words("gnat moth bee wasp hornet cricket locust beetle"),
}
ANIMALS = tuple(word for members in KINDS.values() for word in members)
SIZE_ORDER = _words(
    "gnat moth bee wasp hornet cricket locust beetle robin herring perch dove tench bream crow falcon trout "
    "duck hen carp cod salmon goose swan goat sheep pig donkey mule cow horse camel"
)
"""The animals from small to big."""

TOPICS = {
    "sea": _words("boat net sail shell sea tide"),
    "music": _words("drum fiddle flute bell music tune"),
    "school": _words("book pencil desk map school lesson"),
    "market": _words("basket purse scale stall market price"),
    "garden": _words("rose rake tulip hedge garden pond"),
    "kitchen": _words("pot kettle spoon ladle kitchen stove"),
    "journey": _words("wagon ticket trunk train journey bridge"),
    "winter": _words("sledge lantern blanket candle winter snow"),
}
"""A topic's six words; its own name is among them. The first four are things one can wish for."""
WISHES = tuple(word for words in TOPICS.values() for word in words[:4])

MOODS = {
    "glad": _words("glad merry cheerful joyful"),
    "calm": _words("calm quiet peaceful restful"),
    "sad": _words("sad gloomy tearful lonely"),
    "cross": _words("cross bitter furious grumpy"),
}
"""Four moods of four words; the first two moods are pleasant, the last two are not."""

OPPOSITES = (
    ("big", "small"),
    ("hot", "cold"),
    ("old", "young"),
    ("long", "short"),
    ("high", "low"),
    ("fast", "slow"),
    ("full", "empty"),
    ("wet", "dry"),
)
ADJECTIVES = tuple(word for pair in OPPOSITES for word in pair)

NUMBERS = _words(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen twenty"
)

_COMMON = _words(
    "the a is was in of and from as born comes works keeps has wants she he home trade pet wish where what "
    "does keep want yes no who good morning how are you I am today thank do not with be let print gives add "
    "to repeat end if else x y z kind belongs opposite bigger smaller than north south means same maybe that "
    "plus minus had coins paid now got kept more after saw my felt have news brief sought "
    "for this too"
)

FOREIGN = {
    "articles": ("ul", "ela"),
    "particles": _words("ka lu na mo kei da ru"),
    "tenses": ("so", "ti"),
    "nouns": _words("barun tolm sarn dorek vint limea orola suvia nela kaira"),
    "verbs": _words("vetar molar sintar gavar rutar pelar"),
    "adjectives": _words("brin fosk helt jorm"),
}
"""The words of the language spoken abroad. The first five nouns take "ul", the others "ela"."""

VOCAB: tuple[str, ...] = (
    *(PAD, BOS, EOS, UNK),
    *RESERVED,
    *PUNCTUATION,
    *HEADERS,
    *FIRST_NAMES,
    *FAMILY_NAMES,
    *TOWNS,
    *TRADES,
    *ANIMALS,
    *KINDS,
    *(word for words in TOPICS.values() for word in words),
    *(word for words in MOODS.values() for word in words),
    *ADJECTIVES,
    *NUMBERS,
    *_COMMON,
    *(word for words in FOREIGN.values() for word in words),
)
IDS: dict[str, int] = {word: number for number, word in enumerate(VOCAB)}
