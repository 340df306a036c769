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
#       - what happens in the first steps when a finished model trains on
#       - how much the length of the warm-up matters, and for how long
#       - what of the first jump is the rate's, and what the reset optimiser's
#       - what the optimiser's memory adds, and which of two cosines the papers used
#     papers: [gupta2023continual, ibrahim2024simple]
#     after: [01-a-world-you-can-hold]
# ---

# %% [markdown]
r"""
# Warm it up again

**A finished model is to read on. How gently must its learning rate be raised again?** New text keeps coming, and nobody likes to start over: so one takes the model as it is and
trains on. But its {term}`learning rate` has been brought down to almost nothing, and at that rate it would learn slowly. It has to be warmed up again, and folklore says: slowly.

The short answer: {glue:text}`short_answer`

This opens the part on {term}`continued pre-training`. The next chapter asks *how hot*; this one only how fast to get there.
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
released: list = None  # models of the hub instead of our own, such as EleutherAI/pythia-410m@step143000; give corpus, downstream and rate, too
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
length: int = None  # tokens of pre-training, and of the schedule that follows it (default: the part's)
batch: int = None  # rows of 128 tokens in a step of the suite; this part takes half (default: the scale's)
rate: float = None  # peak learning rate, of pre-training and again (default: the scale's)
warmups: list = [0.0, 0.005, 0.01, 0.02, 0.05]  # lengths of the warm-up, as shares of the schedule
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
    released=released,
    model=model,
    length=length,
    batch=batch,
    rate=rate,
    warmups=warmups,
    form=form,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Gupta and colleagues {cite}`gupta2023continual` took Pythia-410M at the end of its training on the Pile and let it read on in SlimPajama, a cleaned web corpus that shares much with
the first: a {term}`weak shift`. {term}`Upstream <upstream>` is the old text, {term}`downstream` the new. They tried four lengths of {term}`warm-up`, and looked at both losses after 50 billion tokens.

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| model | 410M parameters | {glue:text}`parameters_said` parameters, OLMo architecture | read in the paper |
| upstream | Pile, 300B tokens | the almanac of {glue:text}`worlds_said`, {glue:text}`length_said` tokens | read in the paper |
| downstream | SlimPajama, 297B tokens | the gazette of the same world: {glue:text}`overlap_said` of its sections in common, about other people | the paper, table 1; ours by construction |
| peak rate | 3e-4, Pythia's own | {glue:text}`rate_said`, our models' own | read in the paper |
| minimum | a tenth of the peak | a tenth | read in the paper |
| warm-up | 0, 0.5, 1, 2% of 297B tokens | {glue:text}`warmups_said` of {glue:text}`length_said` tokens: {glue:text}`steps_said` steps | read in the paper |
| compared | after 50B tokens, about a sixth of the schedule | after a sixth, {glue:text}`sixth_said` tokens | figure 1 |
| step | not stated; Pythia's was 2M tokens | {glue:text}`step_said` tokens | Pythia's README |
| optimiser's state | not stated; the later paper reset it | reset, and kept as a control | Ibrahim et al. {cite}`ibrahim2024simple`, at second hand |
| repetitions | not stated (one) | {glue:text}`seeds_said` | read in the paper |

**What differs.** Tokens per parameter: the paper's model had read some 730, ours {glue:text}`per_parameter_said`. It was still improving when its rate ran out. Our schedule has {glue:text}`horizon_said` steps, so a warm-up of 1% is {glue:text}`one_percent_said` of them; the paper's was some 1,400 if its batches were Pythia's. And our peak rate is higher, as that of small models is.

### Two cosines

Both papers say "cosine decay to a tenth". They mean two curves. The first was run with GPT-NeoX as it then was, which took the *larger* of the cosine and the minimum, so that
the rate reaches its minimum at four fifths of the way and stays there. (The paper does not spell it out. But its rate reaches the minimum at 240B of 297B tokens, which is where that form does; and a day before the paper came out, its first author mended the
form in GPT-NeoX.) The later paper's cosine *lands* on the minimum at the end. This chapter uses the first, the **clipped** one, as the paper did and as Pythia was trained; `form` chooses.
"""

# %% tags=["hide-input", "remove-output"]
import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts import TUNED, figure, tokens_label
from ovbook.charts import heading as headed
from ovbook.runs import Schedule, length_of

total = length_of(p)
grid = np.linspace(0, 1, 401)


def cosine(kind, warmup):
    """Rate as a share of the peak, over one schedule."""
    rates = Schedule(kind=kind, peak=1.0, warmup=warmup, final=0.1).rates(4000)
    return np.interp(grid, np.linspace(0, 1, 4000), rates)


forms = pd.DataFrame(
    [
        {"form": kind, "tokens": start + total * at, "rate": rate}
        for kind in ("clipped cosine", "cosine")
        for start, warmup in ((0, 0.02), (total, 0.01))
        for at, rate in zip(grid, cosine(kind, warmup), strict=True)
    ]
)
below = alt.Legend(orient="bottom", title=None, symbolOpacity=1)
figure(
    "fig_two_cosines",
    alt.Chart(forms)
    .mark_line()
    .encode(
        x=alt.X(
            "tokens:Q", title="tokens read, pre-training and after", axis=alt.Axis(format="~s", grid=False)
        ),
        y=alt.Y("rate:Q", title="learning rate, as a share of the peak"),
        color=alt.Color("form:N", legend=below, scale=alt.Scale(range=[TUNED, "#D55E00"])),
        strokeDash=alt.StrokeDash("form:N", legend=below),
    )
    .properties(
        width=530,
        height=220,
        title=headed("Down, up again, and down: two curves by one name", "n = 1 formula each; no interval"),
        description="Learning rate against tokens over pre-training and a re-warmed continuation: the clipped cosine stays at a "
        "tenth for the last fifth, the other reaches a tenth only at the end.",
    ),
    forms.iloc[::10],
    columns={"form": "form", "tokens": "tokens", "rate": "share of the peak"},
)

# %% [markdown]
r"""
```{glue:figure} fig_two_cosines
:name: fig-two-cosines

The rate through pre-training and the continuation, in both forms. The cliff in the middle is the {term}`re-warming`: 1% of the second schedule. The paper's long runs are shown to
240B of 297B tokens, where the clipped form has just reached its minimum; the runs of this chapter stop at a sixth, with the rate still near its peak.
```

## What we will call an effect

The rules of the two claims are in their boxes below. One more question has no claim, the optimiser's state, so its rule is written here, before any of its runs with these seeds: *kept minus reset*, (1) final loss with 1% warm-up
on old and on new text, smallest effect 0.02; (2) highest old loss in the first 2% of the schedule without warm-up, smallest effect 0.05, both in nats per token. An interval wholly beyond the smallest effect, each world's mean too, is *an effect*; one wholly within is *none worth the
name*; anything else is *undecided*. Seen before, with one seed of another world and models trained twice as long: final losses equal to 0.02, and an early peak on old text of 1.93 to 1.94, kept or reset.

The margin of C1 was set from three pilot seeds of that world: a tenth of what re-warming to the full rate does to the old loss by then (a tenth of what it does to the new loss would be 0.01 or so).
"""

# %% tags=["experiment"]
from ovbook.runs import SIXTH, onward, upstream


def experiment(p):
    """Continue every base for a sixth of a schedule, by warm-up and state."""
    specs = []
    for base in upstream(p):
        # No re-warming at all: the rate stays where pre-training left it.
        specs.append(onward(p, base, 0, share=SIXTH))
        for warmup in p.warmups:
            specs.append(onward(p, base, warmup=warmup, share=SIXTH))
        if p.released is None:  # released models come without their optimiser
            for warmup in (0.0, 0.01):
                kept = {"warmup": warmup, "state": "kept"}
                specs.append(onward(p, base, share=SIXTH, **kept))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
from ovbook.runs import Continue

results = execute(experiment(p))
looks = results.table(Continue, kind="look")
looks[["world", "seed", "schedule", "warmup", "state", "set", "step", "seen", "loss"]].head()

# %% [markdown]
r"""
One row is one look at one run: the loss on {glue:text}`documents_said` held-out documents of the old or of the new text, after so many steps. All runs of a seed start from the same weights, read the same new
documents in the same order, and are scored on the same held-out ones.
"""

# %% tags=["hide-input"]
from ovbook.charts import BASE, Slider, forest, say, through_run
from ovbook.claims import claim, judge
from ovbook.stats import cube, estimate, reading, readings, summarise, written

COLD = "not re-warmed"
TEXTS = {"old": "old text", "new": "new text"}


def named(table):
    """Which arm a run is, in words."""
    arm = (100 * table["warmup"]).map("{:g}% warm-up".format)
    arm = arm.where(table["schedule"] != "constant", COLD)
    return table.assign(arm=arm, text=table["set"].map(TEXTS))


looks = named(looks)
warm = [f"{100 * w:g}% warm-up" for w in sorted(p.warmups)]
some = results.of(Continue)[0]
horizon, last, tokens = some.horizon_steps, some.steps, some.step_tokens
early = max(1, round(0.02 * horizon))
reset = looks[looks["state"] == "reset"]
end = looks[looks["step"] == last]
KEYS = ["corpus", "world", "seed", "warmup", "arm", "state", "set", "text", "diverged"]
peaks = looks[looks["step"].between(1, early)].groupby(KEYS, dropna=False, as_index=False)["loss"].max()

# The two claims, on runs whose optimiser was reset.
rewarmed = reset[reset["schedule"] != "constant"]
c1 = judge("C1", rewarmed[rewarmed["step"] == last], scale=p.scale, seeds_expected=p.seeds)
final = end.set_index(["corpus", "seed", "arm", "state", "set"])["loss"]
spike = peaks[(peaks["set"] == "new") & (peaks["state"] == "reset") & (peaks["arm"] != COLD)]
spike = spike.assign(
    early_peak=spike["loss"],
    end=[
        final[c, s, a, "reset", "new"]
        for c, s, a in zip(spike["corpus"], spike["seed"], spike["arm"], strict=True)
    ],
)
c2 = judge("C2", spike, scale=p.scale, seeds_expected=p.seeds)

# %% [markdown]
r"""
## The first steps

Raise the rate at once, with an optimiser that starts from nothing, and both losses jump before they fall. Move the slider of {numref}`fig-first` from no re-warming, over no warm-up, to a long one.
"""

# %% tags=["hide-input", "remove-output"]
soon = reset[reset["step"] <= max(0.06 * horizon, 4)]
first = summarise(soon, "loss", by=["arm", "text", "seen"])
arms = Slider("arm", [COLD, *warm], label="warm-up", start=warm[0])
shown_rates = pd.concat(
    [
        pd.DataFrame({"arm": arm, "seen": np.arange(len(r)) * tokens, "rate": r})
        for arm, r in (
            (named(pd.DataFrame([spec.columns() | {"set": "old"}]))["arm"].iloc[0], spec.rates)
            for spec in results.of(Continue)
            if spec.state == "reset"
            and spec.base.root.seed == p.seed_numbers[0]
            and spec.corpus == some.corpus
        )
    ]
)
shown_rates = shown_rates[shown_rates["seen"] <= first["seen"].max()]
# The highest points of whole runs, also where they lie beyond the chart.
entire = summarise(reset, "loss", by=["arm", "text", "seen"])
top = entire.loc[entire.groupby(["arm", "text"])["mean"].idxmax()].set_index(["arm", "text"])


def first_sentence(arm):
    """The highest points of both losses, in words."""
    old, new = (top.loc[(arm, text)] for text in ("old text", "new text"))
    fresh = (
        "new loss falls from the start"
        if new["seen"] == 0
        else f"new loss at {new['mean']:.2f} after {tokens_label(new['seen'])}"
    )
    return f"{arm}: in the whole run old loss is highest at {old['mean']:.2f} after {tokens_label(old['seen'])} tokens, {fresh}."


figure(
    "fig_first",
    through_run(
        first,
        y="loss (nats per token)",
        series="text",
        rates=shown_rates,
        slider=arms,
        sentence=first_sentence,
        colours={"old text": BASE, "new text": TUNED},
        title="The first steps of a continuation, by warm-up",
        description="Loss on old and on new held-out text over the first 6% of the schedule, with a slider for the length "
        "of the warm-up; the learning rate is shaded behind.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_first
:name: fig-first

The learning rate is shaded. Every mark is a look at held-out text: after each of the first steps, then further apart. Bands are 95% intervals over {glue:text}`seeds_said`.
```

{glue:text}`first_said`

Held-out looks leave gaps. The training loss has none: {numref}`fig-chaos` shows each single step as the difference to the run that is not re-warmed, *on the same batch*, so that easy and hard batches cancel.
"""

# %% tags=["hide-input", "remove-output"]
curve = named(results.table(Continue, kind="curve"))
curve = curve[(curve["state"] == "reset") & (curve["step"] <= max(4, round(0.05 * horizon)))]
beside = curve[curve["arm"] == COLD].set_index(["corpus", "seed", "step"])["loss"]
extra = curve[curve["arm"] != COLD]
extra = extra.assign(
    extra=extra["loss"].to_numpy()
    - beside.loc[list(zip(extra["corpus"], extra["seed"], extra["step"], strict=True))].to_numpy()
)
chaos = summarise(extra, "extra", by=["warmup", "arm", "seen"])
figure(
    "fig_chaos",
    through_run(
        chaos,
        y="training loss, minus not re-warmed (nats per token)",
        series="arm",
        points=False,
        level=(0.0, "not re-warmed"),
        title="Every step of the beginning, against not re-warming",
        description="Training loss of each of the first steps minus that of the run without re-warming on the same batch, by length of "
        "the warm-up. Marks above zero are steps at which re-warming does worse.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_chaos
:name: fig-chaos

Above the dashed line a run does worse, on the batch it is about to learn from, than one whose rate stayed low; below it, better. New text only. Mean of seeds and worlds; bands are 95% intervals.
```

{glue:text}`chaos_said`

{glue:text}`spike_said`
"""

# %% tags=["remove-input"]
c2

# %% [markdown]
r"""
## Does it last?
"""

# %% tags=["hide-input", "remove-output"]
whole = summarise(reset, "loss", by=["text", "arm", "seen"])
order = {name: n for n, name in enumerate([COLD, *warm])}
whole = whole.sort_values(["text", "arm", "seen"], key=lambda c: c.map(order) if c.name == "arm" else c)
whole.attrs = first.attrs
texts = Slider("text", ["new text", "old text"], label="held-out", start="old text")
closing = whole[whole["seen"] == whole["seen"].max()].set_index(["text", "arm"])["mean"]
figure(
    "fig_whole",
    through_run(
        whole[whole["seen"] > 0],
        y="loss (nats per token)",
        series="arm",
        held=COLD,
        log=True,
        slider=texts,
        sentence=lambda text: (
            f"{text}: at the end {closing[text, COLD]:.2f} without re-warming, "
            f"{min(closing[text, w] for w in warm):.2f} to {max(closing[text, w] for w in warm):.2f} with it."
        ),
        title=c1.title(
            "However one gets there, the warm-ups end together",
            otherwise="Both losses to a sixth of the schedule, by warm-up",
        ),
        description="Loss against tokens of the continuation on a log axis, by length of the warm-up and without re-warming, with a slider "
        "for old and new text.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_whole
:name: fig-whole

The whole runs, on a log axis so that the beginning can be seen. The thick grey line is not re-warmed. Move the slider between old and new text: the differences between warm-ups are early, the difference to
not re-warming is still there at a sixth, where the others' rate is near its peak; chapter 14 goes on to the end.
```
"""

# %% tags=["hide-input", "remove-output"]
ONE = 0.01
margin = claim("C1").smallest_effect


def ended(text, state="reset", **equal):
    """Final loss, [worlds, seeds]."""
    rows = end[(end["set"] == text) & (end["state"] == state)]
    for name, value in equal.items():
        rows = rows[rows[name] == value]
    return cube(rows, "loss").values[:, :, 0] if len(rows) else None


def against(arm, text):
    """Final loss of an arm minus that of 1% warm-up."""
    one = ended(text, arm="1% warm-up")
    return None if one is None else ended(text, arm=arm) - one


rows = [
    {"arm": arm, "text": TEXTS[text], "values": against(arm, text)}
    for arm in (*warm, COLD)
    for text in TEXTS
    if arm != "1% warm-up" and against(arm, text) is not None
]
differences = pd.DataFrame(
    [
        {"arm": r["arm"], "text": r["text"], "mean": e.mean, "low": e.low, "high": e.high, "n": e.n}
        for r in rows
        for e in [estimate(r["values"])]
        if e is not None
    ]
)
if len(differences):
    differences.attrs = first.attrs
    figure(
        "fig_ends",
        forest(
            differences,
            row="arm",
            x="final loss minus that with 1% warm-up (nats per token)",
            series="text",
            series_title="held-out",
            band=(-margin, margin),
            title=c1.title(
                "From none to 2%, no warm-up ends apart", otherwise="Where each warm-up ends, against 1%"
            ),
            description="Final loss of each warm-up, and of not re-warming, minus that of a warm-up of 1%, on old and new text, with the "
            "margin as a band.",
        ),
    )

# %% [markdown]
r"""
```{glue:figure} fig_ends
:name: fig-ends

Each mark is a mean of differences within a seed; whiskers are 95% intervals. The band is the margin of claim C1. The last row is what the margin was measured by: not re-warming at all.
```

{glue:text}`ends_said`
"""

# %% tags=["remove-input"]
c1

# %% [markdown]
r"""
## What else could explain it

**The optimiser forgot, too.** {glue:text}`step_one_said`

{term}`AdamW` keeps running means of gradients and of their squares. A reset optimiser starts with none, and Adam's first steps after a reset are as large as the rate allows, whatever the gradient. The same runs with the state *kept* from pre-training tell them apart (there is none that keeps the state and is not re-warmed):
"""


# %% tags=["hide-input"]
def peak_of(state):
    """Highest early old loss without warm-up, [worlds, seeds]."""
    rows = peaks[(peaks["set"] == "old") & (peaks["arm"] == "0% warm-up") & (peaks["state"] == state)]
    return cube(rows, "loss").values[:, :, 0] if len(rows) else None


def pair(of):
    """Kept minus reset."""
    kept, fresh = of("kept"), of("reset")
    return None if kept is None or fresh is None else kept - fresh


STATE = {
    "final old loss, 1% warm-up": (pair(lambda s: ended("old", s, arm="1% warm-up")), 0.02),
    "final new loss, 1% warm-up": (pair(lambda s: ended("new", s, arm="1% warm-up")), 0.02),
    "highest early old loss, no warm-up": (pair(peak_of), 0.05),
}
STATE = {name: pair for name, pair in STATE.items() if pair[0] is not None}
corrected = readings({n: v for n, (v, _) in STATE.items()}, {n: least for n, (_, least) in STATE.items()})
pd.DataFrame(
    {
        name: {
            "kept minus reset": written(estimate(values)),
            "n": estimate(values).n,
            "each world": ", ".join(f"{w:.3f}" for w in values.mean(axis=1)).replace("-", "−"),
            "smallest effect": f"{least:g}",
            "reading": reading(values, least),
            "with Holm's correction over the three": corrected[name],
        }
        for name, (values, least) in STATE.items()
    }
).T if p.scale != "smoke" else "nothing is judged at this scale"

# %% [markdown]
r"""
{glue:text}`state_said`

**It is the new text that does it.** Part of the fall of the new loss is, surely: it falls at the low rate as well. The *old* loss rises far more when re-warmed than when not, on the same documents, so that rise is not the text's alone. How much of it is
left when the text does not change at all is the question of a later chapter.

**A sixth is too early.** With the rate still near its peak, losses are noisy. What lasts a sixth need not last to the end; the paper compared here, so we do, and the next chapter goes on to the end with a warm-up of 1%.

**What we cannot exclude.** Our steps are few. A warm-up of 0.5% is {glue:text}`half_percent_said` steps here and some 700 in the paper, if its batches were Pythia's; an optimiser whose second moments average over some twenty steps sees the two differently.

## Play

The schedule is a plain formula, and so is what you make of it. Change the numbers, and continue one model for as long as you like:
"""

# %%
mine = Schedule(kind="cosine", peak=2 * p.rate, warmup=0.2, final=0.1)
mine.rates(20).round(5)

# %%
base = upstream(p)[0]
tried = onward(p, base, share=0.05, schedule=mine, horizon=None)
execute([tried]).table(Continue, kind="look", set="old")[["seen", "loss"]].tail(3)

# %% [markdown]
r"""
## What it means

{glue:text}`meaning_said`

## Exercises

```{exercise}
:label: ex-warm-none
In {numref}`fig-first`, at 0% warm-up, the old loss jumps after the *first* step. With 1% the first update is by a rate of zero. Which line of the
schedule's formula says so, and what would the first look show with a warm-up of one step?
```

```{solution} ex-warm-none
:class: dropdown
The rate of step *s* in a warm-up of *w* steps is peak × *s*/*w*, counted from 0. With *w* = 1 the first step has rate 0 and the second the whole peak. Whether the jump is then the same, try: Adam's averages have seen one batch more.
```

```{exercise}
:label: ex-warm-form
Predict: with `form=cosine` instead of the clipped one, which of this chapter's numbers change? Then run `ovbook run 13 -p form=cosine -p seeds=2`.
```

```{solution} ex-warm-form
:class: dropdown
Hardly any. The two forms part company late: at a sixth the other is higher by less than 1% of the peak. It is the long runs that would differ.
```

```{exercise}
:label: ex-warm-shift
The gazette is written in the same language. Run `ovbook run 13 -p downstream=abroad -p seeds=2`, where it is not. Before you look: does the warm-up matter more, or less?
```

```{solution} ex-warm-shift
:class: dropdown
Compare the two early peaks on *old* text, and both with what a sixth of the run does to it. When everything must be learnt anew the gradients are large at any rate, and what re-warming adds to the old loss is small
beside what the text itself takes away. Your run decides; two seeds are too few for a verdict.
```
"""

# %% tags=["remove-cell"]
from ovbook.world.mixes import overlap


def told(values, digits=3):
    return "(not run)" if values is None else written(estimate(values), digits)


def first_sentence_all():
    """The highest old loss without warm-up, against 1%."""
    if "0% warm-up" not in warm or "1% warm-up" not in warm:
        return "These runs have no pair of 0% and 1% to compare."
    old = {a: top.loc[(a, "old text")] for a in ("0% warm-up", "1% warm-up")}
    start = entire[(entire["seen"] == 0) & (entire["text"] == "old text")]["mean"].iloc[0]

    def high(row):
        ends_ = f" [{row['low']:.2f}, {row['high']:.2f}]" if row["n"] > 1 else ""
        return f"{row['mean']:.2f}{ends_} after {tokens_label(row['seen'])} tokens"

    return (
        f"Before the first step the old loss is {start:.2f}. Without warm-up it is highest at {high(old['0% warm-up'])}; with 1% at {high(old['1% warm-up'])}. A warm-up of 1% "
        + (
            "delays the rise more than it prevents it."
            if old["1% warm-up"]["mean"] - start > 0.5 * (old["0% warm-up"]["mean"] - start)
            else "takes most of the rise away."
        )
    )


def chaos_sentence():
    """The excess of the second batch without warm-up, and why the others have one."""
    second = extra[extra["step"] == 2]
    none, others = second[second["warmup"] == 0], second[(second["warmup"] > 0)]
    if none.empty:
        return "No run without warm-up is here to be compared."
    values = cube(none, "extra").values[:, :, 0]
    worlds = " and ".join(f"{w:.2f}" for w in values.mean(axis=1)).replace("-", "−")
    text = f"Without warm-up the second batch costs {told(values, 2)} more" + (
        f" ({worlds} in the two worlds)." if len(values) == 2 else "."
    )
    if len(others):
        later = others.groupby("arm")["extra"].mean()
        text += f" The small excess of the others there (up to {later.max():.3f}) is no spike: their first update has rate zero, so they are one step behind."
    return text


def spike_sentence():
    """What C2's difference is, where 1% has no spike."""
    peak = peaks[(peaks["set"] == "new") & (peaks["state"] == "reset")]
    begin = reset[(reset["set"] == "new") & (reset["step"] == 0)]
    if not {"0% warm-up", "1% warm-up"} <= set(warm):
        return ""
    rises = {
        arm: cube(peak[peak["arm"] == arm], "loss").values[:, :, 0]
        - cube(begin[begin["arm"] == arm], "loss").values[:, :, 0]
        for arm in ("0% warm-up", "1% warm-up")
    }
    worlds = " and ".join(f"{w:.2f}" for w in rises["0% warm-up"].mean(axis=1)).replace("-", "−")
    text = f"Above its start, the highest new loss in the first 2% of the schedule is {told(rises['0% warm-up'], 2)} without warm-up"
    text += f" ({worlds} in the two worlds)" if len(p.corpora) == 2 else ""
    return text + f" and {told(rises['1% warm-up'], 2)} with 1%; claim C2 compares the two."


def step_one():
    """The jump after one step, with the optimiser reset and kept."""
    one = looks[(looks["arm"] == "0% warm-up") & looks["step"].isin([0, 1])]
    if p.scale == "smoke" or not len(one[(one["state"] == "kept") & (one["step"] == 1)]):
        return ""
    rise = {}
    for state in ("reset", "kept"):
        for text in TEXTS:
            rows = one[(one["state"] == state) & (one["set"] == text)]
            both = [cube(rows[rows["step"] == step], "loss").values[:, :, 0] for step in (0, 1)]
            rise[state, text] = both[1] - both[0]
    mostly = estimate(rise["kept", "old"]).mean < 0.5 * estimate(rise["reset", "old"]).mean
    left = ended("old", "kept", arm="1% warm-up") - ended("old", arm=COLD)
    return (
        f"After one step without warm-up the old loss has risen by {told(rise['reset', 'old'])} where the optimiser was reset and by {told(rise['kept', 'old'])} where it was kept; the new loss by "
        f"{told(rise['reset', 'new'])} and {told(rise['kept', 'new'])}. So the first jump is {'mostly the work of the reset' if mostly else 'mostly that of the rate'}. What is left after a sixth, {told(left)} "
        "above not re-warming on old text, is there with the state kept, too (all of this described, not declared)."
    )


def ends_sentence():
    """What not re-warming does, and the range of the warm-ups."""
    cold = {text: against(COLD, text) for text in TEXTS}
    if any(v is None for v in cold.values()):
        return "A warm-up of 1% was not run, so there is nothing to compare with."
    among = differences[differences["arm"] != COLD]
    text = f"Against 1%, not re-warming ends {told(cold['old'])} on old text and {told(cold['new'])} on new."
    if len(among):
        far = among.loc[among["mean"].abs().idxmax()]
        names = {name: text for text, name in TEXTS.items()}
        values = against(far["arm"], names[far["text"]])
        worlds = ", ".join(f"{w:.3f}" for w in values.mean(axis=1))
        text += f" Among the warm-ups the mean farthest from 1% is {far['arm']} on {far['text']}, {told(values)} (each world {worlds})."
        if far["arm"] not in ("0% warm-up", "0.5% warm-up", "2% warm-up"):
            share = float(far["arm"].split("%")[0]) / 100
            text += f" That warm-up is ours, outside C1; it takes {round(share * horizon)} of the {last} steps compared."
    return text.replace("-", "−").replace("warm−up", "warm-up").replace("re−warming", "re-warming")


def state_sentence():
    """What the optimiser's state does, by the declared rule."""
    if p.scale == "smoke" or not STATE:
        return "Nothing is said about the optimiser's state at this scale."
    words = {name: reading(values, least) for name, (values, least) in STATE.items()}
    jump = words.get("highest early old loss, no warm-up")
    lasting = [words[n] for n in words if n.startswith("final")]
    first_part = {
        "an effect the other way": "Keeping the state softens the jump",
        "an effect": "Keeping the state makes the jump larger",
        "none worth the name": "Keeping the state changes the jump by nothing worth the name",
    }.get(jump, "Whether keeping the state changes the jump, these runs do not decide")
    lasting_part = (
        "and at the end there is no difference worth the name"
        if all(w == "none worth the name" for w in lasting)
        else "and at the end the readings are: "
        + "; ".join(f"{n.split()[1]} text {words[n]}" for n in words if n.startswith("final"))
    )
    text = f"{first_part}, {lasting_part}."
    if jump and corrected["highest early old loss, no warm-up"] != jump:
        found, least = STATE["highest early old loss, no warm-up"]
        beyond = min(abs(estimate(found).low), abs(estimate(found).high)) - least
        text += f" The interval of the first ends {beyond:.4f} beyond the smallest effect; with Holm's correction over the three, which the declared rule did not ask for, it is {corrected['highest early old loss, no warm-up']}."
    return text


def short():
    """The answer, by the verdicts."""
    parts = []
    if c1.verdict == "reproduced":
        parts.append(
            "it hardly matters: every warm-up from none to 2% ends within a hundredth or two of the others."
        )
    elif c1.verdict == "not reproduced":
        parts.append(
            "not as freely as the paper found: after a sixth of the schedule some warm-ups end measurably apart from others."
        )
    elif c1.verdict == "inconclusive":
        parts.append(
            "the warm-ups end close together, but not so close, or not so surely, that we may call them equal."
        )
    else:
        parts.append("this scale judges nothing.")
    cold = against(COLD, "old")
    if cold is not None and estimate(cold) is not None:
        new = against(COLD, "new")
        parts.append(
            f"What matters by then is whether the rate is raised at all: a model whose rate stays low minus one with a warm-up of 1% is {told(cold)} nats on old text and {told(new)} on new, "
            "while the other's rate is still near its peak; chapter 14 shows what is left at the end."
        )
    if c2.verdict == "reproduced":
        parts.append("Without any warm-up there is a jump in the new loss at first, and it is made good.")
    return " ".join(parts)


def meaning():
    """What follows."""
    cold = against(COLD, "old")
    text = ""
    inside = differences[~differences["arm"].isin([COLD, "5% warm-up"])] if len(differences) else differences
    reach = max((max(abs(r["low"]), abs(r["high"])) for _, r in inside.iterrows()), default=0.0)
    if c1.verdict == "reproduced":
        text = "If you continue a model, spend no thought on the length of the warm-up: from none to 2% it buys nothing at the end. "
    elif c1.verdict == "inconclusive":
        text = (
            f"These runs do not settle whether a short warm-up is calmer than none (C2: {c2.verdict}), nor that 0 to 2% end equal (C1); no interval among them reaches farther than {reach:.3f} nats "
            "from 1%. "
        )
    elif c1.verdict == "not reproduced":
        text = "In these short runs the length of the warm-up leaves a trace that a sixth of the schedule has not removed. It is small beside what re-warming itself does. "
    if cold is not None and estimate(cold) is not None:
        size = abs(estimate(cold).mean)
        worst = max(
            (abs(r["mean"]) for _, r in differences[differences["arm"] != COLD].iterrows()), default=0.0
        )
        if worst > 0:
            text += f"The decision to re-warm moves the old loss by {size:.2f} nats; the choice among warm-ups moves it, or the new one, by {worst:.2f} on average at most. "
    return text + "How hot to go, and whether it pays in the end, is the next chapter's question."


common = overlap("almanac", "gazette")["sections"] if some.corpus.endswith("/gazette") else None
from ovbook.runs.plan import size_of

size = size_of(some.base.root)
say(
    short_answer=short(),
    first_said=first_sentence_all(),
    chaos_said=chaos_sentence(),
    spike_said=spike_sentence(),
    step_one_said=step_one(),
    ends_said=ends_sentence(),
    state_said=state_sentence(),
    meaning_said=meaning(),
    parameters_said=f"{size:,}",
    per_parameter_said=f"{total / size:.0f}",
    overlap_said=f"{100 * common:.0f}%" if common else "an unknown share",
    worlds_said="two tiny worlds" if len(p.corpora) == 2 and p.corpus is None else "the corpus",
    length_said=tokens_label(total),
    sixth_said=tokens_label(some.length),
    rate_said=f"{p.rate:g}",
    warmups_said=", ".join(f"{100 * w:g}" for w in sorted(p.warmups)) + "%",
    steps_said=", ".join(f"{round(w * horizon)}" for w in sorted(p.warmups)),
    step_said=f"{tokens:,}",
    horizon_said=horizon,
    one_percent_said=round(0.01 * horizon),
    half_percent_said=round(0.005 * horizon),
    documents_said=some.documents,
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
