# ---
# jupyter:
#   jupytext:
#     cell_markers: r"""
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
r"""
# A world you can hold in your hand

**When a language model's loss goes down, what has it learned, and how much is left?** For a model of the internet nobody
can say. Nobody knows how predictable the internet is, so a loss of 2.1 could be nearly perfect or barely begun. This
chapter builds a language small enough that we *do* know: we wrote its grammar and its facts, so we can compute the loss
that no model can beat. Then we let a model of {glue:text}`size_said` parameters learn it, and watch what comes when.

What we found: longer training helps all the way, by {glue:text}`a0_slope` nats per token with every doubling, from
{glue:text}`first_loss` after {glue:text}`first_budget` tokens to {glue:text}`last_loss` after {glue:text}`last_budget`, with the
floor at {glue:text}`floor_said`. The grammar is there almost at once. The facts take all the rest.

That first finding sounds too dull to be worth a verdict. It is the one on which the rest of the book stands. The next
chapters show models that get *worse* with longer training once something is done to them; this one makes sure that, left
alone, they only get better.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's)
model: str = None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a training step (default: the scale's)
rate: float = None  # peak learning rate (default: the scale's)
rows: int = 256  # held-out documents on which every loss is measured

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(scale=scale, seeds=seeds, worlds=worlds, model=model, budgets=budgets, batch=batch, rate=rate, rows=rows)

# %% [markdown]
r"""
## Six documents from another world

A world is made from one number, its seed. The seed decides who exists, where they were born, what they do and want,
and how famous they are. Everything below is written by a program that then forgets it, so there is always more and
nothing is ever repeated: in this book "more tokens" never means "the same tokens again".
"""

# %% tags=["hide-input"]
import textwrap

from ovbook.world import World

world = World(seed=p.worlds[0])
seen = set()
for document in world.documents("almanac", seed=1, n=200):
    if document.domain not in seen and len(seen) < 6:
        seen.add(document.domain)
        print(textwrap.fill(document.text, 96)[:400].rsplit("\n", 1)[0], "[…]\n")

# %% [markdown]
r"""
The language has {glue:text}`words_said` words. Each document is one row of 128 tokens with a heading that says what sort
it is: short lives, questions, conversations, news, diaries with a mood that is never named, shopping sums, things to
remember from a few lines ago, little programs. About two fifths are lives. Fame follows Zipf's law: the best-known
person is mentioned twice as often as the second and four thousand times as often as the last, so there is always
somebody whose birthplace the model has not read often enough. This is what keeps it learning for a long time.
"""

# %%
import pandas as pd

pd.DataFrame(world.describe()["best known"]).assign(popularity=lambda t: t["popularity"].map("{:.1%}".format))

# %% [markdown]
r"""
## The floor

Some of what happens next is chance: which of the people is mentioned, which of two ways of saying it. No model
can know that in advance. The average surprise that remains for somebody who knows the grammar *and every fact* is
the **entropy** of the process, and it is the floor under every loss in this book. For most kinds of documents we
compute it exactly. Where a document hides something (a diary's mood), we know it between two bounds. For this mix the
floor lies between {glue:text}`floor_low` and {glue:text}`floor_high` nats per token.

A **nat** is the unit of the loss: a model with a loss of 2 nats is on average as unsure as somebody
choosing among *e*² ≈ 7.4 equally likely words. So the floor means that somebody who knows this world still hesitates among
{glue:text}`floor_words` words, and a model that has learned nothing among all {glue:text}`words_said`.

## The experiment

One run for each seed, world and budget, each with its own learning-rate schedule down to zero. `Evaluate` measures the
loss on held-out documents, as a whole and by kind.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Evaluate, suite


def experiment(p):
    """Train every budget to the end and measure it on documents it has not seen."""
    return [Evaluate(base=Checkpoint(run=run), rows=p.rows) for run in suite(p, ending="annealed")]


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
table = results.table(Evaluate)
whole = table[(table["section"] == "all") & (table["role"] == "all")]
whole[["world", "seed", "tokens", "loss", "truth"]].head()

# %% tags=["hide-input"]
from myst_nb import glue

from ovbook.charts import against_tokens, reading_slider, tokens_label
from ovbook.claims import judge
from ovbook.corpus import open_corpus
from ovbook.models import parameter_count, parse_model
from ovbook.stats import summarise

corpus = open_corpus(p.corpora[0])
size = parameter_count(parse_model(p.model, vocab=corpus.vocab_size, context=corpus.context))
curve = summarise(whole, "loss")
a0 = judge("A0", whole, scale=p.scale, seeds_expected=p.seeds)

# %% [markdown]
r"""
## Longer training helps, all the way
"""

# %% tags=["hide-input"]
against_tokens(
    curve, y="loss on held-out documents (nats per token)", parameters=size, floor=corpus.floor.upper,
    title=a0.title("Every doubling brings the model nearer the floor", otherwise="Loss and length of training"),
    description="Held-out loss against pre-training tokens on a log axis. The line falls throughout and flattens "
    "towards the dashed entropy floor.",
)

# %% [markdown]
r"""
*How to read it.* Every point is a model trained from scratch to that budget and no further; the band is a 95%
interval over {glue:text}`seeds_said`. The dashed line is the floor. The upper axis divides tokens by
parameters: Chinchilla's compute-optimal point for large models lies near 20 tokens per parameter, and small models in
daily use are trained past 1,000.

Is it a finding? It is the condition under which the others mean something, so it gets a rule and a verdict like
every claim in this book. The rule was written down before these runs were made.
"""

# %% tags=["remove-input"]
a0

# %% [markdown]
r"""
## First the grammar, then the facts

The program that writes the documents knows why it wrote each word. So we can split the loss by what a word *asks* of
its reader: was it **given** by the phrase, **chosen** by chance, to be **recalled** from earlier in the document, the
**answer** of a rule such as a sum, or a **fact** about the world that stands nowhere on the page? For each kind we subtract the
surprise that would remain for somebody who knows everything, so zero means that there is nothing left to learn.
"""

# %% tags=["hide-input"]
by_role = table[(table["section"] == "all") & (table["role"] != "all")].assign(excess=lambda t: t["loss"] - t["truth"])
learned = summarise(by_role, "excess", by=["tokens", "role"])
against_tokens(
    learned, y="loss above the floor (nats per token)", series="role", series_title="kind of word", parameters=size,
    zero=True,
    title="What is left to learn, by kind of word",
    description="Loss above the floor against tokens for five kinds of words: given, chosen, recalled, facts, answers.",
)

# %% [markdown]
r"""
*How to read it.* The higher a line, the more of that kind is still to be learned. {glue:text}`roles_said`
"""

# %% [markdown]
r"""
## Let it write

Numbers are one way to see a model learn. Reading it is another. The same beginning, continued by models of one seed
after each budget; drag the slider.
"""

# %% tags=["hide-input"]
from ovbook.labs import samples

written = samples(results, seed=p.seed_numbers[0], corpus=p.corpora[0], words=70)
reading_slider(
    written, title="The same beginning, after longer and longer training",
    description="Text sampled from the model after each budget: word salad first, then sentences, then true facts.",
)

# %% [markdown]
r"""
## How claims are judged in this book

Four papers make claims; the book holds {glue:text}`claims_said` of them, each with a rule. The rules all follow a few habits,
and you have just seen them at work.

1. **The rule comes first.** What is measured, in which direction, and the smallest effect worth calling one are committed
   before the result is seen. When a rule changes afterwards, a page of the book says so and why.
2. **A seed is one piece of evidence.** Everything inside a seed (noise draws, documents, tasks) is averaged into one number. The n
   beside a verdict counts seeds.
3. **Compare within a seed.** Models that are compared start from the same weights and see the same data in the same order.
4. **Two worlds.** A verdict must hold in each of two worlds that share nothing but their grammar.
5. **Four words.** *Reproduced*: the whole interval lies where the claim puts it, beyond the smallest effect. *Not reproduced*:
   it lies wholly on the other side. *Inconclusive*: neither. *Not tested at this scale*: we did not run what it needs, and will
   not pretend. A verdict against a paper is as welcome as one for it.

## How to use this book

**Read it.** Every chart answers the mouse and the keyboard, and the sliders work without a connection to anything.
**Run it.** `make lab` opens the chapters as notebooks; change a number and run on. **Run more of it.**
`ovbook run 01 -p seeds=8 -p model=olmo:64x2` executes this chapter with other values; `ovbook plan` says first what it will cost.

## What it means

A loss is a mixture. At the left end of the curve it falls because the model picks up grammar; at the right end, long after
the text *looks* right, it still falls because rare facts are arriving one by one. If you judge a model by reading its samples,
you will stop believing in progress well before it stops. And what arrives last is also what was seen least often, a thing to
remember when the next chapter starts shaking the weights.

Where it stops being true: real text repeats itself, mixes languages and styles, and nobody knows its floor. What carries over is the
order of events, not the numbers.

## Exercises

```{exercise}
:label: ex-floor
Which kind of document has the highest floor, and why? Guess first, then look at `corpus.floor.domains`.
```

```{solution} ex-floor
:class: dropdown
The ones in which most words are free choices. `{name: d.lower for name, d in corpus.floor.domains.items()}` lists them; a life
story has to choose a person in every sentence, a little program hardly chooses at all.
```

```{exercise}
:label: ex-width
Predict the loss of a model of twice the width at the smallest and at the largest budget. Then run
`ovbook run 01 -p model=olmo:64x2 -p seeds=2 -p worlds=1`.
```

```{solution} ex-width
:class: dropdown
At the smallest budget the two are close, because neither has had time. At the largest the wider one is nearer the floor: it has room for
more people.
```

```{exercise}
:label: ex-gazette
The world writes a second newspaper, the "gazette", about other people. Take the longest-trained model and measure it there:
`Evaluate(base=..., corpora=["world:1/gazette"])`. Which kinds of words suffer?
```

```{solution} ex-gazette
:class: dropdown
Facts, above all: other people are famous there. The phrases it shares with the almanac cost nothing. Chapters on continued
pre-training start from this shift.
```
"""

# %% tags=["remove-cell"]
import math

from ovbook.claims import load_claims


def say(name, text):
    """Give a number to the prose."""
    glue(name, text, display=False)


ends = curve.set_index("tokens")["mean"]
kinds = learned.pivot(index="tokens", columns="role", values="mean")
halved = {role: next((t for t, v in column.items() if v < column.iloc[0] / 2), None) for role, column in kinds.items()}
say("size_said", f"{size:,}")
say("words_said", f"{len(world.vocab):,}")
say("a0_slope", f"{abs(a0.statistic):.2f}" if a0.statistic is not None else "(not judged)")
say("first_loss", f"{ends.iloc[0]:.2f}")
say("last_loss", f"{ends.iloc[-1]:.2f}")
say("first_budget", tokens_label(ends.index[0]))
say("last_budget", tokens_label(ends.index[-1]))
say("floor_low", f"{corpus.floor.lower:.3f}")
say("floor_high", f"{corpus.floor.upper:.3f}")
say("floor_said", f"{corpus.floor.upper:.2f}")
say("floor_words", f"{math.exp(corpus.floor.upper):.1f}")
say("seeds_said", f"{p.seeds} seeds in each of {len(p.worlds)} worlds")
say("claims_said", f"{len(load_claims().claims)}")
say(
    "roles_said",
    "At the last budget, "
    + ", ".join(f"{role} words stand {value:.2f}" for role, value in kinds.iloc[-1].sort_values().items())
    + " nats above what can be known.",
)
