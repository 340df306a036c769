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
#       - what fine-tuning costs and buys models that were trained for different lengths
#       - how the learning rate of tuning moves the best length of training
#       - how much of forgetting is a larger step, and how much a more fragile model
#       - why "harder to fine-tune" has two meanings, and which labels show which
#     papers: [springer2025overtrained]
#     after: [02-sensitivity-grows]
# ---

# %% [markdown]
r"""
# Harder to fine-tune

**If you are going to fine-tune a model anyway, is the one that was trained longest the best one to start from?** Nearly everybody
takes the last checkpoint. It has the lowest loss, and nobody remembers a reason not to. This chapter fine-tunes models that differ
only in the length of their training, on the same examples in the same order, and looks at both sides of the bargain: what they learn, and what it does to the
**old loss**, the loss on text of the kind they were pre-trained on.

The short answer: {glue:text}`short_answer` {glue:text}`turn_said` {glue:text}`task_said`

In the press the finding became: 3 trillion tokens are worse than 2.3 trillion {cite}`kinghz2025overwork` ([what the accounts leave out](../popular.md)).
That is about a public model, which this chapter does not touch. It repeats the paper's controlled experiment, where nothing differs but the budget.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation, data and examples (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]], with tasks and twins of your own
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a pre-training step (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
tasks: list = [
    "topic-known-labels",
    "sentiment-known-labels",
    "arithmetic-known-labels",
]  # tuned at every rate
twins: list = ["topic", "sentiment", "arithmetic", "fact"]  # tuned at the middle rate only, as controls
rates: list = [0.001, 0.002, 0.004, 0.008, 0.016]  # peak learning rates of tuning
examples: int = None  # tuning examples, each seen once, 16 a step (default: the scale's)
questions: int = None  # test items on which a task is scored (default: the scale's)
rows: int = None  # held-out documents on which the old loss is measured (default: the scale's)
documents: int = 256  # the same for the old loss by kind of document

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    corpus=corpus,
    model=model,
    budgets=budgets,
    batch=batch,
    rate=rate,
    tasks=tasks,
    twins=twins,
    rates=rates,
    examples=examples,
    questions=questions,
    rows=rows,
    documents=documents,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Springer and colleagues {cite}`springer2025overtrained` took the models of [the last chapter](02-sensitivity-grows), web-text models of
15 to 90 million parameters with each budget a run of its own, fine-tuned them on six data sets, and read two numbers off each. **In
distribution** (ID) is the tuned task itself. **Out of distribution** (OOD) is everything that was not tuned; for the small models that is the loss
on the old web text. They did it at fixed learning rates, the same for every budget, and again with the rate tuned for each budget. The rate is the
knob: it decides how far tuning moves the weights.

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| model | OLMo architecture, 15M–90M parameters | the same architecture, {glue:text}`parameters_said` parameters | sections 3.2–3.4, at second hand |
| budgets | 4B–128B tokens, each annealed to zero | {glue:text}`budgets_said`, each annealed to zero | section 3.2, at second hand |
| tokens per parameter | about 44–8,500 | {glue:text}`per_parameter_said` | our division of the two rows above |
| tuned on | GSM8k, Starcoder-Python, SIQA, MR, RTE, TREC | topic and mood of a diary, small sums; three twins and facts as controls | section 3.4, at second hand |
| words of the answers | those of the data sets: ordinary text | ordinary words; words never seen before in the twins | section 3.4, at second hand |
| rates | from 4e-6 to a maximum for each data set | {glue:text}`rates_said` | section 3.4, at second hand |
| examples, batch, epochs, optimiser | not recovered | {glue:text}`examples_said` examples, 16 a step, once; AdamW, warm-up of 3%, then linear to zero, no weight decay | none: not in what we read |
| ID | perplexity on the task | loss on the answer's words; share of right answers, {glue:text}`questions_said` test items | section 3.4, at second hand |
| OOD | C4 perplexity and its increase | loss on {glue:text}`rows_said` held-out documents, and its increase | section 3.4, at second hand |
| best of many answers | not in what we read | the exact chance that n free answers hold a right one | none: not in what we read |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |

"At second hand" means in a third party's excerpts. We know none of the paper's tuning lengths, so the *sizes* of our effects cannot be compared
with its, only their shapes.

One example a task, long ones cut. Tuning takes its loss on the answer alone.
"""

# %% tags=["hide-input"]
import pandas as pd

from ovbook.corpus import open_corpus
from ovbook.tasks import open_task

pd.set_option("display.max_colwidth", 120)
source = open_corpus(p.corpora[0])
opened = {name: open_task(name, world=source.world) for name in (*p.tasks, *p.twins)}
first_of = {name: task.examples("train", 1, p.seed_numbers[0])[0] for name, task in opened.items()}
pd.DataFrame(
    [{"task": name, "question": e.question[:110], "answer": e.answer} for name, e in first_of.items()]
).set_index("task")

# %% [markdown]
r"""
The tasks in the lower half are twins: the same questions, but the labels are Greek letters, which pre-training never showed; and known facts asked in a new way. They wait until later.

## The experiment

Every base model of the suite is tuned on each task at each rate, from scratch each time. `FineTune` measures the task and the old loss
before and after; `Evaluate` takes the old loss apart by kind of document, at one middle rate.
"""

# %% tags=["experiment"]
from itertools import product

from ovbook.runs import Checkpoint, Evaluate, FineTune, suite


def middle(p):
    """The rate at which tasks are compared: 0.004, or the nearest."""
    return min(p.rates, key=lambda rate: abs(rate - 0.004))


def experiment(p):
    """Tune every base on every task and rate; on twins at the middle rate."""
    pairs = [*product(p.tasks, p.rates), *product(p.twins, [middle(p)])]
    specs = []
    for run in suite(p, ending="annealed"):
        base = Checkpoint(run=run)
        specs.append(Evaluate(base=base, rows=p.documents))
        for task, r in pairs:
            tuned = FineTune(
                base=base,
                task=task,
                rate=r,
                examples=p.examples,
                batch=16,
                rows=p.questions,
                documents=p.rows,
            )
            specs.append(tuned)
            if r == middle(p):
                after = Checkpoint(run=tuned)
                specs.append(Evaluate(base=after, rows=p.documents))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.stats import before_after

results = execute(experiment(p))
tuned = before_after(results.table(FineTune))
shown = ["seed", "tokens", "task", "rate", "base", "loss", "score", "change"]
tuned[shown].head()

# %% [markdown]
r"""
One row is one model after one tuning. `base` and `loss` are the old loss before and after, `score` the share of right answers, `change`
the length of the step: the Euclidean distance that tuning moved the weights.
"""

# %% tags=["hide-input"]
import numpy as np

from ovbook.charts import Slider, against_tokens, figure, paths, say, tokens_label, turning_points
from ovbook.claims import claim, judge
from ovbook.stats import (
    cube,
    inflections,
    mean_interval,
    summarise,
    tuned_on_others,
    u_shape,
    unsaturated_budgets,
)

MEAN, first, last, at = "all, averaged", min(p.budgets), max(p.budgets), middle(p)
size = int(tuned["parameters"].iloc[0])
longest = tuned[tuned["tokens"] == tuned["tokens"].max()]
tuned["misalignment"] = tuned["task"].map(longest.groupby("task")["answer_before"].mean())
tuned["per_change"] = tuned["increase"] / tuned["change"]
tuned["short"] = tuned["task"].str.removesuffix("-known-labels")
three = tuned[tuned["task"].isin(p.tasks)]
declared = claim("A4").rate if claim("A4").rate in p.rates else at
at_declared = three[three["rate"] == declared]
untrained = three["untrained"].mean()
level = summarise(three, "loss", by=["rate"], within=["tokens", "task"]).set_index("rate")["mean"]
kept = [
    r for r in p.rates if level[r] < untrained
] or p.rates  # the others leave worse than an untrained model
best = tuned_on_others(three)
a4, a5, a6, a8, a12, a13 = (
    judge(name, tuned, scale=p.scale, seeds_expected=p.seeds)
    for name in ("A4", "A5", "A6", "A8", "A12", "A13")
)
a7 = judge("A7", best, scale=p.scale, seeds_expected=p.seeds)


def curves(table, value, by=("tokens",)):
    """Means over seeds for each task, and for all of them averaged inside the seed."""
    of_all = summarise(table, value, by=[*by], within=["short"]).assign(short=MEAN)
    found = pd.concat([of_all, summarise(table, value, by=[*by, "short"])], ignore_index=True)
    found.attrs = of_all.attrs
    return found


def named(rate):
    """A rate as the name of a line; in the alphabet's order, which is that of the rates."""
    return f"rate {rate:f}".rstrip("0")


# %% [markdown]
r"""
## What is left of the old skill?

First the old loss, after tuning. The base models improve all the way ([chapter 1](01-a-world-you-can-hold), claim A0); theirs is
the lowest line here. How do the others run?
"""

# %% tags=["hide-input", "remove-output"]
untouched = curves(three[three["rate"] == min(p.rates)], "base").assign(line="not tuned")
after = curves(three[three["rate"].isin(kept)], "loss", ["tokens", "rate"])
lines = pd.concat([untouched, after.assign(line=after["rate"].map(named))], ignore_index=True)
lines.attrs = after.attrs


def lowest(task):
    """Where each line of one task is lowest, in words."""
    rows = after[after["short"] == task].dropna(subset=["mean"])
    low = rows.sort_values("mean").drop_duplicates("rate").sort_values("rate")
    return f"Tuned on {task}; lowest old loss at " + ", ".join(
        f"{tokens_label(t)} tokens (rate {r:g}: {m:.2f})"
        for t, r, m in zip(low["tokens"], low["rate"], low["mean"], strict=True)
    )


figure(
    "fig_after",
    against_tokens(
        lines,
        y="old loss after tuning (nats per token)",
        series="line",
        slider=Slider("short", lines["short"], label="tuned on", start=MEAN),
        sentence=lowest,
        parameters=size,
        title=a5.title(
            "The larger the rate of tuning, the earlier longer training stops paying off",
            otherwise="Old loss after tuning, by rate",
        ),
        description="Old loss after fine-tuning against pre-training tokens, one line for each learning rate and one for the "
        "untouched base model at the bottom, with a slider for the task.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_after
:name: fig-after

Each line is one learning rate of tuning. To the right of a line's lowest point, the model that was trained for longer is the worse one to
have tuned, as far as the old text goes. The slider chooses the task; bands are 95% {term}`intervals <interval>` over {glue:text}`seeds_said`. {glue:text}`ruined_said`
```

Now only the damage, after minus before, at the rate that was declared beforehand, {glue:text}`a4_rate`.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_increase",
    against_tokens(
        curves(at_declared, "increase"),
        y="old loss added by tuning (nats per token)",
        series="short",
        series_title="tuned on",
        parameters=size,
        zero=True,
        title=a4.title(
            "The same tuning costs a longer-trained model more",
            otherwise="What tuning costs, and length of training",
        ),
        description="Increase of the old loss by fine-tuning at one rate against pre-training tokens, for three tasks and their "
        "mean.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_increase
:name: fig-increase

What the same tuning, at the same rate, adds to the old loss. "{glue:text}`mean_name`" is what the verdict is about.
```
"""

# %% tags=["remove-input"]
a4

# %% [markdown]
r"""
A turn needs more than growing damage. The damage must grow *faster than the base model improves*. The table sets the two against
each other at the same rate: where the second column passes the first, the sum turns.
"""

# %% tags=["hide-input"]
balance = summarise(at_declared, "base", within=["short"]).set_index("tokens")[["mean"]]
balance["cost"] = summarise(at_declared, "increase", within=["short"]).set_index("tokens")["mean"]
steps = balance.diff().iloc[1:]
pd.DataFrame(
    {
        "the base model gains": (-steps["mean"]).round(2),
        "forgetting grows by": steps["cost"].round(2),
        "left after tuning": (-steps["mean"] - steps["cost"]).round(2),
    }
).rename(index=lambda t: f"up to {tokens_label(t)}").rename_axis("doubling")

# %% [markdown]
r"""
## The larger the rate, the earlier the turn?
"""

# %% tags=["hide-input", "remove-output"]
turning = inflections(three, "loss", by="rate", within=["task"])
figure(
    "fig_rate_turning",
    turning_points(
        turning,
        x="rate",
        x_title="learning rate of tuning (log scale)",
        budgets=p.budgets,
        title=a5.title(
            "The larger the rate of tuning, the earlier the best budget",
            otherwise="Rate of tuning and the best budget",
        ),
        description="Budget with the lowest old loss after tuning against the learning rate of tuning, one mark for each seed "
        "and world.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_rate_turning
:name: fig-rate-turning

The budget after which more pre-training makes the tuned model worse on old text: one mark a seed, triangles where only a bound is known. A
dashed line joins the geometric means of rates at which every seed turns inside the grid, where there are two.
```
"""

# %% tags=["remove-input"]
a5

# %% [markdown]
r"""
{glue:text}`a5_said`

So tune gently? It costs. The next claim compares the smallest rate with {glue:text}`a8_rate`, near the best for these tasks, on both sides of the
bargain: the turn should come later *and* the task should be learnt worse.
"""

# %% tags=["remove-input"]
a8

# %% [markdown]
r"""
## And the new skill?

Loss on the answers of the test items after tuning, averaged over the three tasks. Read along a row: does a longer-trained model learn the task
better, or worse?
"""

# %% tags=["hide-input"]
own = summarise(three, "answer_loss", by=["rate", "tokens"], within=["task"])
own.pivot(index="rate", columns="tokens", values="mean").rename(columns=tokens_label).round(3)

# %% tags=["remove-input"]
a6

# %% [markdown]
r"""
The mean hides that the tasks go different ways. At rate {glue:text}`a4_rate`, from the shortest training to the longest, the share of right answers {glue:text}`by_task_said`.

With the rate **tuned** for each task and budget, as careful people do, the answer may change: a fragile model could simply ask for a smaller rate. We
choose it on validation items, and for each seed by the *other* seeds, so that no seed's luck picks its own rate. The table has the
chosen rates (the median over seeds) and the old loss that follows.
"""

# %% tags=["hide-input"]
chosen = best.groupby(["short", "tokens"])["rate"].median().unstack("short")
chosen["old loss, averaged"] = summarise(best, "loss", within=["short"]).set_index("tokens")["mean"].round(2)
chosen.rename(index=tokens_label).rename_axis(index="budget", columns=None)

# %% tags=["remove-input"]
a7

# %% [markdown]
r"""
{glue:text}`a7_said`

## The other face: labels nobody has ever said

Everything so far was answered in ordinary words. The twins ask the same questions and want Greek letters for answers, words that pre-training
never showed. A model that never meets a word does not stay neutral about it: every step of pre-training teaches it *not* to say that word. So here
is the same tuning at rate {glue:text}`at_said`, near the best for the tasks, with nothing changed but the labels.
"""

# %% tags=["hide-input", "remove-output"]
pairs = [t for t in p.tasks if t.removesuffix("-known-labels") in p.twins]
both = tuned[
    (tuned["rate"] == at) & tuned["task"].isin([*pairs, *(t.removesuffix("-known-labels") for t in pairs)])
].assign(labels=lambda t: t["task"].isin(pairs).map({True: "ordinary words", False: "unseen words"}))
scores = curves(both, "score", ["tokens", "labels"])


def told(task):
    """What the figure shows of one task, in words."""
    at_end = scores[scores["tokens"].isin([first, last])].set_index(["short", "labels", "tokens"])["mean"]
    return f"{task}: " + "; ".join(
        f"{labels} {at_end[task, labels, first]:.2f} after {tokens_label(first)} tokens, {at_end[task, labels, last]:.2f} after {tokens_label(last)}"
        for labels in sorted(set(both["labels"]))
    )


figure(
    "fig_labels",
    against_tokens(
        scores,
        y="share of right answers after tuning",
        series="labels",
        slider=Slider("short", [MEAN, *sorted(set(both["short"]))], label="task", start=MEAN),
        sentence=told,
        parameters=size,
        zero=True,
        title="The same tasks, answered in ordinary words and in words never seen",
        description="Share of right answers after fine-tuning against pre-training tokens, with labels that are ordinary words "
        "and with labels that pre-training never showed; a slider chooses the task.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_labels
:name: fig-labels

Two lines, one difference: whether the labels are words that the model has seen. Guessing gets 1 in 8, 1 in 4 and 1 in 2 for topic, sentiment and
arithmetic. This control has no rule and no verdict.
```

{glue:text}`labels_said` The table shows what happens on the way. "Surprise" is the loss on the right answer, before tuning and after.
"""

# %% tags=["hide-input"]
columns = {
    "answer_before": "surprise before",
    "answer_loss": "surprise after",
    "score": "right answers",
    "increase": "old loss added",
}
faces = {
    name: summarise(both, c, by=["labels", "tokens"], within=["short"]).set_index(["labels", "tokens"])[
        "mean"
    ]
    for c, name in columns.items()
}
pd.DataFrame(faces).round(2).rename(index=tokens_label, level="tokens").rename_axis(["labels", "budget"])

# %% [markdown]
r"""
{glue:text}`surprise_said`

Why? The following is an explanation that we looked for after seeing the results, and no test. The model's output matrix has one row for each word, the direction in which its state must point for the word
to come out. Words that never occur are all pushed away in the same manner at every step, so nothing keeps their rows apart. Here is how far the rows of a task's labels lie from their common mean, in the
base models:
"""

# %% tags=["hide-input"]
from ovbook.models import head_name, load_checkpoint


def spread(base, tasks):
    """Mean distance of the labels' output rows from their common mean, averaged over tasks."""
    weights, shape = load_checkpoint(results.checkpoint(base))
    text = open_corpus(base.root.corpus)
    words = [text.encode(" ".join(open_task(t, world=text.world).choices)) for t in tasks]
    rows = [weights[head_name(shape)][0, list(ids)] for ids in words]
    return float(np.mean([(r - r.mean(0)).norm(dim=1).mean() for r in rows]))


of_labels = {"ordinary words": pairs, "unseen words": [t.removesuffix("-known-labels") for t in pairs]}
bases = {spec.base for spec in results.of(FineTune)}
apart = pd.DataFrame(
    [
        {"budget": b.at, "seed": b.root.seed, "labels": name, "spread": spread(b, members)}
        for b in bases
        for name, members in of_labels.items()
        if members
    ]
)
apart.pivot_table(index="budget", columns="labels", values="spread").round(2).rename(index=tokens_label)

# %% [markdown]
r"""
{glue:text}`spread_said` We tuned the twins at one rate only; a larger one, or more steps, may tell the labels apart again, at a still higher price in old text.

So "harder to fine-tune" can mean two things. A model may *learn the task worse*, or *forget more* while learning it about as well as before. {glue:text}`faces_said` The paper's tasks are ordinary text, so the judged ones are those with
ordinary words. We chose them after trial runs on another world and other seeds had shown what unseen labels do; had we judged the others, the verdict on the task's own loss (A6) might well be another one.

## A larger step, or a more fragile model?

Tuning may move a longer-trained model *further*, or the same move may *hurt it more*. The first author puts it as a
product: forgetting is the size of the change times the {term}`sensitivity <progressive sensitivity>`. We know how far each tuning went, so we can take the product apart.
"""

# %% tags=["hide-input", "remove-output"]
some = three[three["rate"].isin(kept)]
forgetting = summarise(some, "increase", by=["tokens", "rate"], within=["task"])
length = summarise(some, "change", by=["tokens", "rate"], within=["task"])
products = forgetting.assign(at=length["mean"])
figure(
    "fig_size",
    paths(
        products,
        series="tokens",
        along="rate",
        x="length of the change ‖Δθ‖",
        y="old loss added by tuning (nats per token)",
        series_title="pre-training tokens",
        along_title="rate",
        write=tokens_label,
        title=a13.title(
            "A change of the same length costs a longer-trained model more",
            otherwise="Forgetting and the length of the change",
        ),
        description="Increase of the old loss against the length of the change of the weights, one line for each budget, with a "
        "point for each learning rate.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_size
:name: fig-size

Each line is one budget, its points are the rates of tuning. If only the step were larger, all lines would be one. The height of a line over the same
length of change is the model's fragility.
```

{glue:text}`product_said`
"""

# %% tags=["remove-input"]
a13

# %% [markdown]
r"""
## Which tuning sets trigger it?

The theory says: those that are least like what came before. Our measure of *misalignment* was declared in the rule: how surprising a task's right answers are
to the longest-trained base models, in nats per word. Seven tasks at rate {glue:text}`at_said`, from the least to the most misaligned; the turn is the median over seeds and
worlds.
"""

# %% tags=["hide-input"]
seven = tuned[tuned["rate"] == at]
turns = inflections(seven, "loss", by="task")


def median_turn(table):
    """The median budget of the turn; a bound where half of the curves or more do not turn inside the grid."""
    bound = {"<=": f"≤ {tokens_label(first)}", ">=": f"≥ {tokens_label(last)}"}
    mostly = [sign for sign in bound if (table["sign"] == sign).mean() >= 0.5]
    return bound[mostly[0]] if mostly else tokens_label(table["tokens"].median())


ranked = seven.groupby("task")["misalignment"].first().sort_values()
pd.DataFrame(
    {
        "misalignment": ranked.round(2),
        "turn": {task: median_turn(turns[turns["task"] == task]) for task in ranked.index},
        "old loss added, longest budget": seven[seven["tokens"] == last]
        .groupby("task")["increase"]
        .mean()
        .round(2),
    }
).loc[ranked.index]

# %% tags=["remove-input"]
a12

# %% [markdown]
r"""
The old loss is an average over everything the model could do. Take it apart: sums, questions about facts, talk and the rest were never tuned, and each is a skill
that can be lost by itself. Before these runs were looked at we wrote down a second predictor, for each **pair** of a tuning set and a kind of
document: the distance of their words (half the sum of the differences of all word frequencies; 0 is the same words, 1 none in common). The farther, the earlier the
turn. The table has the turn of each pair.
"""

# %% tags=["hide-input"]
parts = results.table(Evaluate)
parts = parts[(parts["role"] == "all") & (parts["section"] != "all") & (parts["rate"] == at)]
by_pair = {
    task: inflections(rows, "loss", by="section").assign(task=task) for task, rows in parts.groupby("task")
}
pairs_table = pd.DataFrame(
    {
        task: {section: median_turn(rows) for section, rows in table.groupby("section")}
        for task, table in by_pair.items()
    }
)
pairs_table.rename(columns=lambda name: name.replace("-known-labels", " (ordinary)")) if by_pair else None

# %% tags=["hide-input"]
import re
from collections import Counter

from scipy.stats import spearmanr


def frequencies(texts):
    """Word frequencies of some texts."""
    counts = Counter(word for text in texts for word in re.findall(r"\w+", text))
    return {word: n / counts.total() for word, n in counts.items()}


def distance(one, other):
    """Half the sum of the differences: 0 for the same words, 1 for none in common."""
    return sum(abs(one.get(w, 0) - other.get(w, 0)) for w in one.keys() | other.keys()) / 2


def correlation(by_pair):
    """Rank correlation of distance and turn, one a seed, worlds averaged inside it: over all pairs, and inside a tuning set."""
    worlds = {name.split(":")[1].split("/")[0]: open_corpus(name).world for name in p.corpora}
    text = {
        (world, s): frequencies(d.text for d in w.documents("almanac", 7, 200, section=s))
        for world, w in worlds.items()
        for s in pairs_table.index
    }
    asked = {
        (world, t): frequencies(
            f"{e.question} {e.answer}" for e in open_task(t, world=w).examples("train", 200, 7)
        )
        for world, w in worlds.items()
        for t in by_pair
    }
    every = pd.concat(by_pair.values())
    every = every.assign(
        log=np.log2(every["tokens"]),
        far=[distance(text[w, s], asked[w, t]) for w, s, t in every[["world", "section", "task"]].to_numpy()],
    )
    means = every.groupby(["seed", "task", "section"])[["log", "far"]].mean().reset_index("seed")
    if (means.groupby(["seed", "task"])["log"].nunique() < 2).any():
        return None, None

    def rank(rows):
        return spearmanr(rows["far"], rows["log"]).statistic

    inside = [np.mean([rank(rows) for _, rows in seed.groupby("task")]) for _, seed in means.groupby("seed")]
    return mean_interval([rank(seed) for _, seed in means.groupby("seed")]), mean_interval(inside)


found, inside = correlation(by_pair) if by_pair and len(p.budgets) >= 3 else (None, None)

# %% [markdown]
r"""
{glue:text}`pairs_said`

## Does asking many times help?

Where an exact checker exists, one can sample many answers and keep a right one. We need not sample:
the model's own probability p of the right answer gives the chance that n free answers hold it, 1 − (1 − p)ⁿ. Does computing at test time make up for the
training, or lay open what is wrong with it?
"""

# %% tags=["hide-input", "remove-output"]
groups = {"ordinary labels": pairs, "unseen labels": [t.removesuffix("-known-labels") for t in pairs]}
groups["facts"] = [t for t in p.twins if t == "fact"]
tries = tuned[tuned["rate"] == at].melt(
    ["world", "seed", "tokens", "task", "diverged"],
    [f"best_of_{n}" for n in (1, 4, 16, 64)],
    var_name="n_answers",
    value_name="right",
)
tries["n_answers"] = tries["n_answers"].str.removeprefix("best_of_").astype(float)
of_groups = {
    name: summarise(tries[tries["task"].isin(members)], "right", by=["tokens", "n_answers"], within=["task"])
    for name, members in groups.items()
    if members
}
answers = pd.concat([table.assign(group=name) for name, table in of_groups.items()], ignore_index=True)
answers.attrs = next(iter(of_groups.values())).attrs


def gap(name, n):
    """The chance of a right answer among n, from the shortest and from the longest training."""
    curve = of_groups[name].set_index(["n_answers", "tokens"])["mean"]
    return curve.get((n, first)), curve.get((n, last))


figure(
    "fig_tries",
    against_tokens(
        answers,
        y="chance of a right answer among n",
        series="n_answers",
        series_title="best of",
        slider=Slider("group", list(of_groups), label="tuned on", start=next(iter(of_groups))),
        sentence=lambda name: (
            f"Tuned on {name}: one answer is right with {gap(name, 1)[0]:.2f} after {tokens_label(first)} tokens and "
            f"{gap(name, 1)[1]:.2f} after {tokens_label(last)}; the best of 64 with {gap(name, 64)[0]:.2f} and {gap(name, 64)[1]:.2f}"
        ),
        parameters=size,
        zero=True,
        title="One answer, and the best of many",
        description="Chance that at least one of n sampled answers is right, against pre-training tokens, one line for each "
        "n from 1 to 64, with a slider for the kind of task.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_tries
:name: fig-tries

Each line is a number of answers sampled freely (any word may come) and checked exactly. The slider chooses what was tuned. No rule, no verdict.
```

Beside it, the same numbers for somebody who knows nothing but which words may be answers, and guesses among them with equal chances:
"""

# %% tags=["hide-input"]
lucky = {
    n: 1 - (1 - tuned[tuned["rate"] == at].groupby("task")["chance"].first()) ** n for n in (1, 4, 16, 64)
}
pd.DataFrame(
    {
        (name, f"best of {n}"): {
            f"after {tokens_label(first)}": gap(name, n)[0],
            f"after {tokens_label(last)}": gap(name, n)[1],
            "guessing": lucky[n][members].mean(),
        }
        for name, members in groups.items()
        if members
        for n in (1, 64)
    }
).T.round(2)

# %% [markdown]
r"""
{glue:text}`tries_said`

## What else could explain it

**"The base improved, so there is more to lose."** As in the last chapter, a tuned model whose old loss is near that of an untrained one has lost all it had, and its "increase over base"
only says how good the base was. The {term}`guard <saturation guard>` counts a budget only where the tuned loss lies below halfway from base to untrained. {glue:text}`saturated_said`

**"The step is larger."** {numref}`fig-size` and A13 answer that one.

**"Nobody would tune like that."** {glue:text}`violent_said` A hundred steps on one narrow task are far from the careful tuning of a large model; the shapes are all we can compare. With more steps we expect more learning,
more forgetting and an earlier turn (an exercise).

**"The labels."** {numref}`fig-labels`.

**"One lucky world, one lucky rate."** Each verdict must hold in the mean of both worlds, and rates, tasks and smallest effects were declared beforehand; but after three pilots on another world and two other seeds,
which had already shown the picture. New here are the seeds and worlds.

**What we cannot exclude here.** Each budget ends with its learning rate at zero, so "longer" is more tokens *and* a longer decay, which several groups hold
responsible {cite}`rofin2026decay,yano2026wso`.

## What it means

If you tune one model for one thing and throw the rest away, nothing here tells you to stop pre-training early. If the tuned model must still do what the base model
did, the rate of tuning is the first knob, and the length of pre-training decides how much turning it costs. And before you blame the
length of training for a task that is learnt badly, look at the answers you ask for.{glue:text}`advice_said`

It stops being shown outside models of {glue:text}`parameters_said` parameters, {glue:text}`steps_said` steps of tuning and {glue:text}`per_parameter_last` tokens per parameter. A pull towards the old
weights, some old text in the mix, and a low-rank change are tested in [chapter 7](07-remedies).

## Exercises

```{exercise}
:label: ex-tune-less
Predict what a quarter of the examples does to the turn at rate {glue:text}`at_said`: earlier, later, or the same? Then run
`ovbook run 03 -p examples=400 -p seeds=2 -p worlds=1`.
```

```{solution} ex-tune-less
:class: dropdown
Fewer steps move the weights less far, so we expect less forgetting at every budget and a later turn, as with a smaller rate. The run is not on this page: yours decides. Two seeds are too few for a
verdict.
```

```{exercise}
:label: ex-which-label
Which single word does the longest-trained model find *least* surprising as an answer before it is tuned, an ordinary label or an unseen one? Say why, then look at
`longest.groupby("task")["answer_before"].mean()`.
```

```{solution} ex-which-label
:class: dropdown
An ordinary one: it has occurred. But look at the size. With a vocabulary of some five hundred words, a model that knew nothing at all would be surprised by ln 500 ≈ 6.2 nats. A value above that means that training has pushed the word
down *in this place*, since no number has ever followed "### Output :" either.
```

```{exercise}
:label: ex-other-task
`ovbook run 03 -p tasks=topic-known-labels,topic-unseen-words -p rates=0.002,0.004,0.008 -p seeds=2 -p worlds=1` tunes on half of each topic's words and tests on the other half. Which of the two does
better with longer training, and which verdicts do you get?
```

```{solution} ex-other-task
:class: dropdown
With unseen *question* words only pre-training can connect what was tuned with what is asked, so we expect the short-trained models near chance. All verdicts say "not tested": their rules are declared
for three tasks, and you ran others.
```
"""


# %% tags=["remove-cell"]
import math


def ends(table, value, **where):
    """Means over seeds after the shortest and the longest training, and the interval of the difference."""
    for column, wanted in where.items():
        table = table[table[column] == wanted]
    table = table.groupby(["seed", "tokens"])[value].mean().unstack("tokens")
    change = mean_interval(table[last] - table[first])
    return table[first].mean(), table[last].mean(), change


def moved(change):
    """A difference in words, with its interval."""
    word = "rises" if change.low > 0 else "falls" if change.high < 0 else "does not clearly change"
    return f"{word} (difference {spelled(change, '+.2f')})"


def spelled(interval, digits=".2f"):
    """A mean and its interval, with real minus signs; the mean alone where one seed gives no interval."""
    ends = [interval.low, interval.high] if math.isfinite(interval.low) else []
    text = f"{interval.mean:{digits}}" + (f" [{', '.join(f'{e:{digits}}' for e in ends)}]" if ends else "")
    return text.replace("-", "−")


few, many, _ = ends(at_declared, "increase")
costs = f"adds {few:.2f} nats per token to the old loss of the shortest-trained model and {many:.2f} to that of the longest-trained"
ordinary, unseen = (ends(both, "score", labels=name) for name in ("ordinary words", "unseen words"))
forgot, forgot_new = (ends(both, "increase", labels=name)[1] for name in ("ordinary words", "unseen words"))
surprise, surprise_new = (
    ends(both, "answer_before", labels=name) for name in ("ordinary words", "unseen words")
)
longer, per_length = (ends(at_declared, value) for value in ("change", "per_change"))
tuned_loss = summarise(best, "loss", within=["short"])["mean"]


def rise_at(rate):
    """Lowest budget of the mean curve, and how far the last lies above the lowest, which is chosen on other seeds."""
    rows = three[three["rate"] == rate]
    mean = summarise(rows, "loss", within=["short"]).set_index("tokens")["mean"]
    values = cube(rows, "loss", x="tokens", within=["task"]).values
    return int(mean.idxmin()), mean_interval(u_shape(values.mean(axis=0, keepdims=True)).rise[0])


def short_answer():
    """What the chapter found, in a sentence and a number."""
    over = p.seeds > 1 and len(p.budgets) > 2 and rise_at(at)[1].low > 0
    found = {
        "reproduced": "it forgets more, and at a large rate more than it had gained."
        if over
        else "it forgets more.",
        "not reproduced": "as far as these runs go, yes: it forgets no more than the others.",
    }
    return f"{found.get(a4.verdict, 'these runs do not settle it.')} The same tuning (rate {declared:g}) {costs}."


def turn_sentence():
    """Where the mean curves of the declared and of the middle rate turn, if they do."""
    if p.seeds < 2 or len(p.budgets) < 3:
        return "Whether there is a best budget, so few runs cannot show."
    turned, rise = rise_at(declared)
    text = (
        f"The base model's progress outweighs that at first and not in the end: on old text the tuned model is best after {tokens_label(turned)} tokens of pre-training, and "
        f"{spelled(rise)} nats worse after {tokens_label(last)}."
        if rise.low > 0
        else f"The base model's progress makes up for that: from the lowest budget to the last, the old loss after tuning changes by {spelled(rise)} nats, which may be nothing."
    )
    turned, rise = rise_at(at)
    if at == declared or rise.low <= 0:
        return text
    drained = level[at] > (three["base"].mean() + untrained) / 2
    return (
        f"{text} At a rate of {at:g} it does not: the tuned model is best after {tokens_label(turned)} tokens, and {spelled(rise)} nats worse after {tokens_label(last)}"
        + (", though at that rate little of the old skill is left at any budget." if drained else ".")
    )


def ruined_sentence():
    """Which rates are left out of the first figure, and why."""
    out = [r for r in p.rates if r not in kept]
    return (
        f"Left out: {' and '.join(f'{r:g}' for r in out)}, which leave the model at {min(level[r] for r in out):.1f} nats and more, worse than "
        f"one that was never trained ({untrained:.2f})."
        if out
        else ""
    )


def a5_sentence():
    """What the undecided verdict on turning points means."""
    if a5.verdict != "inconclusive":
        return ""
    inside = turning.groupby("rate")["sign"].agg(lambda signs: (signs == "=").mean())
    counts = ", ".join(f"{inside[r]:.0%} at {r:g}" for r in p.rates)
    slow = summarise(three[three["rate"] == min(p.rates)], "loss", within=["short"]).set_index("tokens")[
        "mean"
    ]
    return (
        f"The share of seeds and worlds whose curve turns inside the grid is {counts}. The rule wants all of them at three rates, and was written first, so the verdict stays undecided."
        + (
            " At the smallest rate the mean curve falls to the last budget, as the paper has it for small rates."
            if slow.idxmin() == last
            else ""
        )
    )


def task_sentence():
    """Each task's own score, shortest against longest training, at the declared rate."""
    return "; ".join(
        f"{moved(ends(at_declared, 'score', short=t)[2])} for {t}" for t in sorted(set(at_declared["short"]))
    )


def a7_sentence():
    """What tuning the rate for the task alone leaves of the old skill."""
    low, high = tuned_loss.min(), tuned_loss.max()
    grim = (
        "Careful tuning for the task alone wipes out the old skill at every budget, and then there is little left to compare."
        if low > 0.75 * untrained
        else "Some of the old skill is left."
    )
    return f"The tuned rates leave an old loss between {low:.1f} and {high:.1f} nats, where a model that was never trained has {untrained:.1f}. {grim}"


def surprise_sentence():
    """Why surprise beforehand does not tell the two kinds of label apart, and what is learnt in the end."""
    chance = both[both["labels"] == "unseen words"].groupby("task")["chance"].first()
    guess, after_it = float(-np.log(chance).mean()), ends(both, "answer_loss", labels="unseen words")[1]
    text = (
        f"Before tuning, the surprise of the right answer goes from {surprise[0]:.1f} to {surprise[1]:.1f} nats for "
        f"ordinary words and from {surprise_new[0]:.1f} to {surprise_new[1]:.1f} for unseen ones: no text ever put an answer in such a place."
    )
    if abs(after_it - guess) < 0.1 * guess:
        text += (
            f" The difference comes after. Somebody who knows which words are the labels and guesses among them has a surprise of {guess:.2f}; the longest-trained "
            f"models end at {after_it:.2f}. They have learnt which words are wanted, and nothing of which one when."
        )
    return text


def spread_sentence():
    """Whether the rows of unseen labels have become one."""
    table = apart.pivot_table(index="budget", columns="labels", values="spread")
    told = "; ".join(f"{name} {table[name].iloc[0]:.2f} to {table[name].iloc[-1]:.2f}" for name in table)
    if not table["unseen words"].iloc[-1] < 0.25 * table["unseen words"].iloc[0]:
        return f"From the shortest to the longest training: {told}."
    return (
        f"From the shortest to the longest training: {told}. In the end all unseen labels are one and the same word to the model, as far as its output matrix goes, and tuning must first "
        f"pull them apart again before any can mean something. Ordinary words stay apart, because the text tells them apart."
    )


def saturated_sentence():
    """Which rates the guard lets count at every budget, and which it stops."""
    keys = ["world", "seed", "tokens", "rate"]
    means = three.groupby(keys)[["loss", "base", "untrained"]].mean().reset_index()
    free = unsaturated_budgets(means, by="rate")
    whole = [f"{r:g}" for r in free.index if free.loc[r].all()]
    part = [
        f"{r:g} at {', '.join(tokens_label(t) for t in free.columns if free.loc[r, t]) or 'no budget'}"
        for r in free.index
        if not free.loc[r].all()
    ]
    return (
        (f"At the rates {', '.join(whole)} every budget counts. " if whole else "")
        + (f"Of the others, {'; '.join(part)}." if part else "")
    ).strip()


def product_sentence():
    """How much of the growth is length, and how much is fragility."""
    stretch, fragile = longer[1] / longer[0], per_length[1] / per_length[0]
    if not (few > 0 and many > 0):
        return "At the judged rate the shortest-trained model forgot nothing, so there is no ratio to take apart."
    share = (
        "All of the growth is fragility; the steps even got shorter"
        if stretch < 1 < fragile
        else "More of the growth is fragility than length"
        if fragile > max(stretch, 1)
        else "More of it is length"
    )
    return (
        f"At rate {declared:g} tuning moves the longest-trained model {stretch:.2f} times as far as the shortest-trained one, and each "
        f"unit of that length costs {fragile:.1f} times as much. {share}."
    )


def tries_sentence():
    """Where one answer and the best of many are best, for facts."""
    if "facts" not in of_groups or "unseen labels" not in of_groups:
        return ""
    labels, facts = "unseen labels", "facts"
    fall, kept_up = gap(labels, 1), gap(labels, 64)
    hides = fall[1] < 0.75 * fall[0] and kept_up[1] > 0.95 * kept_up[0]
    by_luck = lucky[64][groups[facts]].mean()
    return (
        (
            f"With unseen labels a single answer is right with {fall[0]:.2f} from the shortest-trained model and {fall[1]:.2f} from the longest-trained, and the best of 64 with "
            f"{kept_up[0]:.2f} and {kept_up[1]:.2f}. So many tries do rescue, but by guessing: among a handful of labels, whoever knows the labels needs a checker and no model. "
            if hides
            else f"With unseen labels the best of 64 is right with {kept_up[0]:.2f} from the shortest-trained model and {kept_up[1]:.2f} from the longest-trained. "
        )
        + f"Facts have 32 possible values each, and there the best of 64 comes to {gap(facts, 64)[1]:.2f} after the longest training, "
        + (
            f"less than guessing would ({by_luck:.2f}): the tuned models put their weight elsewhere, and asking again lays that open."
            if gap(facts, 64)[1] < by_luck
            else f"more than guessing would ({by_luck:.2f})."
        )
    )


def earliest():
    """For each tuning set with ordinary labels, the kind of document that turns first."""
    said = []
    for task in p.tasks:
        medians = np.log2(by_pair[task]["tokens"]).groupby(by_pair[task]["section"]).mean()
        said.append(f"{medians.idxmin()} (tuned on {task.removesuffix('-known-labels')})")
    return f"First to turn are {', '.join(said)}."


def pairs_sentence():
    """What became of the predictor of pairs."""
    if found is None:
        return "Here there are no kinds of documents to tell apart, or none of them turns."
    if not math.isfinite(found.low):
        return "One seed gives no interval, so nothing is said about the predictor."
    read = (
        "as predicted: the farther, the earlier"
        if found.high < 0
        else "the opposite of the prediction: the farther, the later"
        if found.low > 0
        else "no more than chance would give: the prediction failed"
    )
    return (
        f"Over all pairs the rank correlation of distance and turn is {spelled(found)} "
        f"(n = {found.n} seeds), {read}; inside each tuning set, looked at afterwards, it is {spelled(inside)}. {earliest()} This predictor has no rule in the list of claims and gets no verdict."
    )


say(
    short_answer=short_answer(),
    turn_said=turn_sentence(),
    task_said=f"What it learns of the task is another matter: with answers in ordinary words the share of right ones {moved(ordinary[2])} "
    f"from the shortest to the longest training; with words that pre-training never showed it {moved(unseen[2])}.",
    labels_said=f"With ordinary words the share of right answers is {ordinary[0]:.2f} after {tokens_label(first)} tokens of pre-training and "
    f"{ordinary[1]:.2f} after {tokens_label(last)}; with unseen words {unseen[0]:.2f} and {unseen[1]:.2f}.",
    surprise_said=surprise_sentence(),
    spread_said=spread_sentence(),
    ruined_said=ruined_sentence(),
    a5_said=a5_sentence(),
    faces_said="Here the first shows with labels that were never seen"
    + (" (which also cost most of the old skill)" if forgot_new > forgot else "")
    + ", and the second with ordinary ones."
    if unseen[2].high < ordinary[2].low and a4.verdict == "reproduced"
    else "",
    violent_said=f"True. The rates that teach these tasks best ruin the old skill at every budget; the declared one, {declared:g}, still adds {many:.2f} nats to the longest-trained model."
    if tuned_loss.min() > 0.75 * untrained
    else f"At the declared rate, {declared:g}, tuning adds {many:.2f} nats to the longest-trained model.",
    a7_said=a7_sentence(),
    by_task_said=task_sentence(),
    advice_said=" Words that pre-training never used can be a handicap of your own making, and ordinary ones a much smaller one."
    if unseen[2].high < ordinary[2].low
    else "",
    product_said=product_sentence(),
    tries_said=tries_sentence(),
    pairs_said=pairs_sentence(),
    saturated_said=saturated_sentence(),
    mean_name=MEAN,
    a4_rate=f"{claim('A4').rate:g}",
    a8_rate=f"{max(claim('A8').arms):g}",
    at_said=f"{at:g}",
    parameters_said=f"{size:,}",
    budgets_said=f"{tokens_label(first)}–{tokens_label(last)} tokens",
    per_parameter_said=f"{first / size:.3g}–{last / size:.3g}",
    per_parameter_last=f"{last / size:.0f}",
    rates_said=", ".join(f"{r:g}" for r in p.rates),
    examples_said=f"{p.examples:,}",
    steps_said=f"{p.examples // 16:,}",
    questions_said=p.questions,
    rows_said=p.rows,
    seeds_said=f"{p.seeds} seed{'s' * (p.seeds != 1)}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
