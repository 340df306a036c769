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
#       - what a higher or lower re-warmed rate buys on new text and costs on old
#       - whether it is ever better not to re-warm at all
#       - whether an old model is a better start than none
#       - how to read two losses as one path
#     papers: [gupta2023continual, ibrahim2024simple]
#     after: [13-warm-it-up-again]
# ---

# %% [markdown]
r"""
# How hot?

**A finished model is to learn from new text. To what rate should it be warmed up, and is it worth more than a fresh one?** One expects a high rate to learn the new text faster and to forget the old text faster, and a low one to keep what there was and crawl; some of that fails below. And one may
also throw the model away and begin again.

The short answer: {glue:text}`short_answer`

All of this is paid for in {term}`tokens <token>` of the new text; so the question is asked twice, early and late.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = (
    None  # what was read first, instead of the worlds' almanac: file:PATH or hub:NAME[:CONFIG[:SPLIT]]
)
downstream: str = None  # what is read next: a mix of the worlds (default: gazette), file:PATH or hub:NAME
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
length: int = None  # tokens of pre-training, and of the schedule that follows it (default: the part's)
batch: int = None  # rows of 128 tokens in a step of the suite; this part takes half (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
multiples: list = [0.5, 1.0, 2.0]  # peaks to re-warm to, as multiples of that rate
form: str = (
    "clipped cosine"  # how the rate falls: clipped cosine (this paper's) or cosine (the later paper's)
)

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
    batch=batch,
    rate=rate,
    multiples=multiples,
    form=form,
)

# %% [markdown]
r"""
## What the papers did, and what we do

Gupta and colleagues {cite}`gupta2023continual` continued Pythia-410M on SlimPajama at three peak rates, at a constant one, and trained the same model from scratch on SlimPajama alone. {doc}`Chapter 13 <13-warm-it-up-again>` has the setting;
what is particular here:

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| peaks | 1.5e-4, 3e-4 (pre-training's own), 6e-4 | {glue:text}`peaks_said`: {glue:text}`multiples_said` times pre-training's | read in the paper |
| warm-up, decay | 1%, clipped cosine to a tenth of each peak | the same (`form` chooses the other cosine) | read in the paper, and GPT-NeoX as it then was |
| constant | 3e-5, the rate at which pre-training ended | {glue:text}`low_said`, likewise | read in the paper |
| from scratch | peak 3e-4, new text only | the base's own first weights, peak {glue:text}`rate_said`, the same new documents in the same order | read in the paper |
| length | shown to 240B of 297B tokens; pre-training had 300B | {glue:text}`run_said` of {glue:text}`length_said` tokens; pre-training had {glue:text}`length_said` | figures 2 and 3 |
| scores | validation loss on the Pile and on SlimPajama | loss on {glue:text}`documents_said` held-out documents of the almanac and as many of the gazette | figures 2 and 3 |
| models | 410M, one run each | {glue:text}`parameters_said` parameters, {glue:text}`seeds_said` | read in the paper |

The paper gives its losses in figures only; so we compare orders and signs. In the later paper by the same group {cite}`ibrahim2024simple`, at second hand, continuing on SlimPajama at the full rate, without old text, took the Pile loss from 2.17 to 2.44.

**What differs** most: our base models have read {glue:text}`per_parameter_said` tokens per parameter, Pythia-410M some 730. They are unfinished, so *any* further training on similar text may help them. The optimiser starts anew in all runs; chapter 13 has the control.
"""

# %% tags=["experiment"]
from ovbook.runs import SHOWN, length_of, onward, upstream


def experiment(p):
    """Continue every base at each peak, at the last rate, and start afresh."""
    run = round(SHOWN * length_of(p))
    doublings = {round(run / 2**k) for k in range(7)}  # looks for claim C8
    specs = []
    for base in upstream(p):
        specs.append(onward(p, base, 0))  # the rate at which it ended
        for multiple in p.multiples:
            specs.append(onward(p, base, multiple))
        fresh = onward(p, base, start="scratch")
        extra = tuple(sorted({*fresh.extra, *doublings}))
        specs.append(onward(p, base, start="scratch", extra=extra))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.runs import Continue
from ovbook.stats import with_world

results = execute(experiment(p))
looks = with_world(results.table(Continue, kind="look"))
looks[["world", "seed", "start", "schedule", "rate_multiple", "set", "seen", "loss"]].head()

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, figure, forest, paths, say, through_run, tokens_label
from ovbook.claims import judge
from ovbook.stats import cube, estimate, last_fall, summarise, written

CONSTANT, SCRATCH = "constant", "from scratch"
TEXTS = {"old": "old text", "new": "new text"}
HOT = [f"re-warmed, {m:g}×" for m in sorted(p.multiples)]
ARMS = [CONSTANT, *HOT, SCRATCH]


def arm_of(row):
    """The run in words."""
    if row["start"] == "scratch":
        return SCRATCH
    return CONSTANT if row["schedule"] == "constant" else f"re-warmed, {row['rate_multiple']:g}×"


looks = looks.assign(arm=looks.apply(arm_of, axis=1), text=looks["set"].map(TEXTS))
some = results.of(Continue)[0]
tokens, run = some.step_tokens, some.steps * some.step_tokens
at_fifth = some.steps_at(round(some.length / 5)) * tokens
KEYS = ["corpus", "world", "seed", "arm"]
wide = looks.pivot_table(index=[*KEYS, "seen"], columns="set", values="loss").dropna(how="all").reset_index()
lost = looks.groupby(KEYS)["diverged"].max()
end = wide[wide["seen"] == run].drop(columns="seen")
early = wide[wide["seen"] == at_fifth].drop(columns="seen")
ends = end.merge(
    early[[*KEYS[:1], "seed", "arm", "new"]].rename(columns={"new": "early"}), on=["corpus", "seed", "arm"]
)
ends = ends.assign(
    end=ends["new"],
    diverged=[bool(lost.loc[tuple(k)]) for k in ends[KEYS].itertuples(index=False)],
)
multiple_of = dict(zip(HOT, sorted(p.multiples), strict=True))
hot = ends[ends["arm"].isin(HOT)].assign(rate_multiple=lambda t: t["arm"].map(multiple_of))


def pair(names):
    """The rows of two arms under the names that a rule knows them by."""
    return ends[ends["arm"].isin(names)].assign(schedule=lambda t: t["arm"].map(names))


FULL, OLD = "re-warmed, 1×", "old"
expected = {"scale": p.scale, "seeds_expected": p.seeds}
c3 = judge("C3", hot, **expected)
c4 = judge("C4", hot, **expected)
c5 = judge("C5", pair({CONSTANT: "constant", FULL: "re-warmed"}), **expected)
r4 = judge("R4", pair({CONSTANT: "constant", FULL: "re-warmed"}), **expected)
c6 = judge("C6", pair({SCRATCH: "scratch", CONSTANT: "constant"}), **expected)

# %% [markdown]
r"""
## Two losses through time

Move the slider of {numref}`fig-both` between the texts.
"""

# %% tags=["hide-input", "remove-output"]
order = {name: n for n, name in enumerate(ARMS)}
through = summarise(looks, "loss", by=["text", "arm", "seen"])
notes = dict(through.attrs)
before = through[(through["seen"] == 0) & (through["arm"] == CONSTANT)].set_index("text")["mean"]
room = {
    text: through[(through["text"] == text) & (through["arm"] != SCRATCH)]["mean"].max()
    for text in TEXTS.values()
}
shown = through[through["mean"] <= through["text"].map(room)]  # from scratch once it is in sight
shown = shown.sort_values(["text", "arm", "seen"], key=lambda c: c.map(order) if c.name == "arm" else c)
shown.attrs = notes
last = through[through["seen"] == run].set_index(["text", "arm"])["mean"]
texts = Slider("text", list(TEXTS.values()), label="held-out", start="new text")


def both_sentence(text):
    """Where each arm ends."""
    return f"{text}: at the end " + ", ".join(f"{last[text, arm]:.3f} {arm}" for arm in ARMS) + "."


figure(
    "fig_both",
    through_run(
        shown,
        y="loss (nats per token)",
        series="arm",
        held=CONSTANT,
        slider=texts,
        sentence=both_sentence,
        title=c5.title(
            "Staying cool is best on the new text at first, and worst at the end",
            otherwise="Loss on old and new text, by how hot the model is made",
        ),
        description="Loss against tokens of the continuation for re-warmed, constant-rate and from-scratch runs, with a slider for old and "
        "new text.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_both
:name: fig-both

Bands are 95% intervals over {glue:text}`seeds_said`. From scratch enters the picture from above, once its loss is within the range of the others. Before the first step the loss is {glue:text}`start_old` on old text and {glue:text}`start_new` on new.
```

{glue:text}`both_said`
"""

# %% tags=["remove-input"]
c5

# %% tags=["remove-input"]
r4

# %% [markdown]
r"""
## The same as a path

Old loss and new loss can be drawn against each other, and time becomes a path: down is better at the new, left is better at the old. Drag the slider of {numref}`fig-path` and watch the runs walk.
"""

# %% tags=["hide-input", "remove-output"]
ours = wide[wide["arm"] != SCRATCH]
old_side = summarise(ours, "old", by=["arm", "seen"])
new_side = summarise(ours, "new", by=["arm", "seen"])
points = new_side.assign(at=old_side["mean"], code=new_side["arm"].map(order))
steps = sorted(points["seen"].unique())
stops = list(np.unique([steps[i] for i in np.linspace(2, len(steps) - 1, 12).round().astype(int)]))
walked = pd.concat([points[points["seen"] <= stop].assign(until=stop) for stop in stops], ignore_index=True)
walked.attrs = notes
names = {n: name for name, n in order.items()}


def path_sentence(stop):
    """Where the runs stand."""
    here = points[points["seen"] == stop].set_index("arm")
    return (
        f"After {tokens_label(stop)} tokens, old and new loss: "
        + "; ".join(f"{arm} {here['at'][arm]:.2f} and {here['mean'][arm]:.2f}" for arm in [CONSTANT, *HOT])
        + "."
    )


figure(
    "fig_path",
    paths(
        walked,
        series="code",
        along="seen",
        x="old loss (nats per token)",
        y="new loss (nats per token)",
        zero=False,
        write=lambda code: names[code],
        series_title="run",
        along_title="tokens of the continuation",
        reference=0,
        columns=2,
        slider=Slider("until", stops, label="after", write=lambda s: f"{tokens_label(s)} tokens"),
        sentence=path_sentence,
        title="The walk of each run: forgetting to the right, learning downwards",
        description="New loss against old loss, a path for each run in the order of time, with a slider for how far they have come. "
        "Re-warmed runs go right and down, then back to the left; the constant rate goes down and slowly right.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_path
:name: fig-path

All begin at the same point, top left. Whiskers are 95% intervals of the new loss. The thick grey path stays at the constant, low rate. From scratch begins far outside, at the top right.
```

{glue:text}`path_said`

## Hotter, or less hot?
"""

# %% tags=["hide-input", "remove-output"]
constant = {text: cube(ends[ends["arm"] == CONSTANT], text).values[:, :, 0] for text in TEXTS}


def beside(arm, text, value=None):
    """A run's final loss minus that of the constant rate, [worlds, seeds]."""
    return cube(ends[ends["arm"] == arm], value or text).values[:, :, 0] - constant[text]


rows = [
    {"arm": arm, "text": TEXTS[text], "mean": e.mean, "low": e.low, "high": e.high, "n": e.n}
    for arm in (*HOT, SCRATCH)
    for text in TEXTS
    for e in [estimate(beside(arm, text))]
    if e is not None
]
final = pd.DataFrame(rows)
final.attrs = notes
both_ways = c3.verdict == "reproduced" and c4.verdict == "reproduced"
figure(
    "fig_hot",
    forest(
        final,
        row="arm",
        x="final loss minus that at the constant rate (nats per token)",
        series="text",
        series_title="held-out",
        band=(-0.01, 0.01),
        title="Hotter learns more and forgets more"
        if both_ways
        else "What each peak buys and costs at the end, against not re-warming",
        description="Final loss on old and new text of each re-warmed run and of the run from scratch, minus that at the constant rate.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_hot
:name: fig-hot

Left of zero is better than staying at the constant rate. Differences are taken within a seed; whiskers are 95% intervals. The band is the smallest effect of the rules below.
```

{glue:text}`hot_said`
"""

# %% tags=["remove-input"]
c3

# %% tags=["remove-input"]
c4

# %% [markdown]
r"""
## Better than starting afresh?

{numref}`fig-scratch` sets every run against the one from scratch that reads the same new documents in the same order.
"""

# %% tags=["hide-input", "remove-output"]
by_seed = wide.set_index(["corpus", "seed", "seen", "arm"])
fresh = by_seed.xs(SCRATCH, level="arm")
leads = []
for arm in (CONSTANT, *HOT):
    own = by_seed.xs(arm, level="arm")
    common = own.index.intersection(fresh.index)
    lead = fresh.loc[common, "new"] - own.loc[common, "new"]
    leads.append(lead.rename("lead").reset_index().assign(arm=arm, world=own.loc[common, "world"].to_numpy()))
leads = pd.concat(leads, ignore_index=True)
ahead = summarise(leads, "lead", by=["arm", "seen"])
ahead_notes = dict(ahead.attrs)
ahead = ahead[ahead["seen"] >= run / 4].sort_values(
    ["arm", "seen"], key=lambda c: c.map(order) if c.name == "arm" else c
)
ahead.attrs = ahead_notes
advantage = leads[(leads["seen"] == run) & leads["arm"].isin(HOT)]
advantage = advantage.assign(advantage=advantage["lead"], rate_multiple=advantage["arm"].map(multiple_of))
c7 = judge("C7", advantage, **expected)
halves = sorted({some.steps_at(round(some.length / 2**k)) * tokens for k in range(7)})
afresh = wide[(wide["arm"] == SCRATCH) & wide["seen"].isin(halves)].assign(tokens=lambda t: t["seen"])
c8 = judge("C8", afresh, **expected)
figure(
    "fig_scratch",
    through_run(
        ahead,
        y="new loss from scratch, minus this run's (nats)",
        series="arm",
        held=CONSTANT,
        level=(0.0, "level with a fresh model"),
        title=c6.title(
            "In the end a fresh model passes the one that stays cool",
            otherwise="The lead over a fresh model, in the last three quarters of the run",
        ),
        description="Loss on new text of the run from scratch minus that of each continued run, against tokens, over the last three quarters; "
        "above zero the continued model is ahead.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_scratch
:name: fig-scratch

Above the dashed line the old model is ahead. The first quarter, in which a fresh model is nowhere near, is left out.
```

{glue:text}`scratch_said`
"""

# %% tags=["remove-input"]
c6

# %% tags=["remove-input"]
c7

# %% tags=["remove-input"]
c8

# %% [markdown]
r"""
## Stop early, stay cool

If the new text is like the old and you have little of it, there is a cheap way: keep the constant rate and stop when the new loss is good enough. How much old loss does that save, *at the same new loss*? {numref}`fig-saved` reads every
path of {numref}`fig-path` off at the new loss with which the constant-rate run ends, which is where the claim's rule compares them.
"""


# %% tags=["hide-input", "remove-output"]
def path_of(corpus, seed, arm):
    """One run's looks in order."""
    return by_seed.xs((corpus, seed), level=("corpus", "seed")).xs(arm, level="arm").sort_index()


saved = []
for (corpus, seed), own in ends[ends["arm"] == CONSTANT].set_index(["corpus", "seed"]).iterrows():
    for arm in HOT:
        path = path_of(corpus, seed, arm)
        old = last_fall(path["new"], path["old"], own["new"])
        reached = last_fall(path["new"], path.index, own["new"])
        old = path["old"].iloc[-1] if np.isnan(old) else old
        place = {
            "corpus": corpus,
            "world": own["world"],
            "seed": seed,
            "arm": arm,
            "rate_multiple": multiple_of[arm],
        }
        saved.append(place | {"saved": own["old"] - old, "reached": reached})
saved = pd.DataFrame(saved)
c13 = judge("C13", saved, **expected)
savings = pd.DataFrame(
    [
        {"arm": arm, "mean": e.mean, "low": e.low, "high": e.high, "n": e.n}
        for arm in HOT
        for e in [estimate(cube(saved[saved["arm"] == arm], "saved").values[:, :, 0])]
        if e is not None
    ]
)
savings.attrs = notes
figure(
    "fig_saved",
    forest(
        savings,
        row="arm",
        x="old loss at equal new loss: constant minus re-warmed (nats per token)",
        band=(-0.02, 0.02),
        title=c13.title(
            "At the new loss where it ends, the cool run has forgotten less than hot ones in mid-schedule",
            otherwise="Old loss at equal new loss: cool against re-warmed",
        ),
        description="Old loss of the constant-rate run at its end minus that of each re-warmed run where it passes the same new loss.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_saved
:name: fig-saved

Left of the band, the cool run has forgotten less by the time it has learnt as much. The re-warmed runs go on to new losses that the cool one never reaches: {glue:text}`reach_said`.
```

{glue:text}`midway_said`
"""

# %% tags=["remove-input"]
c13

# %% [markdown]
r"""
## What else could explain it

**The rate had not come down yet.** In the middle of a run, a high rate holds the loss up, and part of the "forgetting" there is only the rate. That is why the verdicts on who learns and who forgets are read at the end, where every re-warmed run is at a tenth of its own
peak. But a tenth of twice the peak is four times a tenth of half of it: the arms end at different rates, in the paper as here.

**The base was not finished.** A model that has read {glue:text}`per_parameter_said` tokens per parameter gets better at old *and* new text by any more training on a similar mix. Where re-warming looks good here, part of it is that; the paper's base had read {glue:text}`ratio_said` times as much
per parameter. `length` changes it, and it matters: in a pilot with one seed of another world, whose base and run were twice as long, the fresh model passed the constant-rate run at four fifths of the way, and the constant rate ended with the lowest old loss of all.
The length was halved, for its cost, before any other seed was continued. Every verdict here is one *at this length*.

A referee read the page with its results. No rule, run or verdict was changed after that; sentences that claimed more than the numbers carry were taken back, and intervals added.

**From scratch has the same peak only.** We did not tune it: a fresh model may like another rate. Nor did the paper.

**What we cannot exclude.** Weak shift means that most of the new text is of kinds the model knows. Under a strong one (`downstream=abroad`) the order may differ; exercise 2 asks.

## Play

Two lines give you the path of any other arm. Here, peak and constant rate in the middle:
"""

# %%
base = upstream(p)[0]
quarter = onward(p, base, 0.25)
print(quarter, f"from {quarter.rates[0]:.4f} to {quarter.rates.max():.4f}")
plan([quarter])

# %% [markdown]
r"""
`execute([quarter])` runs it, and `results.table(Continue, kind="look")` has its losses.

## What it means

{glue:text}`meaning_said`

## Exercises

```{exercise}
:label: ex-hot-cosine
With `form=cosine` the rate falls later and reaches its minimum only at the end of the schedule, past the point where these runs stop. Predict the sign of the change of the final *new* loss, and of the old, for the 2× run. Then run
`ovbook run 14 -p form=cosine -p seeds=2`.
```

```{solution} ex-hot-cosine
:class: dropdown
At the stop the rate is still some {glue:text}`cosine_said` of the peak instead of a tenth, so both losses should end higher, and most for the hottest run. What the schedule has not taken down, the last fifth would.
```

```{exercise}
:label: ex-hot-abroad
Run `ovbook run 14 -p downstream=abroad -p seeds=2`: the new text is in another language. Which of the eight verdicts' *directions* survive? (Two seeds decide none.)
```

```{solution} ex-hot-abroad
:class: dropdown
Look first at the lead over a fresh model: what carries over is grammar-free at best, names and towns and the habit of reading. And at the old loss from scratch, which has no reason to fall now: claim C8 is about texts that share something.
```

```{exercise}
:label: ex-hot-stop
You have a tenth of the tokens of these runs. From {numref}`fig-both` alone: which arm do you take, and does the answer depend on how much the old text is worth to you?
```

```{solution} ex-hot-stop
:class: dropdown
Read both texts at {glue:text}`tenth_said` tokens. {glue:text}`tenth_answer`
```
"""

# %% tags=["remove-cell"]
from ovbook.runs import Schedule
from ovbook.runs.plan import size_of

size = size_of(some.base.root)
total = length_of(p)


def told(values, digits=3):
    return "(not run)" if values is None else written(estimate(values), digits)


def both_sentence_all():
    """The cool run against the full rate, early and late."""
    if FULL not in HOT:
        return "The full rate was not run."
    gaps = {
        "after a fifth of the run": cube(ends[ends["arm"] == CONSTANT], "early").values[:, :, 0]
        - cube(ends[ends["arm"] == FULL], "early").values[:, :, 0],
        "at its end": -beside(FULL, "new"),
    }
    behind = by_seed.xs(CONSTANT, level="arm")["new"] - by_seed.xs(FULL, level="arm")["new"]
    mean = behind.groupby("seen").mean()
    ahead_at = mean.index[(mean < 0) & (mean.index > 0)]
    led = (
        f" Its mean is the lower one only up to {tokens_label(ahead_at.max())} tokens."
        if len(ahead_at)
        else " Its mean is never the lower one after the start."
    )
    return (
        "On new text the constant rate minus the full one is "
        + " and ".join(f"{told(v)} {when}" for when, v in gaps.items())
        + f".{led} On old text, at the end, it is {told(-beside(FULL, 'old'))}."
    )


def path_sentence_all():
    """How far right the hottest goes, and comes back."""
    hottest = points[points["arm"] == HOT[-1]].set_index("seen")["at"]
    return (
        f"The hottest run goes from {hottest.iloc[0]:.2f} to {hottest.max():.2f} nats of old loss, and is back at {hottest.iloc[-1]:.2f} at the end. "
        + (
            "Most of the rise is gone by the end, while the rate falls and more text of a similar kind is read; these runs do not tell the two apart. "
            if hottest.max() - hottest.iloc[-1] > 0.5 * (hottest.max() - hottest.iloc[0])
            else "Less than half of it comes back. "
        )
        + "At the end the old loss stands above its start by "
        + ", ".join(
            f"{told(cube(ends[ends['arm'] == arm], 'old').values[:, :, 0] - start_of('old'))} ({arm})"
            for arm in (CONSTANT, *HOT)
        )
        + "."
    )


def start_of(text):
    """Loss before the first step of a continuation, [worlds, seeds]."""
    rows = wide[(wide["seen"] == 0) & (wide["arm"] == CONSTANT)]
    return cube(rows, text).values[:, :, 0]


def doublings(text):
    """What each doubling of the peak does to a final loss."""
    of = [cube(ends[ends["arm"] == arm], text).values[:, :, 0] for arm in HOT]
    return [of[n + 1] - of[n] for n in range(len(of) - 1)]


def midway():
    """Where the re-warmed runs are when C13 reads them, and where they end."""
    if saved["reached"].isna().all():
        return ""
    of = saved.groupby("arm")["reached"].median()
    rates = {}
    for arm in HOT:
        spec = next(
            r
            for r in results.of(Continue)
            if r.start != "scratch" and np.isclose(max(r.rates), multiple_of[arm] * p.rate)
        )
        rates[arm] = spec.rates[min(int(of[arm] / tokens), len(spec.rates) - 1)] / (0.1 * p.rate)
    better = [
        arm
        for arm in HOT
        if estimate(beside(arm, "old")).n > 1
        and estimate(beside(arm, "old")).high < 0
        and estimate(beside(arm, "new")).high < 0
    ]
    text = f"The re-warmed runs are read in mid-flight, at {', '.join(f'{rates[a]:.1f}' for a in HOT)} times the cool run's rate and after {', '.join(tokens_label(of[a]) for a in HOT)} of its {tokens_label(run)} tokens. "
    if better:
        text += (
            f"Left to finish, {' and '.join(better)} end with lower new and lower old loss than the cool run ({'; '.join(f'old {told(beside(a, OLD))}' for a in better)}). So the verdict is about stopping a schedule in "
            "the middle, not about equal tokens; against the ends, which the claim's expectation names, the constant rate is not the better path."
        )
    return text


def hot_sentence():
    """The ends by peak."""
    return (
        "New loss at the end, against the constant rate: "
        + ", ".join(f"{told(beside(arm, 'new'))} ({arm})" for arm in HOT)
        + ". Old loss: "
        + ", ".join(f"{told(beside(arm, 'old'))} ({arm})" for arm in HOT)
        + "."
    )


def crossing():
    """Share of the run at which scratch passes the constant rate, by seed; NaN where it does not."""
    found = {}
    for (corpus, seed), part in leads[leads["arm"] == CONSTANT].groupby(["corpus", "seed"]):
        part = part.sort_values("seen")
        found[corpus, seed] = last_fall(part["lead"], part["seen"], 0.0)
    return pd.Series(found)


def scratch_sentence():
    """Leads at the end, and where the curves cross."""
    crossed = crossing()
    went = crossed.notna().sum()
    if went >= len(crossed) / 2:
        where = (
            f"A fresh model passes the constant-rate run in {went} of {len(crossed)} runs, at {tokens_label(crossed.median())} tokens in the median, "
            f"{100 * crossed.median() / total:.0f}% of the length of pre-training (the paper: after about 200B of 300B)."
        )
    else:
        where = (
            f"A fresh model passes the constant-rate run in {went or 'none'} of {len(crossed)} runs; in the others it does not within the {tokens_label(run)} tokens shown, "
            f"where from scratch minus constant is {told(beside(SCRATCH, 'new'))}."
        )
    tail = {
        arm: told(cube(leads[(leads["arm"] == arm) & (leads["seen"] == run)], "lead").values[:, :, 0])
        for arm in HOT
    }
    start, stop = (
        through.set_index(["text", "arm", "seen"])["mean"]["old text", SCRATCH, at] for at in (0, run)
    )
    return (
        f"{where} At the end the leads of the re-warmed runs are "
        + ", ".join(f"{v} ({arm})" for arm, v in tail.items())
        + f". And the fresh model, which never reads the old text, gets better at it all the same: its old loss goes from {start:.2f} to {stop:.2f}."
    )


def reach_sentence():
    """New losses out of the cool run's reach."""
    return f"{last['new text', CONSTANT]:.3f} is its best, and they end at " + ", ".join(
        f"{last['new text', arm]:.3f}" for arm in HOT
    )


def verdict_words(*found):
    return [v.id for v in found if v.verdict == "reproduced"], [
        v.id for v in found if v.verdict == "not reproduced"
    ]


def short():
    """The answer by the verdicts."""
    parts = []
    if c5.verdict == "not tested at this scale":
        return "this scale judges nothing."

    def lowest(text):
        """The arms within a smallest effect of the lowest, with their losses."""
        values = {arm: last[text, arm] for arm in [CONSTANT, *HOT]}
        near = [arm for arm in values if values[arm] < min(values.values()) + 0.01]
        return " and ".join(f"{arm} ({values[arm]:.3f})" for arm in near)

    parts.append(
        f"after a whole run the lowest losses on new text are those of {lowest('new text')}, on old text those of {lowest('old text')}, in nats per token, {ends['seed'].nunique()} seeds in each of "
        f"{ends['corpus'].nunique()} worlds; runs within 0.01 of each other are named together. Staying at the low rate ends at {last['new text', CONSTANT]:.3f} and {last['old text', CONSTANT]:.3f}."
    )
    yes, no = verdict_words(c3, c4, c5, c6, c7, c8, c13, r4)
    parts.append(
        f"Of eight claims, {len(yes)} are reproduced"
        + (f" ({', '.join(yes)})" if yes else "")
        + f" and {len(no)} are not"
        + (f" ({', '.join(no)})" if no else "")
        + f"; the rest stay undecided. All at {total / size:.0f} tokens per parameter; a pilot of twice the length put the constant rate lowest on old text."
    )
    return " ".join(parts)


def meaning():
    """What follows."""
    parts = []
    if c5.verdict == "reproduced" or (FULL in HOT and estimate(beside(FULL, "new")).high < 0):
        parts.append("With new text for a whole run, re-warming pays: the cool run is left behind.")
    if c13.verdict == "reproduced":
        parts.append(
            "At the new loss where it ends, the cool run has less old loss than re-warmed runs in mid-schedule; but it gets there later, and not far, and at equal tokens a re-warmed run can beat it on both texts."
        )
    if c4.verdict == "reproduced":
        parts.append(
            "How hot is then a matter of what the old text is worth: on average a doubling of the peak costs old skill that is not given back by the end."
        )
    if len(HOT) > 1 and p.scale != "smoke":
        for text, word in (("old", "costs on old text"), ("new", "changes the new loss by")):
            parts.append(
                f"Doubling by doubling, a hotter peak {word} {', then '.join(told(v) for v in doublings(text))} nats at the end."
            )
    if c7.verdict == "reproduced":
        parts.append("And an old model is a better start than none at every peak tried.")
    elif c7.verdict == "not reproduced":
        parts.append(
            "Whether an old model is a better start than none depends on the peak: not at every one of them does its lead last to the end."
        )
    else:
        parts.append(
            "An old model leads a fresh one throughout the first half; how much of the lead is left at the end is small, and not settled at every peak."
        )
    return (
        " ".join(parts)
        + " All of this is for new text that resembles the old; and no old text was mixed in, which a later chapter does."
    )


def tenth_words():
    """The choice at a tenth."""
    at = min(through["seen"].unique(), key=lambda s: abs(s - run / 10))
    here = through[through["seen"] == at].set_index(["text", "arm"])["mean"]
    new, old = (min([CONSTANT, *HOT], key=lambda arm: here[text, arm]) for text in ("new text", "old text"))
    rows = wide[wide["seen"] == at]
    apart = (
        cube(rows[rows["arm"] == old], "old").values[:, :, 0]
        - cube(rows[rows["arm"] == new], "old").values[:, :, 0]
    )
    return (
        f"Lowest on new text is then {new} ({here['new text', new]:.2f}), on old text {old} ({here['old text', old]:.2f})"
        + (
            ": one arm for both, so no."
            if new == old
            else f": two different arms, by {told(apart)} on old text, so yes."
        )
    )


say(
    short_answer=short(),
    both_said=both_sentence_all(),
    path_said=path_sentence_all(),
    hot_said=hot_sentence(),
    scratch_said=scratch_sentence(),
    reach_said=reach_sentence(),
    midway_said=midway(),
    meaning_said=meaning(),
    tenth_said=tokens_label(run / 10),
    tenth_answer=tenth_words(),
    cosine_said=f"{100 * Schedule(kind='cosine', peak=1.0, warmup=0.01, final=0.1).rates(1000)[int(1000 * SHOWN)]:.0f}%",
    start_old=f"{before['old text']:.2f}",
    start_new=f"{before['new text']:.2f}",
    parameters_said=f"{size:,}",
    per_parameter_said=f"{total / size:.0f}",
    ratio_said=f"{730 * size / total:.0f}",
    peaks_said=", ".join(f"{m * p.rate:g}" for m in sorted(p.multiples)),
    multiples_said=", ".join(f"{m:g}" for m in sorted(p.multiples)),
    low_said=f"{0.1 * p.rate:g}",
    rate_said=f"{p.rate:g}",
    run_said=tokens_label(run),
    length_said=tokens_label(total),
    documents_said=some.documents,
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
