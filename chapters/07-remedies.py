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
#       - how to tell a remedy from a smaller learning rate under another name
#       - what a pull to the old weights does to the turning point, and what it costs the task
#       - how little replay is enough, and what weight averaging and low-rank adapters buy here
#       - what sharpness-aware pre-training changes, at equal tokens and at equal computing
#     papers: [springer2025overtrained, kumar2022distort, wortsman2022wiseft, hu2021lora, foret2021sam, watts2026sharpness, kotha2026replaying]
#     after: [03-harder-to-fine-tune]
# ---

# %% [markdown]
r"""
# Remedies

**Can you fine-tune a long-trained model hard, and keep what it knew?** [Chapter 3](03-harder-to-fine-tune) showed the bargain: a rate that
teaches the task ruins the old skill, and more so the longer the model was trained. People have proposed cures. Here seven of them are
put on one chart, and each is asked the same uncomfortable question: does it do anything that a smaller learning rate would not?

The short answer: {glue:text}`short_answer` {glue:text}`turn_said`
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation, data and examples (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = (
    None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]], with tasks of your own
)
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a pre-training step (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
tasks: list = ["topic-known-labels", "sentiment-known-labels", "arithmetic-known-labels"]  # what is tuned
rates: list = [
    0.0005,
    0.001,
    0.002,
    0.004,
]  # peak learning rates of tuning; remedies are tried at the largest
pulls: list = [10.0]  # pulls towards the pre-trained weights, in units of the rate
replays: list = [0.005, 0.05, 0.25]  # shares of old documents among the tuning rows
shares: list = [0.25, 0.5, 0.75]  # shares of the tuned model in the average of weights
sam: float = 0.1  # radius of sharpness-aware pre-training
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
    rates=rates,
    pulls=pulls,
    replays=replays,
    shares=shares,
    sam=sam,
    examples=examples,
    questions=questions,
    rows=rows,
    documents=documents,
)

# %% [markdown]
r"""
## What the papers did, and what we do

Springer and colleagues {cite}`springer2025overtrained` prove, for a two-layer linear network, that a pull towards the pre-trained weights moves
the turning point later and leaves the new task worse ([chapter 4](04-why-a-theory-you-can-turn) repeats it). On language models they tested **none** of the remedies
below: replay, linear probing before tuning, and weight averaging are suggestions of their discussion. The remedies come from elsewhere:

| remedy | what it is | the papers | this chapter at `laptop` | source |
|---|---|---|---|---|
| pull | decay towards the old weights instead of zero | linear networks, in theory | {glue:text}`pulls_said` times the rate: up to {glue:text}`back_said` of the way back a step | Springer et al., section 4, at second hand |
| smaller rate, fewer examples | do less of it | rates from 4e-6 upwards | {glue:text}`rates_said`; half of the examples | Springer et al., section 3.4, at second hand |
| {term}`replay` | old documents among the tuning rows | 1.87 times the data efficiency on the *new* task, 150M parameters | {glue:text}`replays_said` of the rows ({glue:text}`replayed_said` documents) | Kotha and Liang {cite}`kotha2026replaying`, abstract |
| head first | train the output layer, then all | images: a *new* head is probed, then all is fine-tuned gently | no new head is needed; half the steps on the old output matrix alone, then all at the full rate: the paper's case is not tested | Kumar et al. {cite}`kumar2022distort`, abstract |
| {term}`WiSE-FT` | average the weights of before and after | images | {glue:text}`shares_said` of the tuned model | Wortsman et al. {cite}`wortsman2022wiseft`, abstract |
| {term}`LoRA` | train a small sum beside each matrix | large language models | rank 2, all matrices inside the blocks | Hu et al. {cite}`hu2021lora`, abstract |
| {term}`sharpness-aware <SAM>` pre-training | flat places from the start | 20M–150M parameters: up to 80% less forgetting | radius {glue:text}`sam_said`, {glue:text}`middle_said` tokens | Watts et al. {cite}`watts2026sharpness`, abstract |

Everything else is [chapter 3](03-harder-to-fine-tune)'s: the same base models ({glue:text}`parameters_said` parameters, {glue:text}`budgets_said` tokens), the same three tasks with ordinary words as
answers, {glue:text}`examples_said` examples seen once, {glue:text}`seeds_said`. Where a run is the same, it *is* the same: nothing is trained twice. Remedies are
tried at rate {glue:text}`at_said`, near the best that chapter 3 found for the tasks, with the old skill in ruins, so there is something to cure. All compared values are means over the three tasks.

**Sharpness-aware minimisation** {cite}`foret2021sam` takes the gradient not where the model stands but a small step uphill from there: each training step first climbs a distance ρ along the
gradient, measures the gradient *there*, and goes back. So it prefers places whose neighbourhood is low, too. Every step costs two passes; a model trained so is
therefore compared with a plain one of the same tokens, and with a plain one of twice the tokens, which cost as much.

## What we will call an effect

This was written, and kept, before any run that it judges. Every remedy trades old skill against new. So does a smaller rate, for free. So for each remedy at one
declared strength: **its old loss after tuning, minus the old loss at which the plain rates {glue:text}`rates_said` reach the same loss on the task** (between two rates, on the straight line; tasks averaged first, worlds
inside the seed, so one number a seed). Negative means that the remedy beats turning the rate down. The smallest effect is 0.05 nats per token.

| remedy | declared strength | where |
|---|---|---|
| pull | 10 | longest budget |
| replay | 5% | longest budget |
| head first | half the steps | longest budget |
| LoRA | rank 2 | longest budget |
| fewer examples | half | longest budget |
| WiSE-FT | half and half | longest budget |
| SAM, equal tokens | tuned at rate 0.002 | middle budget, against plain training of as many tokens |
| SAM, equal computing | tuned at rate 0.002 | middle budget, against plain training of twice the tokens |

*Better* or *worse* needs an interval wholly beyond the smallest effect, also after {term}`Holm's correction <Holm correction>` over all that are compared, and the mean of each world beyond it; *none
worth the name* an interval wholly within; anything else is *undecided*. A remedy that learns the task worse than the smallest rate, in any seed, lies *outside the curve* and is not
compared. One that learns it better than every rate is set against the rate that learns it best, which favours the rate if its old loss would go on rising.

Seen before, in pilots of another world and one other seed, at the longest budget: old loss 6.2 at rate 0.004 with nothing done, 1.6 with a pull of 10, 2.5, 1.7 and 1.5 with 0.5%, 5% and
25% replay, 2.8 with the head first, 5.0 with half the examples, 1.8 with LoRA, whose task loss of 1.54 was worse than any other; the rates 0.001 and 0.002 gave 1.7 and 2.5. At 500 thousand
tokens SAM with ρ = 0.05, 0.1 and 0.3 ended 0.09, 0.15 and 0.22 higher than plain training before tuning, and 0.6, 0.7 and 1.0 lower after it.
Averaged weights had not been looked at.

**Added after the results were seen**, and judged by no rule: the direct comparisons with the single rate {glue:text}`gentle_said`, the runs with twice the examples, and the remarks on saturation. The
declared rules and contrasts stand as they were.
"""

# %% tags=["experiment"]
from dataclasses import replace

from ovbook.runs import Blend, Checkpoint, Evaluate, FineTune, Perturb, Sharpness, suite

REPLAY = 0.05  # the declared share
GAMMAS = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4)


def places(p):
    """The shortest, a middle and the longest budget."""
    budgets = sorted(p.budgets)
    return budgets[0], budgets[(len(budgets) - 1) // 2], budgets[-1]


def experiment(p):
    """Tune every base with and without remedies, and score both sides."""
    first, middle, last = places(p)
    hard, rates = max(p.rates), sorted(p.rates)
    gentle = rates[-2:][0]
    share = {"rows": p.questions, "documents": p.rows}

    def tune(base, task, **remedy):
        given = {"rate": hard, "examples": p.examples, "batch": 16}
        return FineTune(base=base, task=task, **share | given | remedy)

    specs = []
    for run in suite(p, ending="annealed"):
        base, longest = Checkpoint(run=run), run.budget == last
        for task in p.tasks:
            plain = tune(base, task)
            # A11: all budgets, with and without the pull.
            held = [tune(base, task, pull=pull) for pull in p.pulls]
            specs += [plain, *held]
            # Smaller rates, and averages with the base: some budgets.
            if run.budget in (first, middle, 2 * middle, last):
                specs += [tune(base, task, rate=r) for r in rates[1:]]
            if run.budget in (first, middle, last):
                ends = (base, Checkpoint(run=plain))
                specs.append(Blend(models=ends, task=task, shares=p.shares, **share))
            if not longest:
                continue
            # The other remedies, and what is left of each kind of text.
            replayed = [tune(base, task, replay=part) for part in p.replays]
            parts = [tune(base, task, parts=name) for name in ("head first", "lora:2")]
            specs += [*replayed, *parts, tune(base, task, rate=rates[0])]
            specs.append(tune(base, task, examples=p.examples // 2))
            # Added after the results were seen: twice the steps, small rates.
            twice = {"examples": 2 * p.examples}
            specs += [tune(base, task, rate=r, **twice) for r in rates[:-1][-2:]]
            middling = [run for run in replayed if run.replay == REPLAY]
            for tuned in (plain, *held, *middling, *parts):
                after = Checkpoint(run=tuned)
                specs.append(Evaluate(base=after, rows=p.documents))
        if longest:
            specs.append(Evaluate(base=base, rows=p.documents))
        # Sharpness-aware models, and plain ones of as many tokens and steps.
        beside = [base] if run.budget in (middle, 2 * middle) else []
        if run.budget == middle:
            aware = Checkpoint(run=replace(run, sam=p.sam))
            specs += [tune(aware, task, rate=gentle) for task in p.tasks]
            beside.append(aware)
        for model in beside:
            specs.append(Perturb(base=model, gammas=GAMMAS, rows=p.rows))
            specs.append(Sharpness(base=model, probes=8, rows=8))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.stats import before_after

results = execute(experiment(p))
tuned = before_after(results.table(FineTune))
shown = ["seed", "tokens", "task", "rate", "pull", "replay", "parts", "base", "loss", "answer_loss"]
tuned[shown].head()

# %% [markdown]
r"""
`loss` is the old loss after tuning, `base` the same before; `answer_loss` is the loss on the task's answers. A remedy should lower the first and leave the second alone.
"""

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, against_tokens, figure, forest, paths, say, tokens_label
from ovbook.claims import judge
from ovbook.stats import (
    above_curve,
    cube,
    estimate,
    increase_over_base,
    mean_interval,
    per_seed,
    reading,
    readings,
    summarise,
    unsaturated,
)
from ovbook.stats import written as nats

EFFECT = 0.05  # smallest difference in old loss that counts, nats per token
first, middle, last = places(p)
hard, rates = max(p.rates), sorted(p.rates)
gentle = rates[-2:][0]
size = int(tuned["parameters"].iloc[0])
LORA, HEAD, WISE, SAM = "LoRA", "head first", "WiSE-FT", "SAM"
FEWER, MORE = "fewer examples", "twice the examples"
DECLARED = {"pull": 10.0, "replay": REPLAY, HEAD: 0.5, LORA: 2.0, FEWER: 0.5, WISE: 0.5}


def kinds(table):
    """Which remedy a run has, and how much of it."""
    kind = [
        ("pull", table["pull"] > 0, table["pull"]),
        ("replay", table["replay"] > 0, table["replay"]),
        (HEAD, table["parts"] == "head first", 0.5),
        (LORA, table["parts"] == "lora:2", 2.0),
        (FEWER, table["examples"] < p.examples, 0.5),
        (MORE, table["examples"] > p.examples, table["rate"]),
        (SAM, table["sam"] > 0, table["sam"]),
    ]
    table = table.assign(remedy="smaller rate", strength=table["rate"])
    for name, which, strength in kind:
        table = table.assign(
            remedy=table["remedy"].mask(which, name), strength=table["strength"].mask(which, strength)
        )
    return table


tuned = kinds(tuned)
mixed = results.table(Blend).assign(remedy=WISE, diverged=False).rename(columns={"share": "strength"})
MEASURES = ["loss", "answer_loss", "score", "change"]
NEEDED = ["corpus", "seed", "tokens", "task", "remedy", "strength", "diverged", *MEASURES]
points = pd.concat([tuned[NEEDED], mixed[NEEDED]], ignore_index=True)
curve = points[points["remedy"] == "smaller rate"]
bare = tuned[tuned["remedy"].isin(["smaller rate", "pull"])]
a11 = judge("A11", bare, scale=p.scale, seeds_expected=p.seeds)

# %% [markdown]
r"""
## The pull moves the turn

First the theory's own remedy. At rate {glue:text}`at_said` every step of tuning also takes each weight a little of the way back to where pre-training left it: {glue:text}`pull_most_said` times the rate of
that step as a share of the way, which is {glue:text}`back_said` at the peak.
"""

# %% tags=["hide-input", "remove-output"]
arms = bare[bare["rate"] == hard]
named = arms["pull"].map(lambda pull: f"pull {pull:g}" if pull else "no pull")
lines = summarise(arms.assign(line=named), "loss", by=["line", "tokens"], within=["task"])
base = summarise(arms[arms["pull"] == 0], "base", within=["task"]).assign(line="not tuned")
both = pd.concat([base, lines], ignore_index=True)
both.attrs = lines.attrs
TURNS = "Without a pull longer training turns harmful; with it no turn is seen"
lowest_seeds = per_seed(arms[arms["pull"] == max(p.pulls)], "loss", by=["tokens"], within=["task"])
lowest_seeds = lowest_seeds.groupby(["seed", "tokens"])["loss"].mean().unstack().idxmin(axis=1)
censored = int((lowest_seeds == last).sum()) == len(lowest_seeds)
figure(
    "fig_pull_models",
    against_tokens(
        both,
        y="old loss after tuning (nats per token)",
        series="line",
        parameters=size,
        title=a11.title(
            TURNS if censored else "A pull towards the old weights puts the turn later",
            otherwise="Old loss after tuning, with and without a pull",
        ),
        description="Old loss after fine-tuning against pre-training tokens, with and without a pull towards the pre-trained "
        "weights, and that of the untouched base model.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_pull_models
:name: fig-pull-models

Three tasks averaged, rate {glue:text}`at_said`. The untouched base model is the lowest any of them could hope for. {glue:text}`pull_said` {glue:text}`guard_said`
```

The other side of the bargain, the loss on the task's answers, and the share of right ones:
"""

# %% tags=["hide-input"]
cost = {
    f"{title}, {name}": summarise(part, value, within=["task"]).set_index("tokens")["mean"]
    for value, title in (("answer_loss", "task loss"), ("score", "right answers"))
    for name, part in arms.assign(line=named).groupby("line")
}
pd.DataFrame(cost).T.round(2).rename(columns=tokens_label).rename_axis(columns="budget")

# %% [markdown]
r"""
{glue:text}`cost_said`
"""

# %% tags=["remove-input"]
a11

# %% [markdown]
r"""
## The frontier

Now all remedies on one chart. To the left the task is learnt better, downwards more of the old skill is left, so the lower left corner is where everybody wants to be. The *smaller
rate* line is what turning one knob buys. What lies below it is a gain.
"""

# %% tags=["hide-input", "remove-output"]
NOTHING = points[(points["remedy"] == "smaller rate") & (points["strength"] == hard)]
SHOWN = ["smaller rate", "pull", "replay", HEAD, LORA, FEWER, MORE, WISE, SAM]


def path(name):
    """The points of one remedy, from nothing done to most of it."""
    own = points[points["remedy"] == name]
    if name in ("smaller rate", MORE):
        return own.assign(order=-np.log(own["strength"]))
    if name == SAM:
        return own.assign(order=1.0)
    way = 1 - own["strength"] if name == WISE else own["strength"]
    start = NOTHING[NOTHING["tokens"].isin(own["tokens"])].assign(order=0.0)
    return pd.concat([start, own.assign(order=way)])


every = pd.concat([path(n).assign(remedy=n) for n in SHOWN if (points["remedy"] == n).any()])
by = ["tokens", "remedy", "order"]
every = every[every["tokens"].isin([first, middle, last])]
frontier = summarise(every, "loss", by=by, within=["task"])
task_loss = summarise(every, "answer_loss", by=by, within=["task"])
frontier["at"] = task_loss["mean"].to_numpy()
untouched = base.set_index("tokens")["mean"]
frontier["untouched"] = frontier["tokens"].map(untouched)
right = summarise(every, "score", by=by, within=["task"])
strongest = summarise(NOTHING, "loss", within=["task"]).set_index("tokens")["mean"]


def at_budget(tokens):
    """What the chart shows at one budget, in words."""
    rows = frontier[(frontier["tokens"] == tokens) & (frontier["order"] != 0)]
    low = rows[rows["remedy"] != "smaller rate"].sort_values("mean").groupby("remedy", sort=False).head(1)
    told = ", ".join(
        f"{r} {m:.2f} (task {a:.2f})" for r, m, a in low[["remedy", "mean", "at"]].itertuples(index=False)
    )
    return f"{tokens_label(tokens)} tokens, rate {hard:g} with nothing done: old loss {strongest[tokens]:.2f}. Lowest old loss by remedy: {told}."


def both_sides(own, other):
    """Mean differences in old and in task loss over seeds, and the cells (of how many) that are better on both."""
    old, new = (
        cube(own, v, within=["task"]).values - cube(other, v, within=["task"]).values
        for v in ("loss", "answer_loss")
    )
    both = (old < 0) & (new < 0)
    return estimate(old[:, :, 0]), estimate(new[:, :, 0]), int(both.sum()), both.size


def of(name, strength, tokens):
    own = points[(points["remedy"] == name) & np.isclose(points["strength"], strength)]
    return own[own["tokens"] == tokens]


def beats(name, rate, tokens=None):
    """A remedy at its declared strength against one plain rate, on both sides; None where it was not run."""
    own, plain = of(name, DECLARED[name], tokens or last), of("smaller rate", rate, tokens or last)
    return both_sides(own, plain) if len(own) and len(plain) else None


def clearly(sides):
    """Whether both intervals of a comparison lie below zero."""
    return sides is not None and all(side.n > 1 and side.high < 0 for side in sides[:2])


def frontier_title():
    """What the chart shows at the longest budget."""
    good = [name for name in ("replay", "pull") if clearly(beats(name, gentle))]
    if not good:
        return "What each remedy keeps of the old, and what it costs the new"
    return f"{listed(good).capitalize()} keep{'s' * (len(good) == 1)} more of the old than rate {gentle:g} and learn{'s' * (len(good) == 1)} the task better"


def listed(names):
    """Names as people list them."""
    names = list(names)
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 2 else names)


figure(
    "fig_frontier",
    paths(
        frontier,
        series="remedy",
        along="order",
        along_title="order along the path",
        x="loss on the task's answers (nats)",
        y="old loss after tuning (nats per token, log scale)",
        log_y=True,
        loose=True,
        named=True,
        reference="smaller rate",
        level=("untouched", "before tuning"),
        columns=2,
        slider=Slider("tokens", frontier["tokens"], label="pre-training", write=tokens_label),
        sentence=at_budget,
        title=frontier_title(),
        description="Old loss after tuning against the loss on the task's answers, one path for each remedy, with a slider for the "
        "pre-training budget.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_frontier
:name: fig-frontier

Each path starts where nothing is done at rate {glue:text}`at_said`, the point that all share, and goes on with more of its remedy; *smaller rate* goes through {glue:text}`rates_said`. *Twice the examples*, the control added later, starts elsewhere, for its rates are smaller.
Whiskers are 95% intervals of the old loss. At {glue:text}`first_said` and {glue:text}`middle_said` tokens only some remedies were run; SAM only at {glue:text}`middle_said`, tuned at {glue:text}`gentle_said`.
```

## Is it more than a smaller rate?

The declared contrast, remedy by remedy: its old loss minus that of plain rates at the same loss on the task.
"""

# %% tags=["hide-input", "remove-output"]


def beyond(own, rates_at):
    """How far a remedy's old loss lies above the curve of rates at its own task loss, [worlds, seeds]."""
    x, y = (cube(rates_at, value, x="strength", within=["task"]).values for value in ("answer_loss", "loss"))
    at, value = (cube(own, v, within=["task"]).values[:, :, 0] for v in ("answer_loss", "loss"))
    return above_curve(x, y, np.maximum(at, x.min(axis=-1)), value)


def at_tokens(tokens):
    return curve[curve["tokens"] == tokens]


asked = {name: (of(name, strength, last), at_tokens(last)) for name, strength in DECLARED.items()}
asked["SAM, equal tokens"] = of(SAM, p.sam, middle), at_tokens(middle)
asked["SAM, equal computing"] = of(SAM, p.sam, middle), at_tokens(2 * middle)
found = {
    name: beyond(own, rates_at)
    for name, (own, rates_at) in asked.items()
    if len(own) and rates_at["strength"].nunique() > 1
}
inside = {name: values for name, values in found.items() if np.isfinite(values).all()}
got = {name: estimate(values) for name, values in inside.items()}
BETTER, WORSE, UNDECIDED = "better", "worse", "undecided"
WORDS = {"an effect": WORSE, "an effect the other way": BETTER}
read = dict.fromkeys(found, "outside the curve")
for name, word in readings(inside, dict.fromkeys(inside, EFFECT)).items():
    read[name] = WORDS.get(word, word)


def by_reading(word):
    return sorted((n for n in read if read[n] == word), key=lambda n: got[n].mean if n in got else 0)


good = by_reading(BETTER)
judged = pd.DataFrame(
    [
        {"remedy": name, "mean": i.mean, "low": i.low, "high": i.high, "n": i.n, "reading": read[name]}
        | {"worlds": " ".join(f"{w:.2f}" for w in found[name].mean(axis=1))}
        for name, i in sorted(got.items(), key=lambda item: item[1].mean)
    ]
)
judged.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_remedies",
    forest(
        judged,
        row="remedy",
        x="old loss minus plain rates (nats)",
        band=(-EFFECT, EFFECT),
        near=EFFECT,
        ticks=[-4, -1, -0.2, 0, 0.2, 1, 4],
        names=["worlds", "reading"],
        title=f"Better than a smaller rate: {listed(good)}"
        if good
        else "Old loss after tuning, against plain rates that learn the task as well",
        description="For each remedy the old loss after tuning minus that of plain rates at the same loss on the task, with "
        "95% intervals and a band for differences too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_remedies
:name: fig-remedies

To the left of the grey band a remedy keeps more of the old than turning the rate down would, at equal task loss. The axis is logarithmic on both
sides of the band. {glue:text}`outside_said`
```

{glue:text}`read_said`

{glue:text}`direct_said`

All that was run at {glue:text}`last_said` tokens, with the distance that tuning moved the weights. "Above the curve" is the same contrast; only the declared strengths are judged; *twice the examples* is the control of the next-to-last section.
"""

# %% tags=["hide-input"]


def whole(own, rates_at):
    """One line of the table."""
    means = {v: summarise(own, v, by=["remedy"], within=["task"])["mean"].item() for v in MEASURES}
    values = beyond(own, rates_at)
    above = nats(estimate(values), 2) if np.isfinite(values).all() else "outside"
    names = ["old loss", "task loss", "right answers", "distance moved"]
    numbers = {n: round(m, 2) for n, m in zip(names, means.values(), strict=True)}
    return numbers | {
        "above the curve": above if own["remedy"].iloc[0] not in ("smaller rate", MORE) else "–"
    }


def label(remedy, strength):
    if remedy == MORE:
        return f"{remedy}, rate {strength:g}"
    number = f"{strength:.3g}" if remedy in ("smaller rate", "pull", LORA) else f"{strength:.3g}".lstrip("0")
    share = f"{100 * strength:g}%"
    return f"{remedy} {share if remedy in ('replay', WISE, HEAD, FEWER) else number}"


at_last = points[points["tokens"] == last]
pd.DataFrame(
    {
        label(remedy, strength): whole(own, at_tokens(last))
        for (remedy, strength), own in sorted(
            at_last.groupby(["remedy", "strength"]), key=lambda item: (SHOWN.index(item[0][0]), item[0][1])
        )
    }
).T

# %% [markdown]
r"""
## What is kept

The old loss is an average over everything the model could do. Here it is by kind of document, at {glue:text}`last_said` tokens and rate {glue:text}`at_said`: what tuning adds, in nats per token, averaged over the
three tasks. The *tasks* that were not tuned say little about keeping: {glue:text}`chance_said`
"""

# %% tags=["hide-input"]
parts = results.table(Evaluate)
parts = parts[(parts["role"] == "all") & (parts["section"] != "all") & (parts["tokens"] == last)]
COLUMNS = {"smaller rate": "nothing done"}


def lost(table):
    """What tuning adds to each kind of document, for each remedy at its declared strength."""
    untouched = table[table["task"].isna()]
    after = kinds(table.dropna(subset=["task"]))
    keep = after.apply(
        lambda row: row["remedy"] == "smaller rate" or np.isclose(row["strength"], DECLARED[row["remedy"]]),
        axis=1,
    )
    added = summarise(after[keep], "loss", by=["remedy", "section"], within=["task"])
    added = added.pivot(index="section", columns="remedy", values="mean")
    before = summarise(untouched, "loss", by=["section"]).set_index("section")["mean"]
    order = [name for name in SHOWN if name in added]
    return added[order].sub(before, axis=0).rename(columns=COLUMNS).assign(before=before)


by_kind = lost(parts) if len(parts) else pd.DataFrame()
by_kind.sort_values("nothing done").round(2) if len(by_kind) else None

# %% [markdown]
r"""
{glue:text}`kinds_said`

## Flat from the start?

SAM costs its price before anybody tunes. {numref}`fig-flat` shakes three models with noise, as [chapter 2](02-sensitivity-grows) does: one trained with SAM on {glue:text}`middle_said` tokens, one trained plainly on
as many, and one trained plainly on twice as many, for the same computing.
"""

# %% tags=["hide-input", "remove-output"]
WAYS = {1: "plain, as many tokens", 2: "SAM", 3: "plain, twice the tokens"}


def ways(table):
    """The three kinds of base model."""
    table = table[table["tokens"].isin([middle, 2 * middle])]
    way = np.where(table["sam"] > 0, 2, np.where(table["tokens"] == middle, 1, 3))
    return table.assign(way=[WAYS[w] for w in way])


shaken = results.table(Perturb, noise="init")
shaken = ways(increase_over_base(shaken, by=["tokens", "sam"]))
damage = summarise(shaken, "increase", by=["way", "gamma"], within=["draw"])
damage["at"] = damage["gamma"]


def flat_title():
    """What noise of 0.2 costs the sharpness-aware model, against the plain one of as many tokens."""
    title = "What noise costs, with and without sharpness-aware pre-training"
    shown = shaken[shaken["gamma"] == 0.2]
    if SAM not in set(shown["way"]):
        return title
    sides = (cube(shown[shown["way"] == WAYS[w]], "increase", within=["draw"]).values for w in (2, 1))
    found = estimate(np.subtract(*sides)[:, :, 0])
    if found.n < 2 or found.low <= 0 <= found.high:
        return title
    return f"Sharpness-aware pre-training makes noise cost {'less' if found.high < 0 else 'more'}"


figure(
    "fig_flat",
    paths(
        damage,
        series="way",
        series_title="pre-training",
        along="gamma",
        x="size of the noise γ (in units of the initial spread)",
        y="loss added by noise (nats per token)",
        title=flat_title(),
        description="Loss added by Gaussian noise on the weights against its size, for a sharpness-aware model, a plain one of as "
        "many tokens and a plain one of as much computing.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_flat
:name: fig-flat

Each model against its own loss without noise. Lower is sturdier.
```

In the table, the *weighted trace* is the curvature of the loss in all directions together, each weight counted by the square of its initial spread. A little
noise of size γ is expected to add γ²/2 times it ([chapter 5](05-tokens-or-decay) derives this).
"""

# %% tags=["hide-input"]
sharp = ways(results.table(Sharpness))
after_gentle = ways(tuned[(tuned["rate"] == gentle) & tuned["remedy"].isin(["smaller rate", SAM])])
rows = {
    "loss before tuning": (shaken[shaken["gamma"] == 0], "loss", ["draw"], ".3f"),
    "sharpness (weighted trace)": (sharp, "noise_trace", [], ".2f"),
    "largest eigenvalue": (sharp, "largest", [], ".1f"),
    "loss added by noise of 0.2": (shaken[shaken["gamma"] == 0.2], "increase", ["draw"], ".3f"),
    "old loss after tuning": (after_gentle, "loss", ["task"], ".2f"),
    "old loss added by tuning": (after_gentle, "increase", ["task"], ".2f"),
    "task loss": (after_gentle, "answer_loss", ["task"], ".3f"),
}


def three_ways(table, value, within, digits):
    """Means by way of pre-training and, in brackets, the paired difference from the plain model of as many tokens."""
    numbers = (
        per_seed(table, value, by=["way"], within=within).groupby(["seed", "way"])[value].mean().unstack()
    )
    against = numbers[WAYS[1]]
    told = {WAYS[1]: f"{against.mean():{digits}}"}
    for way in (WAYS[2], WAYS[3]):
        if way in numbers:
            difference = mean_interval(numbers[way] - against)
            told[way] = f"{numbers[way].mean():{digits}} ({nats(difference, int(digits[1]))})"
    return told


pd.DataFrame({name: three_ways(*row) for name, row in rows.items()}).T

# %% [markdown]
r"""
{glue:text}`flat_said`

## What else could explain it

**"The remedies were chosen on pilots, the rates were not."** Each remedy's one strength was seen on another world and seed before it was declared. The rates needed no choice: a remedy is set against the whole
line of them, at the place where they learn the task as well.

**"Rate {glue:text}`at_said` is a straw man."** {glue:text}`ruin_said` The contrast compares at the *task loss that the remedy reaches*, so it asks what plain tuning must pay for that much
learning. Whoever is content with less learning pays less, and has less to cure.

**"Replay trains on the test."** In a sense: its documents come from the same source as those of the old loss, though never the same ones. That is what replay is. A skill that is neither in the
replayed text nor in the task is not protected by it, and this chapter cannot see such a skill.

**"More steps at a small rate would do as well."** This control was added after the results were seen, and nothing was declared for it: twice as many examples, each seen once, in twice as many steps. {glue:text}`more_said`

**"The straight line flatters."** Between two rates the old loss bends, and a straight line between them lies above the bend; so the contrast makes a remedy that sits between them look better than it is. {glue:text}`line_said`

**"A shorter way."** The table's last columns show how far each remedy moved the weights. {glue:text}`distance_said`

**What this design cannot exclude.** That the ranking turns round in larger models, with longer tuning, or with tasks that need new facts instead of a new question about old ones. LoRA in particular has here a
rank of 2 in matrices of width 32, cannot touch the output matrix, and was tried at one rate.

## What it means

{glue:text}`meaning_said`

It stops being shown outside {glue:text}`steps_said` steps of tuning on models of {glue:text}`parameters_said` parameters, and for every strength that was not run.

## Exercises

```{exercise}
:label: ex-gentle-remedy
Tune at half the rate. Does the pull still beat the plain rates? Predict first: what is there left to cure at 0.002? Then run
`ovbook run 07 -p rates=0.00025,0.0005,0.001,0.002 -p seeds=2 -p worlds=1` and look at {numref}`fig-remedies`.
```

```{solution} ex-gentle-remedy
:class: dropdown
The old loss at 0.002 is much nearer to that of the untouched model, so no remedy can gain as much. At equal rate a pull of 10 also pulls half as hard, for it counts in units of the rate. The verdict box
will say "not tested": A11's rule is declared for 0.004.
```

```{exercise}
:label: ex-both
Replay and a pull at once: add `tune(base, task, pull=10.0, replay=0.05)` to the experiment cell. Do you expect the two to add up? Compare its old loss with that of each alone.
```

```{solution} ex-both
:class: dropdown
Both keep the weights from going where the old loss is high, so what one has saved the other cannot save again. Expect little more than the better of the two.
```

```{exercise}
:label: ex-radius
What becomes of the three columns of the last table with `-p sam=0.3`? Say which rows rise and which fall before you run
`ovbook run 07 -p sam=0.3 -p seeds=2 -p worlds=1`.
```

```{solution} ex-radius
:class: dropdown
In our pilot the larger radius left the base model worse (by 0.22 instead of 0.15 nats after 500 thousand tokens), and flatter: noise of 0.2 added less, and so did tuning. Which of the two counts for more depends on what you
do with the model afterwards.
```
"""


# %% tags=["remove-cell"]
DECLARED_WORDS = {"replay": f"replay of {REPLAY:.0%}", "pull": f"a pull of {DECLARED['pull']:g}"}


def signed(number, digits=2):
    return f"{number:+.{digits}f}".replace("-", "−")


def free(rate, tokens):
    """Whether a plain rate is unsaturated by chapter 2's guard; None where it was not run."""
    own = tuned[(tuned["remedy"] == "smaller rate") & (tuned["rate"] == rate) & (tuned["tokens"] == tokens)]
    if not len(own):
        return None
    loss, base, untrained = (cube(own, v, within=["task"]).values for v in ("loss", "base", "untrained"))
    return bool(unsaturated(loss, base, untrained[:, :, :1])[0])


CONTROLS = sorted(points.loc[points["remedy"] == MORE, "strength"].unique())


def controlled(name):
    """A remedy at its declared strength minus each control with twice the examples, by rate."""
    own = of(name, DECLARED[name], last)
    return {rate: both_sides(own, of(MORE, rate, last)) for rate in CONTROLS} if len(own) else {}


def left_over():
    """The kind of document that replay leaves worst off, in words; nothing where all kinds are kept."""
    if not len(by_kind) or "replay" not in by_kind:
        return ""
    ratio = (1 + by_kind["replay"] / by_kind["before"]).sort_values()
    worst = ratio.index[-1]
    if ratio.iloc[-1] < 1.5:
        return ""
    before = by_kind.loc[worst, "before"]
    return f" Not all is kept: with replay the loss on {worst} still grows {ratio.iloc[-1]:.1f}-fold, from {before:.2f} to {before * ratio.iloc[-1]:.2f}."


def short_answer():
    """What the chapter found, in a sentence and a number."""
    if p.seeds < 2:
        return "one seed does not say."
    kept = [name for name in ("replay", "pull") if clearly(beats(name, gentle)) and free(gentle, last)]
    if not kept:
        if not good:
            return "not with anything tried here, as far as these runs can tell: no remedy clearly beats a smaller rate."
        return f"by the declared contrast {listed(good)} beat{'s' * (len(good) == 1)} a smaller rate; no single rate is clearly beaten on both sides."
    more = " and ".join(f"{-beats(name, gentle)[0].mean:.2f}" for name in kept)
    declared = "; ".join(f"{name} {nats(got[name], 2)}" for name in kept if name in got)
    other_end = ", whose other end is saturated," if not free(hard, last) else ""
    plural = len(kept) > 1
    return (
        (
            f"at {p.examples // 16:,} steps of tuning, yes. {'Both ' * (len(kept) == 2)}{listed(DECLARED_WORDS[name] for name in kept)} learn{'s' * (not plural)} the task better than the plain rate {gentle:g} "
            f"and keep{'s' * (not plural)} {more} nats more of the old (described; the declared contrast{other_end} gives {declared})."
            + more_short(kept)
            + left_over()
        )
        .replace("yes. a pull", "yes. A pull")
        .replace("yes. replay", "yes. Replay")
    )


def means(own):
    """Mean old and task loss."""
    return tuple(summarise(own, v, within=["task"])["mean"].item() for v in ("loss", "answer_loss"))


def near_control():
    """The control that keeps most of the old among those better than one plain rate on both sides: rate, old, task."""
    old, new = means(of("smaller rate", gentle, last))
    ended = [(*means(of(MORE, rate, last))[::-1], rate) for rate in CONTROLS]
    close = sorted((o, t, rate) for t, o, rate in ended if o < old and t < new)
    return close[0] if close else None


def more_short(kept):
    """What the control with twice the steps does to the short answer."""
    if not CONTROLS:
        return ""
    if near_control() is None:
        return f" Twice as many steps at smaller rates are no way round: none is better than rate {gentle:g} on both sides."
    old, new, rate = near_control()
    before = means(of("smaller rate", gentle, last))[0]
    share = listed(
        f"{(before - old) / (before - means(of(name, DECLARED[name], last))[0]):.0%}" for name in kept
    )
    return (
        f" But twice as many examples in twice as many steps at rate {rate:g}, with no remedy, save {share} of that and learn the task to {new:.2f}, against "
        + listed(f"{means(of(name, DECLARED[name], last))[1]:.2f} ({name})" for name in kept)
        + "."
    )


def turn_sentence():
    """A11 in words."""
    if a11.verdict == "not tested at this scale":
        return "Whether a pull moves the turning point is not judged on this run."
    if censored:
        text = f"A pull towards the old weights moves the turning point later by at least {a11.statistic:.2f} doublings (at least {a11.low:.2f}): with the pull no turn is seen up to {tokens_label(last)} tokens"
    else:
        text = f"A pull towards the old weights moves the turning point by {a11.statistic:.2f} [{a11.low:.2f}, {a11.high:.2f}] doublings"
    return text.replace("-", "−") + f" (A11: {a11.verdict})."


def pull_sentence():
    """The lowest points with and without the pull."""
    told = []
    for pull, part in arms.groupby("pull"):
        mean = summarise(part, "loss", within=["task"]).set_index("tokens")["mean"]
        name = f"a pull of {pull:g}" if pull else "no pull"
        end = f"{mean[last]:.2f} after {tokens_label(last)} tokens"
        if mean.idxmin() == last:
            told.append(f"with {name} the old loss is lowest at the end, {end}")
        else:
            low = f"{mean.min():.2f} after {tokens_label(mean.idxmin())} tokens"
            told.append(f"with {name} the old loss is lowest at {low}, and {end}")
    text = "; ".join(told)
    return text[0].upper() + text[1:] + "."


def guard_sentence():
    """At how many budgets the old loss without a pull is saturated."""
    budgets = sorted(arms["tokens"].unique())
    full = [tokens_label(t) for t in budgets if not free(hard, t)]
    if not full:
        return ""
    which = "every budget" if len(full) == len(budgets) else listed(full)
    return f"Without the pull {which} is saturated by chapter 2's guard; A11's rule does not ask for it."


def cost_sentence():
    """What the strongest pull costs the task, budget by budget."""
    costs, rights = {}, {}
    for tokens in sorted(arms["tokens"].unique()):
        with_pull, without = (
            arms[(arms["tokens"] == tokens) & (arms["pull"] == pull)] for pull in (max(p.pulls), 0.0)
        )
        for value, kept in (("answer_loss", costs), ("score", rights)):
            sides = (cube(t, value, within=["task"]).values[:, :, 0] for t in (with_pull, without))
            kept[tokens] = estimate(np.subtract(*sides))
    if p.seeds < 2:
        return ""

    def told(found):
        return f"{signed(found.mean)} [{signed(found.low)}, {signed(found.high)}]"

    clear = [t for t in costs if costs[t].low > 0]
    rest = [t for t in costs if t not in clear]
    text = "The loss on the task with the pull minus without: " + ", ".join(
        f"{told(costs[t])} at {tokens_label(t)}" for t in costs
    )
    text += ". " + (
        f"The cost is clear at {listed(map(tokens_label, clear))}"
        if clear
        else "No cost is clear at any budget"
    )
    text += f", and not at {listed(map(tokens_label, rest))}." if clear and rest else "."
    lower = [t for t in rights if rights[t].high < 0]
    return text + (
        f" Right answers are clearly fewer with it at {listed(map(tokens_label, lower))}."
        if lower
        else " At no budget are right answers clearly fewer with it."
    )


def outside_sentence():
    """Remedies that cannot be compared."""
    out = [n for n in found if n not in inside]
    cells = listed(f"{n} (in {int((~np.isfinite(found[n])).sum())} of {found[n].size} runs)" for n in out)
    one = len(out) == 1
    return (
        f"Not shown: {cells}, which learn{'s' * one} the task worse than the smallest rate in some runs, and so lie{'s' * one} outside the curve."
        if out
        else ""
    )


def read_sentence():
    """All readings."""
    groups = [
        (word, by_reading(word))
        for word in (BETTER, WORSE, "none worth the name", UNDECIDED, "outside the curve")
    ]
    text = "By the declared rule. " + " ".join(
        f"{word.capitalize()}: {listed(names)}." for word, names in groups if names
    )
    for name in by_reading(UNDECIDED):
        if reading(inside[name], EFFECT) != UNDECIDED:
            text += f" {name} ({nats(got[name], 2)}) lies beyond the band by itself, but not after Holm's correction over {len(inside)}."
    return text


def direct_sentence():
    """The direct comparison with one rate, why it is needed, and how little replay does something."""
    if p.seeds < 2:
        return ""
    least = points[(points["remedy"] == "smaller rate") & (points["tokens"] == last)]
    lowest = cube(least, "answer_loss", x="strength", within=["task"]).values.min(axis=-1)
    beaten, told = [], []
    for name in ("replay", "pull"):
        own, sides = of(name, DECLARED[name], last), beats(name, gentle)
        if sides is None:
            continue
        at = cube(own, "answer_loss", within=["task"]).values[:, :, 0]
        beaten.append(f"{DECLARED_WORDS[name]} in {int((at < lowest).sum())} of {at.size} runs")
        old, new, count, size = sides
        told.append(
            f"{DECLARED_WORDS[name]} differs by {nats(old, 2)} in the old loss and by {nats(new, 3)} in the task's, better on both sides in {count} of {size} runs"
        )
    if not told:
        return ""
    at_hard, at_gentle = (
        summarise(of("smaller rate", rate, last), "loss", within=["task"])["mean"].item()
        for rate in (hard, gentle)
    )
    guard = " is saturated by chapter 2's guard" if not free(hard, last) else " is not saturated"
    text = f"The contrast has a weak end. Better at the task than *every* plain rate are {listed(beaten)}; there they are set against a rate at its best, and rate {hard:g} (old loss {at_hard:.2f}){guard}. "
    also = "is" if not free(gentle, last) else "is not"
    text += f"So here is also the plain comparison with rate {gentle:g} ({at_gentle:.2f}), which {also} saturated: {'; '.join(told)}."
    little = of("replay", min(p.replays), last)
    if len(little):
        left = summarise(little, "loss", within=["task"])["mean"].item()
        text += f" Very little replay does much: {min(p.replays):.1%} of the rows, {round(min(p.replays) * p.examples)} documents, takes the old loss at rate {hard:g} from {at_hard:.2f} to {left:.2f}."
    return text


def more_sentence():
    """Twice the steps at smaller rates, against replay and the pull."""
    if not CONTROLS:
        return "It was not run here."
    told = []
    for rate in CONTROLS:
        old, new = means(of(MORE, rate, last))
        told.append(f"rate {rate:g} then ends at an old loss of {old:.2f} and a task loss of {new:.2f}")
    text = "; ".join(told) + "."
    text = text[0].upper() + text[1:]
    if p.seeds < 2:
        return text
    for name in ("replay", "pull"):
        for rate, (old, new, count, size) in controlled(name).items():
            words = DECLARED_WORDS[name][0].upper() + DECLARED_WORDS[name][1:]
            text += f" {words} minus that at {rate:g}: old {nats(old, 2)}, task {nats(new, 3)}, better on both sides in {count} of {size} runs."
    return text + " The remedies were not tried with twice the examples."


def line_sentence():
    """SAM against plain training at one rate, without a line."""
    if p.seeds < 2 or not len(of(SAM, p.sam, middle)) or "SAM, equal tokens" not in got:
        return "SAM could not be set against a single rate here."
    old, new, *_ = both_sides(of(SAM, p.sam, middle), of("smaller rate", gentle, middle))
    text = f"For SAM at equal tokens the contrast gives {nats(got['SAM, equal tokens'], 2)}; directly at rate {gentle:g} its old loss differs by {nats(old)} and its task loss by {nats(new)}."
    if read["SAM, equal tokens"] == BETTER and old.high > -2 * EFFECT:
        text += " That is better by the declared rule, and borderline in fact."
    return text


def kinds_sentence():
    """Which kinds of document lose most."""
    if not len(by_kind):
        return "On this corpus there are no kinds of documents to tell apart."
    order = by_kind["nothing done"].sort_values()
    remedies = [c for c in by_kind.columns if c not in ("nothing done", "before", LORA)]
    saved = {c: 1 - by_kind[c].mean() / by_kind["nothing done"].mean() for c in remedies}
    told = ", ".join(f"{c} {share:.0%}".replace("-", "−") for c, share in saved.items())
    return (
        f"With nothing done, {order.index[-1]} loses most ({order.iloc[-1]:.1f} nats) and {order.index[0]} least ({order.iloc[0]:.1f}). "
        f"Averaged over kinds, the remedies take back this share of what is added: {told}."
        + (f" {LORA} is left out: it learns the task worse." if read.get(LORA) == "outside the curve" else "")
    )


def chance_sentence():
    """What the base models can do of the tasks."""
    table = tuned[(tuned["tokens"] == last) & (tuned["remedy"] == "smaller rate")]
    before, guess = table["score_before"].mean(), table["chance"].mean()
    return f"before any tuning the base models answer {before:.0%} of their items rightly, where guessing would give {guess:.0%}."


def flat_sentence():
    """What sharpness-aware pre-training changes."""
    told = []
    for name, other in (
        ("SAM, equal tokens", "Against plain training of as many tokens"),
        ("SAM, equal computing", "Against plain training of twice the tokens, at the same cost"),
    ):
        if name in got:
            told.append(
                f"{other}, its old loss at equal task loss is higher by {nats(got[name], 2)} nats (less than zero is a gain): {read[name]}."
            )
        elif name in found:
            told.append(f"{other}, it lies outside the curve.")
    return "The declared contrasts compare after tuning, base loss and all. " + " ".join(told) if told else ""


def ruin_sentence():
    """How bad the hard rate is with nothing done."""
    untrained = tuned["untrained"].mean()
    bad = "worse than" if strongest[last] > untrained else "not yet as bad as"
    return f"It is a hard case: with nothing done it leaves an old loss of {strongest[last]:.2f} nats at {tokens_label(last)} tokens, {bad} a model that was never trained ({untrained:.2f})."


def distance_sentence():
    """Whether remedies work by moving less."""
    moved = summarise(at_last, "change", by=["remedy", "strength"], within=["task"]).set_index(
        ["remedy", "strength"]
    )["mean"]
    plain = moved["smaller rate"]
    told = [
        f"{label(*place)} {length:.1f}"
        for place, length in moved.items()
        if place[0] in ("pull", "replay", HEAD)
    ]
    return (
        f"Plain rates from {rates[0]:g} to {hard:g} moved them by {plain[rates[0]]:.1f} to {plain[hard]:.1f}; "
        + ", ".join(told)
        + "."
    )


def sam_parts():
    """What SAM pays and gets before and after tuning, and what twice the tokens would have."""
    bases, afters = shaken[shaken["gamma"] == 0], after_gentle
    if not all(way in set(t["way"]) for t in (bases, afters) for way in WAYS.values()):
        return []

    def change(table, one, other, within):
        sides = (
            cube(table[table["way"] == WAYS[w]], "loss", within=within).values[:, :, 0] for w in (one, other)
        )
        return estimate(np.subtract(*sides))

    before, after = change(bases, 2, 1, ["draw"]), change(afters, 2, 1, ["task"])
    more_before, more_after = change(bases, 3, 2, ["draw"]), change(afters, 3, 2, ["task"])

    def worded(found):
        side = "worse" if found.mean > 0 else "better"
        known = found.low > 0 or found.high < 0
        return f"{abs(found.mean):.2f} {side}" if known else f"no different ({nats(found, 2)})"

    return [
        f"With SAM the old loss is {worded(before)} before tuning and {worded(after)} after tuning at rate {gentle:g}, against plain training of as many tokens. The same computing spent on twice the tokens gives, against SAM, "
        f"{worded(more_before)} before and {worded(more_after)} after. SAM was not tried on the longest-trained models, which the question is about."
    ]


def meaning_sentence():
    """What follows for someone who tunes models."""
    if p.seeds < 2:
        return "One seed means nothing."
    parts = []
    if read.get("replay") == BETTER:
        parts.append(
            "If you still have some of the old text, mix a little of it in before you try anything cleverer."
        )
    if read.get("pull") == BETTER:
        parts.append(
            "If you do not, a pull towards the weights you started from needs nothing but those weights."
        )
    if CONTROLS and near_control() is not None:
        parts.append(
            f"If you have twice the examples and the time, rate {near_control()[2]:g} with nothing added comes near to both. What the remedies spare you is mostly examples and steps."
        )
    if read.get(FEWER) == WORSE:
        parts.append(
            f"Half of the examples at the large rate is worse than all of them at a smaller one, by {got[FEWER].mean:.2f} nats."
        )
    if read.get(WISE) == UNDECIDED:
        parts.append(f"Averaging old and new weights half and half ({nats(got[WISE], 2)}) stays undecided.")
    if read.get(HEAD) == WORSE:
        parts.append(
            "Head first, in this form, made matters worse than a smaller rate would have; with a new head, and gently afterwards, it was not tried."
        )
    lora, least = of(LORA, 2.0, last), of("smaller rate", rates[0], last)
    if len(lora) and len(least):
        (a, b), (c, d) = means(lora), means(least)
        if a > c and b > d:
            parts.append(
                f"LoRA ({a:.2f} old, {b:.2f} task) is worse on both sides than the plain rate {rates[0]:g} ({c:.2f}, {d:.2f}); its rate was not tuned and its rank was 2, so this says nothing about LoRA."
            )
    parts += sam_parts()
    bare_mean, held = (
        summarise(arms[arms["pull"] == pull], "loss", within=["task"]).set_index("tokens")["mean"]
        for pull in (0.0, max(p.pulls))
    )
    if a11.verdict == "reproduced" and held.idxmin() == last > bare_mean.idxmin():
        parts.append(
            "And the turning point of this part is no property of the base model alone: the same models that are ruined by longer training under one way of tuning gain from it under another."
        )
    return " ".join(parts) or "None of these remedies is clearly more than a smaller rate here."


say(
    short_answer=short_answer(),
    turn_said=turn_sentence(),
    pull_said=pull_sentence(),
    outside_said=outside_sentence(),
    read_said=read_sentence(),
    kinds_said=kinds_sentence(),
    chance_said=chance_sentence(),
    flat_said=flat_sentence(),
    ruin_said=ruin_sentence(),
    distance_said=distance_sentence(),
    meaning_said=meaning_sentence(),
    guard_said=guard_sentence(),
    cost_said=cost_sentence(),
    direct_said=direct_sentence(),
    more_said=more_sentence(),
    line_said=line_sentence(),
    pull_most_said=f"{max(p.pulls):g}",
    back_said=f"{max(p.pulls) * hard:.0%}",
    replayed_said=", ".join(f"{round(x * p.examples)}" for x in p.replays),
    pulls_said=", ".join(f"{x:g}" for x in p.pulls),
    replays_said=", ".join(f"{100 * x:g}%" for x in p.replays),
    shares_said=", ".join(f"{100 * x:g}%" for x in p.shares),
    rates_said=", ".join(f"{x:g}" for x in rates),
    at_said=f"{hard:g}",
    gentle_said=f"{gentle:g}",
    sam_said=f"{p.sam:g}",
    first_said=tokens_label(first),
    middle_said=tokens_label(middle),
    last_said=tokens_label(last),
    examples_said=f"{p.examples:,}",
    steps_said=f"{p.examples // 16:,}",
    parameters_said=f"{size:,}",
    budgets_said=f"{tokens_label(first)}–{tokens_label(last)}",
    seeds_said=f"{p.seeds} seed{'s' * (p.seeds != 1)}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
