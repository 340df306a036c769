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
#       - that warming up hurts even when nothing new is read
#       - how much of the forgetting is the rate, and how much the new text
#       - what the path of two losses looks like without a shift, and with one
#     papers: [gupta2023continual, ibrahim2024simple]
#     after: [13-warm-it-up-again, 14-how-hot]
# ---

# %% [markdown]
r"""
# The same data again

**When a continued model forgets, is it the new text, or the *heat*, as we call a learning rate raised again?** Re-warming and new text come together in every continuation, and so their costs are easily taken for one. There is a plain way to tell them apart: re-warm the model, and let it read *more of the same*.

The short answer: {glue:text}`short_answer`

If a good part of the forgetting is the heat's, a gentler schedule may save it, and no mixing of texts will; if it is the text's, the other way round. All of this is measured while the rate is still near its peak; what remains
after it has come down is not measured here.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation and data (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = (
    None  # what was read first, and is read again, instead of the worlds' almanac: file:PATH or hub:NAME
)
downstream: str = None  # the other text: a mix of the worlds (default: gazette), file:PATH or hub:NAME
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

Gupta and colleagues {cite}`gupta2023continual` let Pythia-410M, trained on the Pile, go on with the Pile: 50 billion tokens at three peaks and at the constant rate at which it had ended. Some of that may have been text
that it had read before; what we read does not say. The paper followed the loss on the Pile and on SlimPajama, which it was *not* reading.

| | the papers | this chapter at `laptop` | source of the papers' value |
|---|---|---|---|
| goes on with | the Pile | the almanac of {glue:text}`worlds_said`, documents it has not seen | read in the paper |
| scored on | Pile and SlimPajama | the almanac and the gazette | figures 5 and 6 |
| peaks | 1.5e-4, 3e-4, 6e-4 and constant 3e-5; 1% warm-up | {glue:text}`peaks_said` and constant {glue:text}`low_said`; 1% warm-up | read in the paper |
| length | 50B of 297B tokens | a sixth of the schedule, {glue:text}`sixth_said` of {glue:text}`length_said` tokens | read in the paper |
| highest rise | +0.1 (3e-4), +0.2 (6e-4) on the same data; +0.35, +0.45 under the shift | {glue:text}`rises_said` on the same data | Ibrahim et al. {cite}`ibrahim2024simple`, section 7.1, at second hand |
| repetitions | one | {glue:text}`seeds_said` | not stated |

The runs under the shift are {doc}`chapter 14's <14-how-hot>`, read off after a sixth. An endless world has no text to repeat, so *same data* means the same kind, and nothing can be gained by knowing a document already.

## What we will call an effect

C9 and C10 have their rules in the boxes. One more question, how much is the heat and how much the text, was settled before its runs were looked at. It is a two-by-two: same or new text, low or full rate, and the old loss after a sixth. *Heat*: full minus low rate on the same text. *Text*: new minus
same text at the low rate. *Together*: what both do, minus the sum of the two. Smallest effect 0.05 nats per token; an interval wholly beyond it, with each world's mean, is *an effect*, one wholly within *none worth the name*, anything else *undecided*. A referee read the page with its results: nothing declared was changed after that, and what was added is marked. Seen before, in one seed of another world trained for longer: about 0.06 for heat,
0.14 for text, and 0.14 for both together beyond their sum.
"""

# %% tags=["experiment"]
from ovbook.runs import SIXTH, downstream, onward, upstream


def experiment(p):
    """Go on with the old text, hot or not; beside it, with the new one."""
    specs = []
    for base in upstream(p):
        same = {"corpus": base.root.corpus, "also": (downstream(p, base),)}
        for multiple in (0, *p.multiples):
            specs.append(onward(p, base, multiple, share=SIXTH, **same))
            specs.append(onward(p, base, multiple))  # chapter 14's runs
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.runs import Continue
from ovbook.stats import with_world

results = execute(experiment(p))
looks = with_world(results.table(Continue, kind="look"))
looks[["seed", "corpus", "base_corpus", "schedule", "rate_multiple", "set", "seen", "loss"]].head()

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, figure, forest, paths, say, through_run, tokens_label
from ovbook.claims import judge
from ovbook.stats import cube, estimate, reading, summarise, written

SAME, NEW = "same text", "new text"
CONSTANT = "constant"
HOT = [f"{m:g}×" for m in sorted(p.multiples)]
ARMS = [CONSTANT, *HOT]
same = looks["corpus"] == looks["base_corpus"]
some = next(spec for spec in results.of(Continue) if spec.corpus == spec.base.root.corpus)
run = some.steps * some.step_tokens
looks = looks.assign(
    data=same.map({True: SAME, False: NEW}),
    arm=looks["rate_multiple"].map("{:g}×".format).where(looks["schedule"] != "constant", CONSTANT),
    scored=looks["set"].where(looks["set"] == "old", "other"),
    corpus=looks["base_corpus"],  # the upstream names a world, or a text
)
looks = looks[looks["seen"] <= run]
KEYS = ["corpus", "world", "seed", "data", "arm"]
wide = (
    looks.pivot_table(index=[*KEYS, "seen"], columns="scored", values="loss").dropna(how="all").reset_index()
)
lost = looks.groupby(KEYS)["diverged"].max()
first = wide[wide["seen"] == 0].set_index(KEYS)["old"]
wide = wide.assign(
    rise=wide["old"].to_numpy() - first.loc[list(wide[KEYS].itertuples(index=False, name=None))].to_numpy()
)

rises = wide.groupby(KEYS).agg(peak_rise=("rise", "max"), end_rise=("rise", "last")).reset_index()
rises = rises.assign(diverged=[bool(lost.loc[k]) for k in rises[KEYS].itertuples(index=False, name=None)])
of_multiple = dict(zip(HOT, sorted(p.multiples), strict=True))
again = rises[(rises["data"] == SAME) & rises["arm"].isin(HOT)].assign(
    rate_multiple=lambda t: t["arm"].map(of_multiple)
)
expected = {"scale": p.scale, "seeds_expected": p.seeds}
c9 = judge("C9", again, **expected)


def straight(part):
    """Correlation of the two perplexities along one path."""
    return float(np.corrcoef(np.exp(part["old"]), np.exp(part["other"]))[0, 1])


alike = pd.DataFrame(
    [dict(zip(KEYS, key, strict=True)) | {"r": straight(part)} for key, part in wide.groupby(KEYS)]
)
full = alike[alike["arm"] == "1×"].set_index(["corpus", "seed", "data"])["r"]
lines = alike[(alike["data"] == SAME) & (alike["arm"] == "1×")]
lines = lines.assign(
    together=lines["r"],
    bend=[full[c, s, SAME] - full[c, s, NEW] for c, s in zip(lines["corpus"], lines["seed"], strict=True)],
)
c10 = judge("C10", lines, **expected) if len(lines) else None

# %% [markdown]
r"""
## More of the same, and it gets worse

{numref}`fig-rise` shows the old loss, the loss on the very kind of text that is being read, counted from where the continuation began.
"""

# %% tags=["hide-input", "remove-output"]
order = {name: n for n, name in enumerate(ARMS)}
rising = summarise(wide, "rise", by=["data", "arm", "seen"])
notes = dict(rising.attrs)
rising = rising.sort_values(["data", "arm", "seen"], key=lambda c: c.map(order) if c.name == "arm" else c)
rising.attrs = notes
highest = rising.groupby(["data", "arm"])["mean"].max()
ended = rising[rising["seen"] == run].set_index(["data", "arm"])["mean"]
figure(
    "fig_rise",
    through_run(
        rising,
        y="old loss, from the start (nats per token)",
        series="arm",
        held=CONSTANT,
        level=(0.0, "where it began"),
        slider=Slider("data", [SAME, NEW], label="goes on with", start=SAME),
        sentence=lambda data: (
            f"{data}: the mean curve of the old loss rises by "
            + ", ".join(f"{highest[data, arm]:.2f} ({arm})" for arm in ARMS)
            + " at most, and stands at "
            + ", ".join(f"{ended[data, arm]:+.2f}" for arm in ARMS).replace("-", "−")
            + " at the end."
        ),
        title=c9.title(
            "Warmed up again, a model gets worse at the text it is reading",
            otherwise="Old loss when the same text goes on, by peak rate",
        ),
        description="Rise of the loss on old text against tokens of the continuation, by peak rate, with a slider for the same or the new text.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_rise
:name: fig-rise

Zero is the loss at the end of pre-training. Nothing new is read at the first stop of the slider; at the second, the text is that of {doc}`chapter 14 <14-how-hot>`. The thick grey line stays at the rate at which pre-training ended. Bands are 95% intervals over {glue:text}`seeds_said`.
```

{glue:text}`rise_said`
"""

# %% tags=["remove-input"]
c9

# %% [markdown]
r"""
## How much is heat, how much is text?

With both kinds of text at both rates, the old loss after a sixth of the schedule can be taken apart.
"""

# %% tags=["hide-input", "remove-output"]
FULL = "1×"


def stands(data, arm):
    """Rise of the old loss at the end, [worlds, seeds]."""
    rows = rises[(rises["data"] == data) & (rises["arm"] == arm)]
    return cube(rows, "end_rise").values[:, :, 0] if len(rows) else np.full((1, 1), np.nan)


heat = stands(SAME, FULL) - stands(SAME, CONSTANT)
text = stands(NEW, CONSTANT) - stands(SAME, CONSTANT)
whole = stands(NEW, FULL) - stands(SAME, CONSTANT)
PARTS = {
    "rate alone (heat)": heat,
    "new text at the low rate (text)": text,
    "together, beyond the sum": whole - heat - text,
    "both": whole,
}
parts = pd.DataFrame(
    [
        {"part": name, "mean": e.mean, "low": e.low, "high": e.high, "n": e.n}
        for name, values in PARTS.items()
        for e in [estimate(values)]
        if e is not None
    ]
)
parts.attrs = notes
if len(parts):
    figure(
        "fig_parts",
        forest(
            parts,
            row="part",
            x="old loss added after a sixth of the schedule (nats per token)",
            band=(-0.05, 0.05),
            title="What heat and new text do to the old loss, apart and together",
            description="Old loss added by the full rate alone, by the new text alone, by both beyond their sum, and by both.",
        ),
    )

# %% [markdown]
r"""
```{glue:figure} fig_parts
:name: fig-parts

The first three rows add up to the last. n counts seeds, worlds averaged. The band is the smallest effect declared above.
```

{glue:text}`parts_said`

## A straight path?

The paper saw one more thing. Drawn against each other, the perplexities on the old and on the other text ran out and back along nearly one straight line when the text was the same, and did not when it was new.
"""

# %% tags=["hide-input", "remove-output"]
moved = wide.assign(old_ppl=np.exp(wide["old"]), other_ppl=np.exp(wide["other"]))
across = summarise(moved, "old_ppl", by=["data", "arm", "seen"])
up = summarise(moved, "other_ppl", by=["data", "arm", "seen"])
walk = up.assign(at=across["mean"], code=up["arm"].map(order))
walk.attrs = notes
names = {n: name for name, n in order.items()}
r_mean = alike.groupby(["data", "arm"])["r"].mean()
figure(
    "fig_line",
    paths(
        walk,
        series="code",
        along="seen",
        x="perplexity on old text",
        y="perplexity on the other text",
        zero=False,
        loose=True,
        write=lambda code: names[code],
        series_title="peak",
        along_title="tokens of the continuation",
        reference=0,
        columns=4,
        slider=Slider("data", [SAME, NEW], label="goes on with", start=SAME),
        sentence=lambda data: (
            f"{data}: correlation along the path "
            + ", ".join(f"{r_mean[data, arm]:.2f} ({arm})" for arm in ARMS).replace("-", "−")
            + "."
        ),
        title=c10.title(
            "At the full rate, both perplexities move together, unless the text is new",
            otherwise="Perplexity against perplexity, a path for each peak",
        )
        if c10
        else "Perplexity against perplexity, a path for each peak",
        description="Perplexity on the other text against perplexity on the old text, a path for each peak rate, with a slider for the same or "
        "the new text.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_line
:name: fig-line

Each path goes through the looks of a run in the order of time; whiskers are 95% intervals of the height. The axes fit each stop of the slider. A straight line says that the two texts suffer and recover in step.
```

{glue:text}`line_said`
"""

# %% tags=["remove-input"]
c10

# %% [markdown]
r"""
## What else could explain it

**The optimiser was reset.** That makes the first jump larger than it need be; {doc}`chapter 13 <13-warm-it-up-again>` has the control, and what is left of it later.

**It has only not come back yet.** A sixth of the schedule ends with the rate near its peak. As a model's loss at a high rate is higher than after the rate has fallen, part of the rise is no loss of skill at all: it is the height at which one hovers at this rate. In
{doc}`chapter 14 <14-how-hot>` the runs under a shift go on until the rate is down, and most of their rise is gone by then. The same text, hot, until the rate is down was not run; exercise 1 does. The paper stopped here, and we did as it did.

**Nothing is repeated here.** Some of the paper's 50 billion tokens may have been read before. Both losses are on held-out text ({glue:text}`documents_said` documents here), so knowing a document would not show; but repeated text may teach less than fresh text,
so that the paper's model had less to set against the rise.

**The text alone is text at a low rate.** There less of the new text is learnt as well. What forgetting costs per nat learnt is not compared here.

**What we cannot exclude.** Our base has read {glue:text}`per_parameter_said` tokens per parameter and would gain by more of the same at *any* rate. That works against the rise; in a model that had nothing left to learn it could be larger.

## Play

How long is too short? The same text at the full rate for longer, until the rate has come down, is one line:
"""

# %%
base = upstream(p)[0]
longer = onward(p, base, corpus=base.root.corpus)
print(longer, f"ends at a rate of {longer.rates[-1]:.4f}")
plan([longer])

# %% [markdown]
r"""
## What it means

{glue:text}`meaning_said`

## Exercises

```{exercise}
:label: ex-same-long
Predict: does the run of the last cell end below where it began? Then execute it for one seed and look at `results.table(Continue, kind="look")`.
```

```{solution} ex-same-long
:class: dropdown
`execute([longer]).table(Continue, kind="look", set="old")[["seen", "loss"]]`. It has read as much again of the same kind of text and its rate is back at a tenth: our models should end lower than they began. For a model at the end of what it can learn the question is open.
```

```{exercise}
:label: ex-same-abroad
Repeat the two-by-two with another language, `ovbook run 15 -p downstream=abroad -p seeds=2`. Which of the parts grows most?
```

```{solution} ex-same-abroad
:class: dropdown
The heat alone is the same by construction. Text alone and the part beyond the sum have the room to grow: at a low rate even a foreign text moves the weights little.
```

```{exercise}
:label: ex-same-corr
Two perplexities that both do nothing but fluctuate have a correlation too. What would claim C10's statistic say of the constant-rate run, and why is that no contradiction?
```

```{solution} ex-same-corr
:class: dropdown
The slider's sentence under {numref}`fig-line` has it. Where nothing moves out and back there is no path to be straight; that is why the rule names the full rate.
```
"""

# %% tags=["remove-cell"]
from ovbook.runs import length_of
from ovbook.runs.plan import size_of

size = size_of(some.base.root)
total = length_of(p)


def of_runs(arm, value):
    """Each run's own highest or last rise on the same text, in words."""
    return written(
        estimate(cube(rises[(rises["data"] == SAME) & (rises["arm"] == arm)], value).values[:, :, 0])
    )


def recovered(arm):
    """What an end rise says."""
    found = estimate(cube(rises[(rises["data"] == SAME) & (rises["arm"] == arm)], "end_rise").values[:, :, 0])
    if found.n < 2:
        return "one seed"
    return "not yet recovered" if found.low > 0 else "recovered" if found.high <= 0.01 else "not settled"


def rise_sentence():
    """The rises on the same text."""
    return (
        f"Reading more of the same at the constant low rate moves the old loss by {of_runs(CONSTANT, 'end_rise')} in all. Re-warmed, each run's highest rise is "
        + ", ".join(f"{of_runs(arm, 'peak_rise')} ({arm})" for arm in HOT)
        + " on average, and after a sixth of the schedule the rise is "
        + ", ".join(f"{of_runs(arm, 'end_rise')} ({arm}: {recovered(arm)})" for arm in HOT)
        + ". C9's rule averages the rates; all curves are still falling where the runs stop."
    )


def at_look(seen):
    """Heat and text at another moment, [worlds, seeds] each."""
    rows = wide[wide["seen"] == seen]

    def here(data, arm):
        return cube(rows[(rows["data"] == data) & (rows["arm"] == arm)], "rise").values[:, :, 0]

    low = here(SAME, CONSTANT)
    return here(SAME, FULL) - low, here(NEW, CONSTANT) - low


def parts_sentence():
    """The two-by-two in words."""
    if p.scale == "smoke" or not len(parts):
        return "Nothing is judged at this scale."
    said = [
        f"{name}: {written(estimate(values))}, {reading(values, 0.05)}"
        for name, values in list(PARTS.items())[:3]
    ]
    common = sorted(set(wide[wide["data"] == SAME]["seen"]) & set(wide[wide["data"] == NEW]["seen"]))
    early = min((at for at in common if at > 0), key=lambda at: abs(at - run / 7))
    hot, new = at_look(early)
    return (
        "By the declared rule: "
        + "; ".join(said)
        + f". Heat minus text is {written(estimate(heat - text))} at this moment (not declared); which is larger depends on when one looks: after {tokens_label(early)} tokens heat is {written(estimate(hot))} and text "
        f"{written(estimate(new))}. Heat falls again while text still grows. Once the text is new, raising the rate adds {written(estimate(whole - text))}."
    )


def line_sentence():
    """Correlations."""
    if FULL not in ARMS:
        return "The full rate was not run."
    r_of = {
        data: cube(alike[(alike["data"] == data) & (alike["arm"] == FULL)], "r").values[:, :, 0]
        for data in (SAME, NEW)
    }
    old = rising[(rising["data"] == NEW) & (rising["arm"] == FULL)]
    turn = old.loc[old["mean"].idxmax(), "seen"]
    return (
        f"At the full rate the correlation along the path is {written(estimate(r_of[SAME]), 2)} on the same text and {written(estimate(r_of[NEW]), 2)} on new text: there the old perplexity first goes up while the other falls, and from "
        f"{tokens_label(turn)} tokens on both fall. A correlation says that the two move together, not that the way back is the way out."
    )


def short():
    """The answer by the verdicts and readings."""
    if c9.verdict == "not tested at this scale":
        return "this scale judges nothing."
    start = {
        "reproduced": "the heat alone hurts, and the more of it the more:",
        "not reproduced": "the heat alone does not hurt as the paper found:",
    }.get(
        c9.verdict,
        "the heat alone hurts, though not all of the claim about it is settled:"
        if estimate(heat).low > 0
        else "that the heat alone hurts is not settled here:",
    )
    answer = (
        f"{start} re-warmed to its full rate and given more of the same text, a model's loss on that very text rises by up to {of_runs(FULL, 'peak_rise')} nats and, a sixth of the schedule on, stands {of_runs(FULL, 'end_rise')} above its start. "
        f"Whether the heat's part then ({written(estimate(heat))}, against the constant rate) is worth the name is, by our rule, {reading(heat, 0.05)}."
    )
    both = estimate(whole)
    if both.mean > 0:
        first_, last_ = estimate(heat).mean / both.mean, estimate(whole - text).mean / both.mean
        answer += (
            f" The higher rate costs {written(estimate(heat))} on the same text and {written(estimate(whole - text))} on new text: between {100 * min(first_, last_):.0f}% and {100 * max(first_, last_):.0f}% of what both do, by which is "
            f"counted first ({p.seeds} seeds, each the mean of {len(p.corpora)} worlds)."
        )
    return answer


def meaning():
    """What follows."""
    if p.scale == "smoke" or FULL not in ARMS:
        return "Nothing follows from a run of this scale."
    heats, texts = estimate(heat).mean, estimate(text).mean
    most = "the heat" if heats > texts else "the text"
    beyond = reading(PARTS["together, beyond the sum"], 0.05)
    tail = {
        "an effect": "And the two make each other worse: a hot model is written over by new text faster than the sum of both would say. At the full rate and on new text, going back to the low rate takes off "
        + f"{written(estimate(whole - text))}, and going back to the old text {written(estimate(whole - heat))}; what a mixture of both texts does was not run here.",
        "none worth the name": "The two simply add.",
    }.get(beyond, "Whether the two make each other worse these runs do not settle.")
    return f"Of the two causes taken alone, {most} is the larger at the declared moment and the full rate ({heats:.2f} nats for heat, {texts:.2f} for text); earlier in the run it may be the other. {tail}"


say(
    short_answer=short(),
    rise_said=rise_sentence(),
    parts_said=parts_sentence(),
    line_said=line_sentence(),
    meaning_said=meaning(),
    worlds_said="two tiny worlds" if len(p.corpora) == 2 and p.corpus is None else "the corpus",
    peaks_said=", ".join(f"{m * p.rate:g}" for m in sorted(p.multiples)),
    low_said=f"{0.1 * p.rate:g}",
    documents_said=some.documents,
    rises_said=", ".join(f"+{of_runs(arm, 'peak_rise')} ({arm})" for arm in HOT),
    sixth_said=tokens_label(some.length),
    length_said=tokens_label(total),
    per_parameter_said=f"{total / size:.0f}",
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
