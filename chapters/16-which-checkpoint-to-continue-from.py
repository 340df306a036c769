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
#       - which checkpoint of a long run is the best one to continue from, on old text and on new
#       - how much any checkpoint is ahead of a model that starts from nothing
#       - how long training can make a model harder to change and yet the best one to go on with
#     papers: [gupta2023continual, ibrahim2024simple, springer2025overtrained]
#     after: [03-harder-to-fine-tune]
# ---

# %% [markdown]
r"""
# Which checkpoint to continue from?

**You kept several checkpoints of one long training run, and now there is new text to read. Which of them should go on: the last, or an
earlier one that is not yet so set in its ways?** Part A of this book gives a reason to doubt the last: the longer a model was trained,
the more the same change costs it ([chapter 3](03-harder-to-fine-tune)). The first paper on re-warming {cite}`gupta2023continual` says
the opposite: the last checkpoint is the best start. Neither can be the whole story, so both are measured here, on the very same models.

{glue:text}`short_answer`
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds, the old text: file:PATH or hub:NAME; needs downstream, and nothing is fine-tuned
downstream: str = None  # the new text instead of the gazette: a mix of the worlds, file:PATH or hub:NAME; then no strong shift
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
length: int = None  # tokens of pre-training, and of the schedule that continues it (default: the part's)
budgets: list = None  # checkpoints of the suite's long run; its last and the fourth from the end are compared (default: the scale's)
batch: int = None  # rows of 128 tokens in a step of the suite; half as many in the part's own runs (default: the scale's)
rate: float = None  # peak learning rate, of pre-training and of continuing (default: the scale's)
form: str = "clipped cosine"  # how the rate falls: "clipped cosine", as in the paper, or "cosine"
state: str = "reset"  # of the optimiser when a checkpoint goes on: "reset" or "kept"
tasks: list = [
    "topic-known-labels",
    "sentiment-known-labels",
    "arithmetic-known-labels",
]  # fine-tuned on, for comparison
rates: list = [0.002, 0.004]  # peak learning rates of fine-tuning
examples: int = None  # examples that fine-tuning sees once each, 16 a step (default: the scale's)
questions: int = None  # test items on which a task is scored (default: the scale's)
rows: int = None  # held-out documents of the old loss around fine-tuning (default: the scale's)

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    corpus=corpus,
    downstream=downstream,
    model=model,
    length=length,
    budgets=budgets,
    batch=batch,
    rate=rate,
    form=form,
    state=state,
    tasks=tasks,
    rates=rates,
    examples=examples,
    questions=questions,
    rows=rows,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Gupta and colleagues {cite}`gupta2023continual` took Pythia-410M at three places of its one long run, raised the learning rate again, and
let it read new text. They watched the loss on both texts. Ibrahim and colleagues {cite}`ibrahim2024simple` went on from the last
checkpoint only, and added a far stronger change of text.

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| model | Pythia-410M | OLMo architecture, {glue:text}`parameters_said` parameters | Gupta et al., section 3 |
| old text, one long run | the Pile, 300B tokens, clipped cosine to a tenth | the almanac, {glue:text}`length_said` tokens, the same schedule | Gupta et al.; the Pythia repository |
| checkpoints | iterations 10,000, 27,000 and 143,000 | the same shares of the run: {glue:text}`starts_said` tokens | Gupta et al., figures 7 and 8 |
| tokens per parameter at the three | about 51, 138 and 730 | {glue:text}`per_parameter_all` | our division |
| new text, weak shift | SlimPajama | the gazette: other people and facts, two new kinds of document | Gupta et al., section 3 |
| new text, strong shift | German (Ibrahim et al., last checkpoint only) | another language, in one world | Ibrahim et al., at second hand |
| continued for | 50B tokens: a sixth of the schedule of 297B | a sixth of the schedule, {glue:text}`sixth_said` tokens | Gupta et al. |
| rate | up to 3 · 10⁻⁴, the peak of pre-training, over 1% of the schedule | up to {glue:text}`rate_said`, the peak of pre-training, over 1% | Gupta et al. |
| from scratch | same schedule, new text only | the same | Gupta et al., figure 9 |
| optimiser's state | not in what we read; reset (Ibrahim et al.) | {glue:text}`state_said` | Ibrahim et al., at second hand |
| repetitions | one | {glue:text}`seeds_said` | Gupta et al. |

Whether the first paper kept the running averages of AdamW with its checkpoints is not stated, and for an earlier checkpoint it
might matter: its averages were gathered at a higher rate. We reset them, as the second paper says it did between data sets; `state=kept` does the other.

The checkpoints are named *early*, *middle* and *last*. The paper's own labels for them disagree: the middle one is called the
saturation point of pre-training in one place, and the early one half of it. We take the iterations at their word.

## What we will call an effect

The paper's two claims have their rules in the list of claims. The comparison with fine-tuning has none there, so it was declared here, before
anything in this chapter was looked at. It wants models that are trained long enough to show overtraining, so it takes the suite's own long run of
{glue:text}`long_said` tokens, the miniature of [chapter 8](08-olmo-itself): its checkpoint at {glue:text}`earlier_said` and its end. Both are fine-tuned, on the three tasks of chapter 3, and both
go on with the gazette for {glue:text}`shown_said` tokens, until the rate is back at its minimum.

What had been seen: the same tuning of annealed models of the same seeds and worlds in chapter 3. At rate 0.004 their old loss after it was 4.47 after 500k
tokens of pre-training and 6.13 after 4M; at 0.002 it was 2.71 and 2.73, with a damage of 0.75 and 1.31. That is why this checkpoint was chosen: if
tuning ever prefers an earlier one, it is here. The paired differences of those models had been computed, too, and the rates, the tasks and the size of the family follow from them: so for tuning this is a confirmation on another kind of base. And chapter 8 had tuned the end of the long run
on one of the tasks. No earlier checkpoint had been continued. An earlier declaration, on other runs, was withdrawn before anything of it was looked at, when the part's runs were made shorter. A referee read the page with its results: no contrast was changed after that, and
conclusions that they do not carry were taken out.

Every contrast is *end minus earlier*: a loss after starting from the end of the run, minus the same after starting from the earlier checkpoint. Above
zero the end is the worse start. *Damage* is the old loss after the change minus the old loss before. The smallest effects are those of the claims A4 and C11, which are per
doubling, times the {glue:text}`doublings_said` doublings in between.

| change | judged on | smallest effect, nats |
|---|---|---|
| fine-tuning at rate 0.002 | damage | 0.15 |
| fine-tuning at rate 0.004 | old loss | 0.15 |
| continuing | damage; old loss; new loss | 0.03 each |

An interval wholly beyond the smallest effect, with the mean of each world beyond it and after Holm's correction over the five, is *an effect* (the
end is worse) or *an effect the other way* (it is better); one wholly between minus and plus the smallest effect is *none worth the name*;
anything else is *undecided*. Damage counts only below the {term}`saturation guard`. The two papers' findings are **both here** if one of the five is an effect while
the new loss of continuing is an effect the other way; where the sign changes is then read off the five. All else in that comparison is description.

## The experiment
"""

# %% tags=["experiment"]
from itertools import product

from ovbook.runs import (
    EARLIER,
    SIXTH,
    Checkpoint,
    FineTune,
    length_of,
    onward,
    suite,
    upstream,
)


def starts(p, end):
    """Three checkpoints of one run of this part: early, middle, last."""
    places = [round(share * length_of(p)) for share in EARLIER]
    return [*(Checkpoint(run=end.run, tokens=t) for t in places), end]


def pair(p, run):
    """An earlier checkpoint of the suite's long run, and its end."""
    budgets = sorted(p.budgets)
    places = (budgets[-4:][0], budgets[-1])
    return [Checkpoint(run=run, tokens=tokens) for tokens in places]


def experiment(p):
    """Continue from every checkpoint; fine-tune two of a longer run.

    Declared before anything was looked at, of the longer run, each the end
    minus the earlier checkpoint: tuned at 0.002, damage, and at 0.004, old
    loss (smallest effect 0.15 nats); continued, damage, old loss and new
    loss (0.03 nats); Holm over the five.
    """
    specs = []
    # The paper's comparison, after 50B of its schedule's 297B tokens.
    for end in upstream(p):
        shifts = ["gazette"]
        if end.root.corpus == p.corpora[0] and not (p.corpus or p.downstream):
            shifts.append("abroad")  # a strong shift, in the first world
        for mix in shifts:
            to = {"mix": mix, "share": SIXTH}
            for base in starts(p, end):
                specs.append(onward(p, base, state=p.state, **to))
            specs.append(onward(p, end, start="scratch", **to))
    # The comparison with fine-tuning.
    for run in suite(p, ending="clipped cosine"):
        for base in pair(p, run):
            specs.append(onward(p, base))
            if p.corpus is not None:
                continue  # tasks are asked in the words of a world
            for task, r in product(p.tasks, p.rates):
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
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.runs import Continue

results = execute(experiment(p))
looks = results.table(Continue, kind="look")
shown = ["seed", "tokens", "corpus", "set", "step", "seen", "loss"]
looks[shown].head()

# %% [markdown]
r"""
One row is one look at one run: its loss on {glue:text}`documents_said` held-out documents of the old or of the new text, after so many steps. `tokens` are those that the start had read
(none: from scratch), `seen` those read since. All runs of a seed read the same new documents in the same order, and are scored on the same held-out ones.
"""

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, against_tokens, figure, forest, say, through_run, tokens_label
from ovbook.claims import judge
from ovbook.models import load_checkpoint, parameter_count
from ovbook.stats import (
    before_after,
    cube,
    estimate,
    mean_interval,
    readings,
    summarise,
    unsaturated,
    with_world,
    written,
)

SCRATCH = "from scratch"
looks = with_world(looks).assign(strong=looks["corpus"].str.endswith("/abroad") & (p.downstream is None))
long_one = looks["length"] > SIXTH * 1.5 * length_of(p)  # those of the suite's long run
mine, longer = looks[~long_one], looks[long_one]
weak, strong = mine[~mine["strong"]], mine[mine["strong"]]
places = sorted(set(mine["tokens"]) - {0})
named = {0: SCRATCH} | {
    t: f"{n}: {tokens_label(t)}" for t, n in zip(places, ("early", "middle", "last"), strict=True)
}
sixth = int(weak["seen"].max())
ends = weak[(weak["seen"] == sixth) & (weak["tokens"] > 0)]
KEYS = ["world", "seed", "tokens"]


def averaged(part):
    """Mean of a run's loss over its tokens, looks joined by straight lines."""
    part = part.sort_values("seen")
    return np.trapezoid(part["loss"].mask(part["diverged"]), part["seen"]) / part["seen"].max()


def leads(table):
    """For each start, the mean new loss from scratch minus that from it."""
    new = table[table["set"] == "new"].groupby(KEYS)[["seen", "loss", "diverged"]].apply(averaged)
    new = new.rename("mean").reset_index()
    found = new[new["tokens"] > 0].merge(new[new["tokens"] == 0], on=["world", "seed"], suffixes=("", "_0"))
    return found.assign(lead=found["mean_0"] - found["mean"])[[*KEYS, "lead"]]


size = parameter_count(load_checkpoint(results.checkpoint(results.of(Continue)[0].base))[1])
c11 = judge("C11", ends, scale=p.scale, seeds_expected=p.seeds)
c12 = judge("C12", leads(weak), scale=p.scale, seeds_expected=p.seeds)

# %% [markdown]
r"""
## Four starts

The learning rate climbs to its old peak in 1% of the schedule, and every start meets the same text. Move the slider of {numref}`fig-four-starts` between the texts.
"""

# %% tags=["hide-input", "remove-output"]
PANELS = {
    "new text, weak shift": (weak, "new"),
    "old text, weak shift": (weak, "old"),
    "new text, strong shift": (strong, "new"),
    "old text, strong shift": (strong, "old"),
}
curves = pd.concat(
    [
        summarise(part[(part["set"] == text) & (part["step"] > 0)], "loss", by=["tokens", "seen"]).assign(
            panel=panel
        )
        for panel, (part, text) in PANELS.items()
        if len(part)
    ],
    ignore_index=True,
)
curves["start"] = curves["tokens"].map(named)
curves.attrs = {"worlds": len(p.corpora)}
at_sixth = curves[curves["seen"] == sixth].set_index(["panel", "start"])["mean"]


def four(panel):
    """What the slider says."""
    said = "; ".join(f"{start} {at_sixth[panel, start]:.2f}" for start in named.values())
    return f"Loss on the {panel}, after {tokens_label(sixth)} tokens. {said}."


figure(
    "fig_four_starts",
    through_run(
        curves.sort_values(["tokens", "seen"]),
        y="loss (nats per token)",
        series="start",
        held=SCRATCH,
        log=True,
        slider=Slider("panel", curves["panel"], label="loss on", start="new text, weak shift"),
        sentence=four,
        title=c12.title(
            "Under a weak shift, the more a start has read, the further it is ahead",
            otherwise="The same continuation from four starts",
        )
        if c11.verdict == "reproduced"
        else "The same continuation from four starts",
        description="Loss against tokens of the continuation, on a log axis, from scratch and from three checkpoints, with a slider for "
        "the text on which it is measured and the size of the shift.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_four_starts
:name: fig-four-starts

Each line is one start; the thick grey one begins from nothing. The axis is logarithmic, so that the first steps can be seen. Bands are 95% intervals over {glue:text}`seeds_said`; the strong
shift was run in the first world only.
```

{glue:text}`four_said`
"""

# %% tags=["hide-input"]
pd.DataFrame(
    {
        f"{kind} shift": {
            named[t]: written(mean_interval(rows.groupby("seed")["lead"].mean()), 2)
            for t, rows in leads(part).groupby("tokens")
        }
        for kind, part in (("weak", weak), ("strong", strong))
        if len(part)
    }
).rename_axis("ahead of scratch by (nats per token)")

# %% tags=["remove-input"]
c12

# %% [markdown]
r"""
## Is the last one the best?

{numref}`fig-by-start` has the losses after a sixth of the schedule against the tokens that each start had read. If an early checkpoint were fresher, a line would turn upwards.
"""

# %% tags=["hide-input", "remove-output"]
by_start = summarise(ends, "loss", by=["set", "tokens"])
by_start["tokens"] = by_start["tokens"].map(lambda t: float(f"{t:.3g}"))  # 34,965 as 35k
figure(
    "fig_by_start",
    against_tokens(
        by_start,
        y="loss after a sixth of the schedule (nats per token)",
        series="set",
        parameters=size,
        title=c11.title(
            "The last checkpoint ends best, on old text and on new",
            otherwise="Where a continuation ends, by where it began",
        ),
        description="Loss on old and new text after a sixth of the schedule against the tokens of the starting checkpoint, under the weak "
        "shift.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_by_start
:name: fig-by-start

One point a start, on the old text and on the new, under the weak shift. Bands are 95% intervals over {glue:text}`seeds_said`.
```
"""

# %% tags=["remove-input"]
c11

# %% [markdown]
r"""
Which checkpoint was "as good as" a re-warmed last one? On the way to its peak rate the last checkpoint loses on old text. Here is how far each start rises, and where it stands after a sixth.
"""

# %% tags=["hide-input"]


def standing(table):
    """Old and new loss of each start: before, worst on the way, after a sixth."""
    found = {}
    for text, rows in table[table["tokens"] > 0].groupby("set"):
        path = summarise(rows, "loss", by=["tokens", "seen"]).pivot(
            index="tokens", columns="seen", values="mean"
        )
        found |= {
            f"{text}, before": path[0],
            f"{text}, worst": path.max(axis=1),
            f"{text}, after": path[sixth],
        }
    return pd.DataFrame(found)[[f"{t}, {w}" for t in ("old", "new") for w in ("before", "worst", "after")]]


stood = standing(weak)
stood.rename(index=named).rename_axis("weak shift, nats per token").round(2)

# %% [markdown]
r"""
{glue:text}`worst_said` {glue:text}`strong_old_said`
"""

# %% [markdown]
r"""
## Both papers on the same models

Now the longer run: its checkpoint at {glue:text}`earlier_said` tokens and its end at {glue:text}`long_said`. Each is changed in two ways. *Fine-tuning*: {glue:text}`examples_said` questions with short answers, 16 a step, the loss
on the answers alone, at a small fixed peak rate. *Continuing*: {glue:text}`shown_said` tokens of the gazette at the rate of pre-training. {numref}`fig-contrasts-starts` has the declared contrasts.
"""

# %% tags=["hide-input", "remove-output"]
FIRST, SECOND = (t for t in (sorted(p.budgets)[-4:][0], max(p.budgets)))
SMALLEST = {
    "tuned at 0.002: damage": 0.15,
    "tuned at 0.004: old loss": 0.15,
    "continued: damage": 0.03,
    "continued: old loss": 0.03,
    "continued: new loss": 0.03,
}
tuned = before_after(results.table(FineTune)) if p.corpus is None else None
start_at, end_at = longer["seen"].min(), longer["seen"].max()


def apart(table, value, **within):
    """End minus earlier, [worlds, seeds]; not-a-number where one of the two was not run."""
    values = cube(table, value, x="tokens", **within).values
    return values[..., 1] - values[..., 0] if values.shape[-1] == 2 else np.full(values.shape[:2], np.nan)


def of_tuning(rate, value):
    """A contrast of fine-tuning, tasks averaged; not-a-number where it was not run or, for damage, is saturated."""
    missing = np.full((len(p.corpora), p.seeds), np.nan)
    if tuned is None or rate not in p.rates:
        return missing
    table = tuned[tuned["rate"] == rate]
    if value == "increase":
        loss, base, top = (
            cube(table, v, x="tokens", within=["task"]).values for v in ("loss", "base", "untrained")
        )
        if not unsaturated(loss, base, top).all():
            return missing
    return apart(table, value, within=["task"])


def of_looks(text, seen):
    """The same of continuing, at one length."""
    return apart(longer[(longer["set"] == text) & (longer["seen"] == seen)], "loss")


gaps = {
    "tuned at 0.002: damage": of_tuning(0.002, "increase"),
    "tuned at 0.004: old loss": of_tuning(0.004, "loss"),
    "continued: damage": of_looks("old", end_at) - of_looks("old", start_at),
    "continued: old loss": of_looks("old", end_at),
    "continued: new loss": of_looks("new", end_at),
}
got = {name: estimate(values) for name, values in gaps.items()}
read = readings(gaps, SMALLEST)
table = pd.DataFrame(
    [
        {"contrast": name, "n": i.n, "smallest effect": SMALLEST[name], "in nats": written(i)}
        | {end: getattr(i, end) / SMALLEST[name] for end in ("mean", "low", "high")}
        | {
            "worlds": " ".join(f"{w:.2f}" for w in gaps[name].mean(axis=1)).replace("-", "−"),
            "reading": read[name],
        }
        for name, i in got.items()
        if i is not None
    ]
)
table.attrs = {"worlds": len(p.corpora)}
WORSE = [name for name, word in read.items() if word == "an effect"]
BETTER = [name for name, word in read.items() if word == "an effect the other way"]
BOTH = bool(WORSE) and "continued: new loss" in BETTER
figure(
    "fig_contrasts_starts",
    forest(
        table,
        row="contrast",
        x="end minus earlier ÷ smallest",
        band=(-1.0, 1.0),
        near=1.0,
        ticks=[-30, -10, -3, -1, 0, 1, 3, 10, 30],
        names=["smallest effect", "in nats", "worlds", "reading"],
        title="The end is the better start by some measures and the worse by others"
        if BOTH
        else "The end of the run against an earlier checkpoint",
        description="For five declared contrasts the loss after starting from the end of the long run minus that after starting from an "
        "earlier checkpoint, in units of the smallest effect, with 95% intervals.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_contrasts_starts
:name: fig-contrasts-starts

Right of the grey band the end of the run is the worse start, left of it the better one. Each contrast is counted in its own smallest effect; nats, worlds and readings are in the table.
```

{glue:text}`contrasts_said`

The same two starts along the continuation:
"""

# %% tags=["hide-input", "remove-output"]
steps = sorted(set(longer["seen"]) - {0})


def along(name, values):
    """Rows of a curve: an estimate at each length."""
    rows = [(seen, estimate(values(seen))) for seen in steps]
    return [
        {"seen": seen, "what": name, "mean": i.mean, "n": i.n}
        | {end: getattr(i, end) if i.n > 1 else i.mean for end in ("low", "high")}
        for seen, i in rows
        if i is not None
    ]


CURVES = {
    "damage": lambda seen: of_looks("old", seen) - of_looks("old", start_at),
    "old loss": lambda seen: of_looks("old", seen),
    "new loss": lambda seen: of_looks("new", seen),
}
difference = pd.DataFrame([row for name, values in CURVES.items() for row in along(name, values)])
difference.attrs = {"worlds": len(p.corpora)}
figure(
    "fig_end_or_earlier",
    through_run(
        difference,
        y="end minus earlier (nats per token)",
        series="what",
        log=True,
        zero=True,
        level=(0.0, "equal; above, the end is worse"),
        title="Continuing: the end of the run against an earlier checkpoint",
        description="Difference between continuing from the end and from an earlier checkpoint of the long run, in damage, old loss and "
        "new loss, against tokens of the continuation on a log axis.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_end_or_earlier
:name: fig-end-or-earlier

Below the dashed line it is better to have started from the end. *Damage* is the line of *old loss* shifted by what separated the two before anything happened, {glue:text}`shift_said` nats. Bands are 95% intervals.
```

{glue:text}`along_said` And fine-tuning, rate by rate (means over tasks, worlds and seeds; differences with their intervals):
"""

# %% tags=["hide-input"]


def by_rate():
    """Old loss, damage and the task's loss after tuning both starts."""
    found = {}
    for (rate, what), name in (
        ((r, w), n)
        for r in p.rates
        for w, n in (("loss", "old loss"), ("increase", "damage"), ("answer_loss", "loss on the task"))
    ):
        rows = tuned[tuned["rate"] == rate]
        mean = summarise(rows, what, within=["task"]).set_index("tokens")["mean"]
        found[f"rate {rate:g}, {name}"] = {
            f"from {tokens_label(t)}": f"{mean[t]:.2f}" for t in mean.index
        } | {"end minus earlier": written(estimate(apart(rows, what, within=["task"])), 2)}
    return pd.DataFrame(found).T


by_rate() if tuned is not None else None

# %% [markdown]
r"""
{glue:text}`sign_said`

## What else could explain it

**"The end of a run has a low rate, an earlier checkpoint a high one."** It does, and these checkpoints are not finished models: tokens and decay change together along one run ([chapter 5](05-tokens-or-decay) takes
them apart). That is how public checkpoints come, and what the paper tested. It means that "later" here is "later and more settled". It weighs on *damage by continuing* above all: the earlier checkpoint stands at {glue:text}`earlier_rate` of the peak rate, so it is hardly re-warmed and is
annealed for the first time, while the end is re-warmed tenfold. Part of that damage is this. Finished models of both lengths, continued, would tell; they were not run.

**"The later start has read more."** Of course; that is the question. But whoever has not paid for the old run yet may count tokens in all: {glue:text}`total_said`

**"Questions are not text."** Tuning and continuing differ in more than length: what is read, on which words the loss is taken, and the rate. {numref}`fig-end-or-earlier` has continuing at every length. {glue:text}`bridge_said`

**"A reset optimiser favours someone."** All starts but scratch lose their averages alike, yet an earlier checkpoint's were gathered at a higher rate. The papers do not say what that does; exercise 1 asks.

**"Noise of few documents."** Continuations are scored on the same {glue:text}`documents_said` documents, tuned models on {glue:text}`rows_said`; differences are taken within the seed.

## What it means

{glue:text}`meaning_said`

It stops being shown where we stop: {glue:text}`parameters_said` parameters, {glue:text}`per_parameter_said` tokens per parameter for the runs of this part and {glue:text}`long_per_parameter` for the longer one, where the paper had about 730; one kind of
schedule; text that never repeats; a continuation as the paper's, of a sixth. A loss of {term}`plasticity` that needs more training than this to appear would not be seen.

## Exercises

```{exercise}
:label: ex-kept-state
Keep the optimiser's averages instead of resetting them. Which of the three checkpoints should profit most? Predict, then run `ovbook run 16 -p state=kept -p seeds=2 -p worlds=1` and compare {numref}`fig-by-start`.
```

```{solution} ex-kept-state
:class: dropdown
The averages of squared gradients set the size of each weight's step. Reset ones are estimated anew within some twenty steps (the second average has a memory of twenty here), of which only the first {glue:text}`warm_steps` are warm-up, so the highest rates meet unsettled averages: expect
differences early, and little after a sixth. If one start profits more, it is the early one, whose gradients are still the largest.
```

```{exercise}
:label: ex-shifted-curve
Without running anything: in {numref}`fig-end-or-earlier` the line of damage and that of old loss run side by side. Could damage lie above zero and old loss below? Could it be the other way round?
```

```{solution} ex-shifted-curve
:class: dropdown
Their distance is the lead in old loss that the end had before the change. As long as the end had the lower loss to begin with, damage lies above old loss, so both can be above zero, both below, or damage above and old loss below: the end loses more
and still has more. The other way round would need an end that is worse to begin with.
```

```{exercise}
:label: ex-far-shift
A stronger shift: `ovbook run 16 -p downstream=abroad -p seeds=2 -p worlds=1` judges nothing and sends every start abroad. What do you expect of the lead of the last checkpoint on *new* text, and on old?
```

```{solution} ex-far-shift
:class: dropdown
Another language shares few words with the old one, so less of what was read carries over and the leads on new text shrink; on old text all starts forget, and the last has the most to lose. {glue:text}`abroad_said`
```
"""

# %% tags=["remove-cell"]
WEAK = c11.verdict == "reproduced"


def mean_at(part, text, tokens, seen):
    """Mean loss of one start, after so many tokens."""
    rows = part[(part["set"] == text) & (part["tokens"] == tokens) & (part["seen"] == seen)]
    return summarise(rows, "loss", by=["tokens"])["mean"].iloc[0]


SAID = {
    "tuned at 0.002: damage": "damage by tuning at 0.002",
    "tuned at 0.004: old loss": "old loss after tuning at 0.004",
    "continued: damage": "damage by continuing",
    "continued: old loss": "old loss after continuing",
    "continued: new loss": "new loss after continuing",
}


def pairs(names):
    """Contrasts as people list them, each with its number."""
    said = [f"{SAID[name]} ({written(got[name], 2)})" for name in names]
    return " and ".join([", ".join(said[:-1]), said[-1]] if len(said) > 1 else said)


early_new, last_new = (mean_at(weak, "new", t, sixth) for t in (places[0], places[-1]))
early_old, last_old = (mean_at(weak, "old", t, sixth) for t in (places[0], places[-1]))


def answer():
    """What was found, with its numbers."""
    numbers = f"after {tokens_label(sixth)} new tokens the last checkpoint stands at {last_new:.2f} nats on new text and {last_old:.2f} on old, the earliest at {early_new:.2f} and {early_old:.2f}"
    first = {
        "reproduced": f"The short answer: the last. In these runs {numbers}.",
        "not reproduced": f"The short answer: not always the last. In these runs {numbers}.",
    }.get(c11.verdict, f"These runs do not settle it: {numbers}.")
    if BOTH:
        first += f" And yet, on runs of {tokens_label(SECOND)} tokens ({p.seeds} seeds in each of {len(p.corpora)} worlds), the end minus an earlier checkpoint is above zero, so the end worse, for {pairs(WORSE)}, and below zero for {pairs(BETTER)}, in nats."
        if "continued: damage" in WORSE:
            first += " What of the change decides (its text, the words scored, the rate) these runs do not tell apart."
    elif p.seeds > 1:
        first += (
            f" On a longer run, the end is the better start by {pairs(BETTER)}"
            if BETTER
            else " On a longer run, the end is the better start by nothing declared"
        ) + (
            f" and the worse by {pairs(WORSE)}."
            if WORSE
            else ", and the worse start by none of the declared measures."
        )
    return first


def four_sentence():
    """How far ahead each start is on new text."""
    said = []
    for kind, part in (("weak", weak), ("strong", strong)):
        if len(part):
            at = {t: mean_at(part, "new", t, sixth) for t in (0, *places)}
            said.append(
                f"under the {kind} shift {at[0]:.2f} from scratch and {', '.join(f'{at[t]:.2f}' for t in places)} from the early, middle and last checkpoint"
            )
    text = f"New loss after {tokens_label(sixth)} tokens: {'; '.join(said)}. "
    far_leads = leads(strong).groupby("seed")["lead"].mean() if len(strong) else None
    if far_leads is not None and p.seeds > 1:
        found = mean_interval(far_leads)
        begin = {t: mean_at(strong, "new", t, 0) for t in (0, places[-1])}
        end_gap = strong[
            (strong["set"] == "new") & (strong["seen"] == sixth) & strong["tokens"].isin([0, places[-1]])
        ]
        last_gap = written(estimate(apart(end_gap, "loss")))
        where = f"(one world, {found.n} seeds, described and not judged)"
        if found.high < 0:
            text += (
                f"In another language {where} the checkpoints begin worse than a fresh model, {begin[places[-1]]:.2f} against {begin[0]:.2f} for the last, and averaged over the path they stay behind it; "
                f"after {tokens_label(sixth)} tokens last minus scratch is {last_gap}. "
            )
        elif found.low > 0:
            text += f"In another language, too, what was read helps {where}; last minus scratch ends at {last_gap}. "
    return f"{text}Averaged over all of those tokens, the starts are ahead of scratch by:"


def worst_sentence():
    """Earlier checkpoints beside the worst that the re-warmed last one reaches."""
    before, worst = stood["old, before"], stood.loc[places[-1], "old, worst"]
    near = (before[places[:-1]] - worst).abs().idxmin()
    name = named[near].split(":")[0]
    mine, its = (stood.loc[t, "new, after"] for t in (places[-1], near))
    return (
        f"Re-warmed, the last checkpoint rises from {before[places[-1]]:.2f} to {worst:.2f} on old text. The kept checkpoint nearest to that height is the {name} one, with {before[near]:.2f} before it goes on: "
        + (
            "even at its worst, the re-warmed model is not thrown back that far. "
            if worst < before[near]
            else "the re-warmed model is thrown back further than that. "
        )
        + f"On new text the two end at {mine:.2f} and {its:.2f}."
    )


def contrasts_sentence():
    """The readings, in words."""
    measured = [name for name in read if got[name] is not None]
    said = "; ".join(f"{name}, {written(got[name])}: {read[name]}" for name in measured)
    absent = [name for name in read if got[name] is None]
    verdict = (
        "So both findings are here, on the same models."
        if BOTH
        else "One seed decides nothing."
        if p.seeds == 1
        else "So, by the declared rule, the two findings are not both shown here."
    )
    missing = f"Not measured, or saturated: {'; '.join(absent)}. " if absent else ""
    return f"By the declared rule (nats, end minus earlier). {said}. {missing}{verdict}"


def crossings(name):
    """Where the mean line of a curve changes its sign."""
    rows = difference[difference["what"] == name].sort_values("seen")
    signs = np.sign(rows["mean"].to_numpy())
    return [int(rows["seen"].iloc[i + 1]) for i in np.flatnonzero(np.diff(signs))]


def along_sentence():
    """How the three lines run."""
    parts = []
    for name in CURVES:
        rows = difference[difference["what"] == name].sort_values("seen")
        turns = crossings(name) if name != "damage" else []  # which begins at nothing
        where = f", changing sign for the last time at {tokens_label(turns[-1])} tokens" if turns else ""
        far = rows.loc[rows["mean"].abs().idxmax()]
        by = (
            ""
            if far["seen"] == rows["seen"].iloc[-1]
            else f" by way of {far['mean']:.2f} at {tokens_label(far['seen'])} tokens"
        )
        parts.append(f"{name} goes from {rows['mean'].iloc[0]:.2f}{by} to {rows['mean'].iloc[-1]:.2f}{where}")
    text = f"From the first step to the last, {'; '.join(parts)}."
    rows = difference[difference["what"] == "new loss"]
    if len(rows) and p.seeds > 1:
        far = int(rows.loc[rows["mean"].idxmin(), "seen"])
        shrunk = of_looks("new", end_at) - of_looks("new", far)
        if far != end_at:
            text += f" So the end's lead on new text shrinks by {written(estimate(shrunk))} after {tokens_label(far)} tokens (not declared), and where it would settle these runs do not say."
    return text.replace("-", "−")


def sign_sentence():
    """Where the sign changes."""
    if tuned is None:
        return "On this corpus nothing was fine-tuned, so there is no sign to compare."
    signs = {r: estimate(apart(tuned[tuned["rate"] == r], "loss", within=["task"])) for r in sorted(p.rates)}
    if any(i is None for i in signs.values()):
        return "One of the two starts was not tuned, so there is no sign to compare."
    new, old, lost = (got[f"continued: {what}"] for what in ("new loss", "old loss", "damage"))
    said = ", ".join(f"{written(i, 2)} at rate {r:g}" for r, i in signs.items())
    text = f"Where does the sign change? On old loss after tuning, end minus earlier is {said}; after continuing it is {written(old, 2)} on old text and {written(new, 2)} on new. "
    if lost.mean > 0 > old.mean:
        text += (
            "Under one and the same continuation the end has lost more than the earlier checkpoint, which is what sensitivity would do, and what re-warming only the end would do as well; and it still has more, since it began further ahead "
            "than it fell. "
        )
    ahead = [r for r, i in signs.items() if i.mean > 0]
    if not ahead:
        return text + "At these rates of tuning, too, the end still has more."
    clear = " and ".join(f"{r:g}" for r in ahead if signs[r].low > 0 and p.seeds > 1) or "none of the rates"
    text += f"The end is left with less only where a change costs more than the extra training had gained: clearly so in tuning at {clear}. "
    at_worst = tuned[tuned["rate"] == max(ahead)]
    left, nothing = at_worst.groupby("tokens")["loss"].mean().max(), at_worst["untrained"].mean()
    if left > 0.5 * (nothing + base_loss(at_worst)):
        runs = at_worst[at_worst["tokens"] == SECOND].groupby(["world", "seed"])["loss"].mean()
        kept = (nothing - left) / (nothing - base_loss(at_worst))
        text += (
            f"There the end has kept about {100 * kept:.0f}% of what pre-training had gained ({left:.2f} nats, untrained {nothing:.2f}; single runs {runs.min():.2f} to {runs.max():.2f}): past the saturation guard, so read it as ruin "
            "and not as sensitivity."
        )
    return text


def base_loss(rows):
    """Old loss of the end before tuning."""
    return rows[rows["tokens"] == SECOND]["base"].mean()


def total_sentence():
    """Middle, continued, against last before it goes on: tokens in all."""
    new, fresh = mean_at(weak, "new", places[1], sixth), mean_at(weak, "new", places[-1], 0)
    text = (
        f"the middle checkpoint has read {tokens_label(places[1] + sixth)} after its sixth and stands at {new:.2f} on new text; the last one, which has read {tokens_label(places[-1])} and none of the new, "
        f"stands at {fresh:.2f}. "
    )
    if new >= fresh:
        return text + "Even so the last one is ahead."
    path = weak[(weak["set"] == "new") & (weak["tokens"] == places[-1])].groupby("seen")["loss"].mean()
    passed = path.index[path < new]
    return (
        text
        + (
            f"The last one passes that after {tokens_label(passed.min())} new tokens of its own. "
            if len(passed)
            else ""
        )
        + "Whether finishing the old run pays depends on how much new text there is; starts of equal cost in all were not run."
    )


def bridge_sentence():
    """Continuing for as many steps as tuning takes."""
    wanted = p.examples // 16
    rows = longer[longer["step"] > 0]
    step = min(set(rows["step"]), key=lambda s: abs(s - wanted))
    seen = int(rows[rows["step"] == step]["seen"].iloc[0])
    old, new = estimate(of_looks("old", seen)), estimate(of_looks("new", seen))
    if old is None:
        return "The two starts cannot be compared here."
    final = got["continued: old loss"]
    return (
        f"After {step} step{'s' * (step != 1)}, where tuning takes {wanted}, end minus earlier is {written(old, 2)} on old text and {written(new, 2)} on new. "
        + (
            "The signs are those of the whole continuation, so the number of steps is not what sets it apart; tokens, scored words and rate still differ."
            if (old.mean < 0) == (final.mean < 0)
            else "On old text that is the other sign than in the end, so length does matter."
        )
    )


def old_gap(part):
    """Old loss after a sixth, from the last checkpoint minus from the early one."""
    rows = part[
        (part["set"] == "old") & (part["seen"] == sixth) & part["tokens"].isin([places[0], places[-1]])
    ]
    return estimate(apart(rows, "loss"))


def strong_sentence():
    """Old text under the strong shift, in numbers."""
    if not len(strong):
        return ""
    at, nothing = [mean_at(strong, "old", t, sixth) for t in places], mean_at(strong, "old", 0, 0)
    return (
        f"Under the strong shift old loss after a sixth is {', '.join(f'{a:.2f}' for a in at)} from the early, middle and last checkpoint (last minus early {written(old_gap(strong), 2)})"
        + (
            f", all above the {nothing:.2f} of a model that was never trained: as text it is predicted worse than by such a model; how fast it would come back was not tried."
            if min(at) > nothing
            else "."
        )
    )


def meaning_sentence():
    """For those who train models."""
    text = (
        "If you are going to continue a run on new text not far from the old, take its last checkpoint and re-warm it: it ends ahead on both texts. Our earlier checkpoints had read only "
        f"{places[0] / size:.1f} and {places[1] / size:.1f} tokens a parameter, so this says that training on was worth it, not that nothing is lost by it. "
        if WEAK
        else "From these runs alone we would not say that the last checkpoint is always the one to continue. "
    )
    if len(strong) and p.seeds > 1:
        gap = old_gap(strong)
        if gap.low > 0:
            text += f"That is for text not far from the old. In another language the last checkpoint ends worse on old text than the early one, by {written(gap, 2)} nats (one world, described and not judged): there the order turns round, and replay is the remedy to look at. "
        else:
            text += f"In another language the order on old text is open: last minus early {written(gap, 2)} (one world). "
    if BOTH:
        text += "If you are going to fine-tune it hard and care about the old skill, that advice does not carry over: measure an earlier one as well. "
    text += "Lost and left are two counts that can have opposite signs, and here they do in continuing. But what is left differs in sign between the two kinds of change as well, so the count alone does not explain why two papers disagree."
    return text


def abroad_sentence():
    """What the strong arms of this run show."""
    if not len(strong):
        return ""
    ahead = {
        k: leads(part).query("tokens == @places[-1]")["lead"].mean()
        for k, part in (("weak", weak), ("strong", strong))
    }
    gap = {
        k: mean_at(part, "old", places[0], sixth) - mean_at(part, "old", places[-1], sixth)
        for k, part in (("weak", weak), ("strong", strong))
    }
    return f"In the runs above the last checkpoint's lead on new text is {ahead['weak']:.2f} under the weak shift and {ahead['strong']:.2f} under the strong one, and it ends {gap['weak']:.2f} below the early one on old text under the weak shift, {gap['strong']:.2f} under the strong. A minus says that it is behind.".replace(
        "-", "−"
    )


def long_rate():
    """Share of the peak at which the earlier checkpoint of the long run stands."""
    run = next(s.base.run for s in results.of(Continue) if s.base.at == FIRST and s.base.run.budget == SECOND)
    rates = run.schedule.rates(run.steps)
    return rates[min(int(len(rates) * FIRST / SECOND), len(rates) - 1)] / rates.max()


some, far = results.of(Continue)[0], next(s for s in results.of(Continue) if s.length > sixth * 1.5)
say(
    short_answer=answer(),
    four_said=four_sentence(),
    worst_said=worst_sentence(),
    strong_old_said=strong_sentence(),
    contrasts_said=contrasts_sentence(),
    along_said=along_sentence(),
    sign_said=sign_sentence(),
    total_said=total_sentence(),
    bridge_said=bridge_sentence(),
    meaning_said=meaning_sentence(),
    abroad_said=abroad_sentence(),
    per_parameter_all=", ".join(f"{t / size:.2f}" for t in places),
    earlier_rate=f"{100 * long_rate():.0f}%",
    rows_said=p.rows,
    warm_steps=round(0.01 * some.horizon_steps),
    shift_said=f"{abs(estimate(of_looks('old', start_at)).mean):.2f}",
    parameters_said=f"{size:,}",
    length_said=tokens_label(length_of(p)),
    starts_said=", ".join(tokens_label(t) for t in places),
    per_parameter_said=f"{length_of(p) / size:.3g}",
    long_per_parameter=f"{SECOND / size:.3g}",
    sixth_said=tokens_label(sixth),
    shown_said=tokens_label(far.length),
    long_said=tokens_label(SECOND),
    earlier_said=tokens_label(FIRST),
    doublings_said=f"{np.log2(SECOND / FIRST):g}",
    rate_said=f"{p.rate:g}",
    state_said=p.state,
    documents_said=some.documents,
    examples_said=f"{p.examples:,}",
    seeds_said=f"{p.seeds} seed{'s' * (p.seeds != 1)}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
