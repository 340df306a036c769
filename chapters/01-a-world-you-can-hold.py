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
#   ovbook:
#     learn:
#       - what a language model's loss is made of, and how low it could go
#       - which words a model learns to expect first, and which it still misses
#       - why every doubling of the training budget buys less, yet buys something
#       - how this book decides whether a claim holds
#     papers: [springer2025overtrained]
# ---

# %% [markdown]
r"""
# A world you can hold in your hand

**When a language model's loss goes down, what has it learned, and how much is left?** For a model of the internet nobody
can say. Nobody knows how predictable the internet is, so a loss of 2.1 could be nearly perfect or barely begun. This
chapter builds a language small enough that we *do* know: we wrote its grammar and its facts, so we can compute the loss
that no model can beat. Then we let a model of {glue:text}`size_said` parameters learn it, and watch what comes when.

What we found: longer training helps all the way, from a loss of {glue:text}`first_loss` after {glue:text}`first_budget` tokens
to {glue:text}`last_loss` after {glue:text}`last_budget`, where the floor is {glue:text}`floor_said`. (The unit, nats per token, is
explained below; a token here is a word or a mark.) The first doubling of the training budget brings {glue:text}`first_gain`, the
last still {glue:text}`last_gain`. What a phrase dictates is learned first. Facts come slowly. Slowest of all is copying something
said earlier in the same document.

That first finding sounds too dull to be worth a verdict. It is the one on which the rest of the book stands. The next
chapters show models that get *worse* with longer training once something is done to them; this one makes sure that, left
alone, they only get better. (The paper says so of benchmark scores; we say it of the loss.)
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's)
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a training step (default: the scale's)
rate: float = None  # peak learning rate (default: the scale's)
rows: int = 256  # held-out documents on which every loss is measured

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale, seeds=seeds, worlds=worlds, model=model, budgets=budgets, batch=batch, rate=rate, rows=rows
)

# %% [markdown]
r"""
## Six documents from another world

A world is made from one number, its seed. The seed decides who exists, where they were born, what they do and want,
and how famous they are. Everything below is written by a program that then forgets it, so there is always more and
no document is ever repeated: with these worlds, "more tokens" never means "the same tokens again".
"""

# %% tags=["hide-input"]
import textwrap

from ovbook.world import World

world = World(seed=p.worlds[0])
for section in ("People", "Questions", "Diary", "News", "Ledger", "Code"):
    document = world.documents("almanac", seed=1, n=1, section=section)[0]
    print("\n".join(textwrap.wrap(document.text, 72)[:4]), "[…]\n")

# %% [markdown]
r"""
The language has {glue:text}`words_said` words. Each document is one row of 128 tokens with a heading that says what sort
it is: *People* (sentences about people and their lives, {glue:text}`people_share` of all documents), *Questions*, *Talk*, *News*,
*Diary* (with a topic and a mood that are never stated and must be guessed from the words), *Ledger* (small sums), *Memory*
(things to recall from a few lines ago), *Code* (little programs), and a few more. Fame follows {term}`Zipf's law <Zipf law>`: the best-known
person is mentioned twice as often as the second and four thousand times as often as the last, so there is always
somebody whose birthplace the model has not read often enough.
"""

# %%
import pandas as pd

known = pd.DataFrame(world.describe()["best known"])
known.assign(popularity=known["popularity"].map("{:.1%}".format))

# %% [markdown]
r"""
## The floor

Some of what happens next is chance: which of the people is mentioned, which of two ways of saying it. No model
can know that in advance. The average surprise that remains for somebody who knows the grammar *and every fact* is
the **entropy** of the process, and it is the {term}`floor` under every loss in this book. For most kinds of documents we
compute it exactly. Where a document hides something (a diary's mood), we know it between two bounds. For this mix the
floor lies between {glue:text}`floor_low` and {glue:text}`floor_high` nats per token.

A **nat** is the unit of the loss: a model with a loss of 2 nats is on average as unsure as somebody
choosing among *e*² ≈ 7.4 equally likely words. So the floor means that somebody who knows this world still hesitates among
{glue:text}`floor_words` words, where blind guessing hesitates among all {glue:text}`words_said`.

## What the paper did, and what we do

That longer training helps throughout is where Springer and colleagues {cite}`springer2025overtrained` start. They read it off
public models; we check the same sentence where the best possible loss is known.

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| models | OLMo-1B, OLMo-2-7B, Amber-7B | OLMo architecture, {glue:text}`size_said` parameters | section 2 and appendix B, at second hand |
| tokens | 0.04T–3.1T, 0.08T–3.9T, 0.12T–1.3T | {glue:text}`first_budget`–{glue:text}`last_budget` | section 2 and appendix B, at second hand |
| a budget is | a checkpoint of one long run, its rate still above zero | a run of its own, its rate taken to zero | section 3.2, at second hand; OLMo's public configurations |
| measure | ten common benchmarks | loss on {glue:text}`rows_said` held-out documents | section 2, at second hand |
| outcome | better on every task, all the way | the figure below | section 2, at second hand |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

"At second hand" means in a third party's excerpts: of the paper itself we could read the abstract and the beginning.

## The experiment

One training run for each seed, world and budget. A **budget** is the number of tokens a model is trained on in all, and
each run ends with its learning rate at zero. From here on a **seed** fixes a run: its first weights and the order of its
documents; a world has a number of its own. `suite(p)` lists the runs, `Checkpoint` is the model at the end of one, and
`Evaluate` measures its loss on held-out documents (never used in training), as a whole and by kind. `p` holds the settings of
the folded cell above.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Evaluate, suite


def experiment(p):
    """Train every budget to the end; measure it on documents it has not seen."""
    runs = suite(p, ending="annealed")
    return [Evaluate(base=Checkpoint(run=run), rows=p.rows) for run in runs]


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
table = results.table(Evaluate)
whole = table[(table["section"] == "all") & (table["role"] == "all")]
whole[["world", "seed", "tokens", "loss", "truth"]].head()

# %% [markdown]
r"""
`truth` is what somebody who knows everything would score on exactly these documents. It differs a little from the floor because
{glue:text}`rows_said` documents are a sample.
"""

# %% tags=["hide-input"]
from ovbook.charts import against_tokens, figure, reading_slider, say, tokens_label
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
## Does longer training help all the way?
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_curve",
    against_tokens(
        curve,
        y="loss on held-out documents (nats per token)",
        parameters=size,
        floor=corpus.floor.upper,
        title=a0.title(
            "Every doubling brings the model nearer the floor", otherwise="Loss and length of training"
        ),
        description="Held-out loss against pre-training tokens on a log axis. The line falls throughout and "
        "flattens towards the dashed entropy floor.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_curve
:name: fig-curve

Every point is a model trained from scratch to that budget and no further; the band is a 95% {term}`interval` over
{glue:text}`seeds_said` (where the mean of many more such seeds would probably lie). The dashed line is the floor. The upper axis
divides tokens by parameters.
```

How long is long? For large models the compute-optimal point has been put near 20 tokens per parameter (the "Chinchilla" rule), and
small models in daily use are trained past 1,000. On the upper axis of {numref}`fig-curve` we reach {glue:text}`per_parameter`.

Is it a finding? It is the condition under which the others mean something, so it gets a rule and a verdict like
every claim in this book. The rule was written down before these runs were made, after trial runs on another world and other
seeds had shown the same picture.
"""

# %% tags=["remove-input"]
a0

# %% [markdown]
r"""
## What is learned when?

The program that writes the documents knows why it wrote each word. So we can split the loss by what a word *asks* of
its reader: was it **given** by the phrase, **chosen** by chance, to be **recalled** from earlier in the document, the
**answer** of a rule such as a sum, or a **fact** about the world that stands nowhere on the page? For each kind we subtract the
surprise that would remain for somebody who knows everything, so zero means that there is nothing left to learn.
"""

# %% tags=["hide-input", "remove-output"]
by_role = table[(table["section"] == "all") & (table["role"] != "all")].assign(
    excess=lambda t: t["loss"] - t["truth"]
)
learned = summarise(by_role, "excess", by=["tokens", "role"])
figure(
    "fig_roles",
    against_tokens(
        learned,
        y="loss above the floor (nats per token)",
        series="role",
        series_title="kind of word",
        parameters=size,
        zero=True,
        title="What is left to learn, by kind of word",
        description="Loss above the floor against tokens for five kinds of words: given, chosen, recalled, facts, "
        "answers.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_roles
:name: fig-roles

The higher a line, the more of that kind is still to be learned, per word of that kind. {glue:text}`roles_said`
```

Words that the phrase dictates are nearly done by a million tokens. Facts keep arriving. Recalling what was said a few lines
earlier, which needs no knowledge of the world at all, has hardly begun at this size. Since the kinds differ in how often they occur,
the table weighs each by its share of all words: of what separates the model from the floor, how many nats per token are due to which kind?
"""

# %% tags=["hide-input"]
shares = by_role.groupby("role")["predictions"].sum() / by_role["predictions"].sum()
parts = learned.pivot(index="tokens", columns="role", values="mean").mul(shares, axis=1)
parts.rename(index=tokens_label).rename_axis(index=None, columns="budget").round(2)

# %% [markdown]
r"""
## Let it write

Numbers are one way to see a model learn. Reading it is another. The same beginning, about the best-known person of the world (the
table above has the truth), continued by models of one seed after each budget: drag the slider of {numref}`fig-written`, or move
it with the arrow keys.
"""

# %% tags=["hide-input", "remove-output"]
from ovbook.labs import samples

famous = world.describe()["best known"][0]["name"]
written = samples(results, seed=p.seed_numbers[0], corpus=p.corpora[0], prompt=f"People : {famous}", words=60)
figure(
    "fig_written",
    reading_slider(
        written,
        title="The same beginning, after longer and longer training",
        description="Text sampled from the model after each budget, from the shortest training to the longest.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_written
:name: fig-written

What the models of one seed write. The random numbers that choose the words are the same for every budget, so the texts differ by
their models alone.
```

## How claims are judged in this book

Five sources make claims; the book holds {glue:text}`claims_said` of them. Those that have a chapter have a rule. The rules all follow
a few habits, and you have just seen them at work.

1. **The rule comes first.** What is measured, in which direction, and the smallest effect worth calling one are committed
   before the result is seen. Trial runs that shaped a rule are named with it, and their seeds and world are not used again. When a
   rule changes afterwards, a list says so and why.
2. **A seed is one piece of evidence.** Everything inside a seed (noise draws, documents, tasks) is averaged into one number. The "5 seeds" beside
   a verdict is all the evidence there is.
3. **Compare within a seed.** Models that are compared start from the same weights and see the same data in the same order.
4. **Two worlds.** The mean of each of two worlds must lie beyond the smallest effect, too. They share their grammar, words and mix of
   documents; their facts and who is famous are drawn independently.
5. **Four words.** *Reproduced*: the whole interval lies where the claim puts it, beyond the smallest effect. *Not reproduced*:
   it lies wholly on the other side. *Inconclusive*: neither. *Not tested at this scale*: we did not run what it needs, and will
   not pretend. A verdict against a paper is as welcome as one for it.

## How to use this book

**Read it.** Charts answer the mouse, sliders the arrow keys too, and below every figure lie its numbers; nothing of it needs a
connection.
**Run it.** `make lab` opens the chapters as notebooks; change a number and run on. **Run more of it.**
`ovbook run 01 -p seeds=8 -p model=olmo:64x2` executes this chapter with other values; `ovbook plan` says first what it will cost.

## What it means

A loss is a mixture. At the left end of the curve it falls because everything falls, the phrases fastest; at the right end, when the
text already *looks* right, it still falls, most of all through facts. If you judge a model by reading its samples, you will stop
believing in progress well before it stops. And one number hides which of its parts is moving.

Where it stops being true: real text repeats itself, mixes languages and styles, and nobody knows its floor. What carries over is the
order of events, not the numbers.

## Exercises

```{exercise}
:label: ex-floor
Which kind of document has the highest floor, and why? Guess first, then look at `corpus.floor.domains`.
```

```{solution} ex-floor
:class: dropdown
`{name: d.lower for name, d in corpus.floor.domains.items()}` lists them. Songs have the highest, because their lines are made of
freely chosen words; Talk has the lowest, because most of its turns are fixed phrases.
```

```{exercise}
:label: ex-width
Predict the loss of a model of twice the width at the smallest and at the largest budget. Then run
`ovbook run 01 -p model=olmo:64x2 -p seeds=2 -p worlds=1`.
```

```{solution} ex-width
:class: dropdown
We expect the wider one to be ahead everywhere and most at the largest budget, where it has room for more people, and recall to begin
within these budgets. The runs are not on this page: yours decide.
```

```{exercise}
:label: ex-gazette
The world writes a second newspaper, the "gazette", in which other people are famous and some sections are new. Measure the
longest-trained model there: `run = suite(p)[len(p.budgets) - 1]`, then
`execute([Evaluate(base=Checkpoint(run=run), corpora=["world:1/gazette"])]).table(Evaluate)`. What suffers?
```

```{solution} ex-gazette
:class: dropdown
Facts and names, since others are famous; and the section Notices, which the model has never seen, far more than all others.
Sections that both write about the same things, such as sums and programs, cost what they did.
```
"""

# %% tags=["remove-cell"]
import math

from ovbook.claims import load_claims

ends = curve.set_index("tokens")["mean"]
kinds = learned.pivot(index="tokens", columns="role", values="mean").iloc[-1].sort_values()
say(
    size_said=f"{size:,}",
    words_said=f"{len(world.vocab):,}",
    first_gain=f"{ends.iloc[0] - ends.iloc[1]:.2f}",
    last_gain=f"{ends.iloc[-2] - ends.iloc[-1]:.2f}",
    people_share=f"{corpus.floor.share['People']:.0%}",
    rows_said=p.rows,
    per_parameter=f"{ends.index[-1] / size:.0f}",
    first_loss=f"{ends.iloc[0]:.2f}",
    last_loss=f"{ends.iloc[-1]:.2f}",
    first_budget=tokens_label(ends.index[0]),
    last_budget=tokens_label(ends.index[-1]),
    floor_low=f"{corpus.floor.lower:.3f}",
    floor_high=f"{corpus.floor.upper:.3f}",
    floor_said=f"{corpus.floor.upper:.2f}",
    floor_words=f"{math.exp(corpus.floor.upper):.1f}",
    seeds_said=f"{p.seeds} seeds in each of {len(p.worlds)} worlds",
    claims_said=len(load_claims().claims),
    roles_said="At the last budget, "
    + ", ".join(f"{role} words stand {value:.2f}" for role, value in kinds.items())
    + " nats above what can be known.",
)
