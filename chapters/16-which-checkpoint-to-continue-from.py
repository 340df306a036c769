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
#       - how "longer training makes a model harder to change" and "the last checkpoint is the best start" can both be true
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
| tokens per parameter at the last | about 730 | {glue:text}`per_parameter_said` | our division |
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
tuning ever prefers an earlier one, it is here. And chapter 8 had tuned the end of the long run on one of the tasks. No earlier checkpoint had been continued.

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
long_one = looks["budget"] > length_of(p) if max(p.budgets) > length_of(p) else looks["batch"] == p.batch
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
            "Whoever has read before is ahead, and the later the checkpoint the more",
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
everywhere = [weak, strong] if len(strong) else [weak]
by_start = pd.concat(
    [
        summarise(part[(part["seen"] == sixth) & (part["tokens"] > 0)], "loss", by=["set", "tokens"]).assign(
            line=lambda t, kind=kind: t["set"] + kind
        )
        for part, kind in zip(everywhere, ("", ", strong"), strict=False)
    ],
    ignore_index=True,
)
by_start.attrs = {"worlds": len(p.corpora)}
size = int(results.models["parameters"].iloc[0]) if hasattr(results, "models") else None
figure(
    "fig_by_start",
    against_tokens(
        by_start,
        y="loss after a sixth of the schedule (nats per token)",
        series="line",
        parameters=size,
        title=c11.title(
            "The last checkpoint ends best, on old text and on new",
            otherwise="Where a continuation ends, by where it began",
        ),
        description="Loss on old and new text after a sixth of the schedule against the tokens of the starting checkpoint, for the weak "
        "and the strong shift.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_by_start
:name: fig-by-start

One point a start. *old* and *new* are the weak shift, which is judged; *strong* marks the other language.
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
{glue:text}`worst_said`
"""
