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
#       - what the same random change does to models trained for different lengths
#       - why the best model to change need not be the one trained longest
#       - how the size of the change moves the best length of training
#       - which other explanations the figures rule out, and which they do not
#     papers: [springer2025overtrained]
#     after: [01-a-world-you-can-hold]
# ---

# %% [markdown]
r"""
# Sensitivity grows

**Is a model that was trained for longer easier to break?** You would hope not. It has read more, it predicts
better, and every extra token was paid for in the belief that the result is sturdier. This chapter takes models
that differ only in how long they were trained, gives each of them the same small shake, and watches what they
lose.

The short answer: {glue:text}`short_answer`. Take random noise of a fifth of the spread that the weights were born with. It adds
{glue:text}`first_increase` {term}`nats <nat>` per token to the {term}`loss` of the shortest-trained model and {glue:text}`last_increase` to that of the
longest-trained one. {glue:text}`turn_said` Much smaller noise hurts all of them alike.

Why shake a model at all? Because nearly everything we do to a finished model changes its weights: fine-tuning,
{term}`quantisation`, pruning, editing. Gaussian noise is the plainest such change. It has a size and no intention. If
longer training makes a model fragile to *that*, then a fine-tuned model that got worse need not have met bad data or an
unlucky learning rate: there is one candidate explanation more.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = (
    None  # repetitions of everything, each with its own initialisation, data and noise (default: the scale's)
)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]
model: str = (
    None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a training step (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
gammas: list = [
    0.0,
    0.05,
    0.1,
    0.15,
    0.2,
    0.25,
    0.3,
    0.35,
    0.4,
    0.45,
    0.5,
]  # noise, in units of the initial spread
relative: list = [0.0, 0.05, 0.1, 0.15, 0.2]  # the same, in units of each tensor as it is now
draws: int = 4  # noise draws per model and size, averaged inside the seed; even, because they come in pairs
rows: int = None  # held-out documents on which every loss is measured (default: the scale's)

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
    gammas=gammas,
    relative=relative,
    draws=draws,
    rows=rows,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Springer and colleagues {cite}`springer2025overtrained` pre-trained models of 15 to 90 million parameters on web
text, each token budget a run of its own with its learning rate taken all the way to zero, so that a short run is a
finished model and not a long one stopped halfway. Then they added Gaussian noise to the weights. The noise has the
*shape of the initialisation*: a tensor that was drawn with standard deviation σ gets noise of standard
deviation γσ. So γ = 0.1 moves every weight, at random, by about a tenth of the size that weights had before training began. They call the result {term}`progressive sensitivity`, and the budget at which the shaken
model is best the {term}`inflection point`.

| | the paper | this chapter at `laptop` | source of the paper's value |
|---|---|---|---|
| model | OLMo architecture, 15M–90M parameters | the same architecture, {glue:text}`parameters_said` parameters | sections 3.2–3.4, at second hand |
| data | C4, web text | two tiny worlds, endless and never repeated | section 3.2, at second hand |
| measure | perplexity | loss in nats per token; perplexity beside it | section 3.3, at second hand |
| budgets | 4B–128B tokens, each annealed to zero | {glue:text}`budgets_said`, each annealed to zero | section 3.2, at second hand |
| tokens per parameter | about 44–8,500 | {glue:text}`per_parameter_said` | our division of the two rows above |
| noise | γ × the spread of the initialisation | the same, and a second kind relative to the weights as they are | section 3.3, at second hand |
| sizes of noise | not recovered from the text we could read | γ from {glue:text}`gammas_said` | none: not in what we read |
| steps, batch, peak rate | not recovered | {glue:text}`steps_said` steps of {glue:text}`batch_said` tokens, {glue:text}`rate_said`, weight decay 0.1 | none: not in what we read |
| repetitions | not recovered | {glue:text}`seeds_said` | none: not in what we read |
| evaluation | C4 validation | {glue:text}`rows_said` held-out documents, {glue:text}`draws_said` draws of noise per size | section 3.3, at second hand |

"At second hand" means in a third party's excerpts of the paper's sections 2 and 3; we could not read its appendix
tables. We know nothing of its learning rates and batch sizes, so ours are our own. Mind that in tokens per parameter our grid ends near where the paper's begins. We can show that the same shape exists here, not that it lies in
the same place.

Everything else is kept equal *within a seed*: the models of one seed start from the same weights, read the same
documents in the same order, are shaken by the same noise tensors and scored on the same held-out documents. Only
the budget differs, and with it the learning-rate schedule. Noise comes in pairs, a push +ε and the opposite push −ε: where a model
happens to lie on a slope, one helps as much as the other hurts, and the average cancels it. Seeds are the unit of evidence:
draws are averaged inside a seed and never counted as repetitions.
"""

# %% [markdown]
r"""
## The experiment

This is all of it. `suite(p)` lists one training run for each world, seed and budget, `Checkpoint` is the model at the end of
one, `Perturb` names the shaking, and nothing has run yet. `p` holds the settings of the folded cell above.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Perturb, suite


def experiment(p):
    """Shake every model, by its initial spread and by its present size."""
    specs = []
    for run in suite(p, ending="annealed"):
        same = {"base": Checkpoint(run=run), "draws": p.draws, "rows": p.rows}
        specs.append(Perturb(noise="init", gammas=p.gammas, **same))
        specs.append(Perturb(noise="relative", gammas=p.relative, **same))
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
shaken = results.table(Perturb)
shaken[["world", "seed", "tokens", "noise", "gamma", "draw", "loss"]].head()

# %% [markdown]
r"""
One row is one model under one draw of noise of one size. The loss is in **nats per token**: a loss of 2 means that the
model found the next word, on average, as surprising as a fair choice among *e*² ≈ 7.4 words.
"""

# %% tags=["hide-input"]
from ovbook.charts import against_tokens, figure, say, tokens_label, turning_points, with_gamma_slider
from ovbook.claims import claim, judge
from ovbook.stats import increase_over_base, inflections, summarise, unsaturated_budgets

by_spread = increase_over_base(shaken[shaken["noise"] == "init"])
damage = summarise(by_spread, "increase", by=["tokens", "gamma"], within=["draw"])
left = summarise(by_spread, "loss", by=["tokens", "gamma"], within=["draw"])
size = int(by_spread["parameters"].iloc[0])
first, last = by_spread["tokens"].min(), by_spread["tokens"].max()
a1, a2, a3 = (judge(name, shaken, scale=p.scale, seeds_expected=p.seeds) for name in ("A1", "A2", "A3"))
shown = [g for g in p.gammas if g > 0 and round(g * 10, 6).is_integer()] or [g for g in p.gammas if g > 0]
by_gamma = {"series": "gamma", "series_title": "γ", "parameters": size}  # how this chapter draws its curves

# %% tags=["hide-input"]
from IPython.display import Markdown

from ovbook.corpus import open_corpus

source = open_corpus(p.corpora[0])
seen_again = {tokens_label(t): source.repetition_label(t) for t in p.budgets if source.repetition_label(t)}
Markdown(
    "**This text is finite, and these budgets repeat it:** "
    + ", ".join(f"{tokens} {times}" for tokens, times in seen_again.items())
    + ". Part A is about more tokens, not about the same tokens again, so its claims are not judged here."
    if seen_again
    else "*No token was repeated in these runs.*"
)

# %% [markdown]
r"""
## Does the same noise hurt a longer-trained model more?

First the damage alone: the loss with noise minus the loss without, model by model.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_damage",
    against_tokens(
        damage[damage["gamma"].isin(shown)],
        y="loss added by the noise (nats per token)",
        title=a1.title(
            "The same noise hurts a longer-trained model more",
            otherwise="Damage by noise and length of training",
        ),
        description="Loss added by noise against pre-training tokens, one line for each size of noise. At "
        f"{tokens_label(last)} tokens the largest noise adds {damage['mean'].max():.1f} nats, the smallest next to "
        "nothing.",
        **by_gamma,
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_damage
:name: fig-damage

Each line is one size of noise; going right, models have been trained for longer. Bands are 95% intervals over
{glue:text}`seeds_said`. The upper axis counts tokens per parameter.
```

What grows is the damage of noise that is not too small. The table has the slope of every line, in nats per token for each
doubling of the budget. Small noise adds almost nothing, and not more to old models than to young ones. Nor do the lines rise evenly:
at the judged size, γ = {glue:text}`a1_gamma`, the last doubling is the steepest, and without the longest budget the slope is
{glue:text}`slope_without_last`. That size was chosen after trial runs on another world and other seeds, which had already shown growth
there and none to speak of at γ = 0.1.
"""

# %% tags=["hide-input"]
import pandas as pd

from ovbook.stats import mean_interval, slope_per_seed


def slope(table):
    """Slope per doubling: one number a seed, worlds averaged inside it."""
    found = slope_per_seed(table, "increase", within=["draw"])
    return mean_interval(found.groupby("seed")["slope"].mean())


sizes = [g for g in p.gammas if g > 0]
found = {g: slope(by_spread[by_spread["gamma"] == g]) for g in sizes}
pd.DataFrame(
    [
        {"γ": g, "slope": round(s.mean, 3), "95% from": round(s.low, 3), "to": round(s.high, 3), "n": s.n}
        for g, s in found.items()
    ]
).add(0.0).astype({"n": int}).set_index("γ").rename_axis(index=None, columns="γ")  # plus 0 makes of -0 a 0

# %% [markdown]
r"""
Only the row that was declared beforehand gives a verdict.
"""

# %% tags=["remove-input"]
a1

# %% [markdown]
r"""
In {term}`perplexity`, the paper's unit (*e* to the power of the loss), the same numbers tell another story at the left end, because short
budgets start from a perplexity so high that any nat weighs more there. At γ = {glue:text}`a1_gamma` the noise adds, in units of perplexity,
{glue:text}`perplexities`. So "the same noise hurts more" is a statement about nats, made here in nats beforehand; in perplexity and at this
size of noise it would not hold for short training. The turning points of the next section hardly depend on the unit, since the best budget of the grid is the same
in both.

## Is there a best time to stop?

What a user meets is not the damage but what is left: the loss *after* the shake. It is the base model's loss,
which falls with training, plus the damage, which grows. For small noise the first wins. For larger noise it stops
winning, and the sum turns.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_left",
    against_tokens(
        left[left["gamma"].isin([0.0, *shown])],
        y="loss after the noise (nats per token)",
        title=a2.title(
            "Under noise, longer training stops paying off",
            otherwise="Loss under noise and length of training",
        ),
        description="Loss after noise against pre-training tokens, one line for each size of noise, from none at the "
        "bottom to the largest at the top.",
        **by_gamma,
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_left
:name: fig-left

The lowest line, γ = 0, is the base model, which improves all the way ({numref}`fig-curve`). The others are the same models after
noise. To the right of a line's lowest point, a model trained for longer is worth *less* once it is shaken.
```
"""

# %% tags=["remove-input"]
a2

# %% [markdown]
r"""
In {numref}`fig-slider`, move the slider to any size of noise that was run (the arrow keys move it too).
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_slider",
    with_gamma_slider(
        left,
        y="loss (nats per token)",
        parameters=size,
        start=claim("A2").gamma if claim("A2").gamma in p.gammas else p.gammas[-1],
        title="Drag the noise: where is the lowest point?",
        description="Loss of the base model and of the same model after noise, against pre-training tokens, with a "
        "slider for the size of the noise and a ring around the lowest point.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_slider
:name: fig-slider

"Base model" is the model as it was trained, "after noise" the same model shaken; lower is better. The ring marks
the lowest point. Nothing is interpolated: the page holds one row for every budget and every γ.
```

## Does it turn earlier under more noise?

For every seed and every γ we take the lowest point of the curve, refined by a parabola through it and its two
neighbours. Where the lowest point is the first or the last budget we know only a bound; it is drawn as a triangle
and never enters the slope that is judged.
"""

# %% tags=["hide-input", "remove-output"]
turning = inflections(by_spread[by_spread["gamma"] > 0], "loss", by="gamma", within=["draw"])
figure(
    "fig_turning",
    turning_points(
        turning[turning["gamma"].isin(claim("A3").gammas)],
        x="gamma",
        x_title="size of the noise γ (log scale)",
        budgets=p.budgets,
        title=a3.title("The more noise, the earlier the best budget", otherwise="Noise and the best budget"),
        description="Budget with the lowest loss after noise against the size of the noise, one mark for each seed and "
        "world.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_turning
:name: fig-turning

One mark a seed, by world; triangles are bounds. The dashed line joins the (geometric) means and leaves out sizes of noise at which
some seed did not turn inside the grid.
```
"""

# %% tags=["remove-input"]
a3

# %% [markdown]
r"""
One can also read the inflection point as the first budget whose score is worse than that of the one before, as news about the paper
tends to. On a bumpy curve that finds the first bump; on a smooth one it names the budget *after* the lowest point. So ask which
reading was used before comparing two inflection points. Medians over seeds and worlds:
"""


# %% tags=["hide-input"]
def middle(values, open_end, otherwise):
    """The median; `otherwise` where half the curves or more do not turn inside the grid."""
    return otherwise if open_end.mean() >= 0.5 else tokens_label(values.median())


pd.DataFrame(
    {
        g: {
            "lowest point (ours)": middle(t["tokens"], t["sign"] == ">=", f"≥ {tokens_label(last)}"),
            "first rise": middle(t["first_rise"], t["first_rise"] >= last, f"{tokens_label(last)} or none"),
        }
        for g, t in turning.groupby("gamma")
    }
).T.rename_axis(columns="γ")

# %% [markdown]
r"""
## What else could explain it

**"The noise is only large compared with the weights."** In part. Training makes some tensors larger and, by weight decay, others
smaller, so noise of fixed size is a smaller share of the first and a larger share of the second. The table says how much, for one
model of the longest budget. To take size out, the second kind of noise scales with each tensor as it is now: γ times its root
mean square.
"""

# %% tags=["hide-input"]
from ovbook.models import init_std_of, load_checkpoint

longest = max(results.of(Perturb), key=lambda spec: spec.base.at).base
weights, shape = load_checkpoint(results.checkpoint(longest))
grown = {
    n.removeprefix("model."): float(w.square().mean().sqrt()) / init_std_of(shape)[n]
    for n, w in weights.items()
    if init_std_of(shape)[n]
}
pd.Series(grown, name="size now / size at birth").sort_values().round(2).to_frame()

# %% tags=["hide-input", "remove-output"]
by_size = increase_over_base(shaken[shaken["noise"] == "relative"])
share = summarise(by_size, "increase", by=["tokens", "gamma"], within=["draw"])
figure(
    "fig_relative",
    against_tokens(
        share[share["gamma"] > 0],
        y="loss added by relative noise (nats per token)",
        title="Noise in proportion to the weights as they are",
        description="Loss added by noise proportional to the present weights against pre-training tokens, by size of "
        "noise.",
        **by_gamma,
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_relative
:name: fig-relative

As {numref}`fig-damage` (each line one size of noise, going right longer training), with γ in units of each tensor's present size.
```

The growth is much weaker:
{glue:text}`relative_said` So a good part of the effect above is tied to *where* the paper's noise falls, on tensors that training has
made small and sensitive, and the rest is not. This control has no rule and no verdict.
"""

# %% [markdown]
r"""
**"The base model improved, so there is more to lose."** True in part, and the reason for a {term}`guard <saturation guard>`. A model whose
shaken loss is near that of an untrained one has lost all it had; after that, "increase over base" only measures how good
the base was. So sensitivity is judged only at budgets where the shaken loss stays below halfway between base and
untrained, in every world. {glue:text}`saturated_said` And the U-shape of {numref}`fig-left` cannot come from the base improving:
there the *sum* goes up.
"""

# %% [markdown]
r"""
**"One lucky world."** The mean of each world must lie beyond the smallest effect, too; their facts, and who is famous, were drawn
independently. **"One lucky draw."** Every number is the mean of {glue:text}`draws_said` draws (half of them the negatives of the
others), which is few for one model, and the intervals are over seeds, each with noise of its own.

**What we cannot exclude here.** Every budget ends with a learning rate of zero, as in the paper. So "longer training"
is two things at once: more tokens, and a decay that sets in later and lasts longer. Later work argues that the decay is
the culprit {cite}`rofin2026decay,yano2026wso,catalantatjer2025quantization`. This chapter cannot tell the two apart, and
neither could the paper's design. The suite (`suite(p, "branches")`) holds models trained at a constant rate, with and without decay at
the same number of tokens, made for that question; [chapter 5](05-tokens-or-decay) takes it up.
"""

# %% [markdown]
r"""
## Play

One model of each budget, one draw of noise of each size: what does it say, and how wrong is it? The two sliders of
{numref}`fig-twin` choose. Start with the longest budget and find the γ at which it stops making sense; then take the same γ to a
short budget.
"""

# %% tags=["hide-input", "remove-output"]
from ovbook.labs import NoiseLab

lab = NoiseLab.from_results(
    results, seed=p.seed_numbers[0], corpus=p.corpora[0], gamma=min(0.2, max(p.gammas)), largest=max(p.gammas)
)
figure(
    "fig_twin",
    lab.twin(
        [0.0, *shown],
        title="One model, shaken: its loss and what it writes",
        description="Loss of one model against the size of the noise, with sliders for the budget it was trained on and "
        "for the noise, and the text it then writes.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_twin
:name: fig-twin

The curve belongs to one model of the chosen budget; the diamond stands at the chosen noise. The text continues the first words of
a held-out document.
```

In a running notebook the same is computed while you drag, for ten draws of the noise and sizes between these:
"""

# %%
lab

# %% [markdown]
r"""
## What it means

If you are going to change a model after training it, the loss at the end of pre-training may not be the number to
maximise. In these runs, for Gaussian noise that is large enough, there is a budget past which what comes out of the change gets worse
while what you measure before it gets better. Where it lies depends on how large the change will be: for small changes it may lie beyond
any budget you can afford, and then none of this need concern you.

It stops being shown outside what we ran: these are models of {glue:text}`parameters_said`
parameters on a language of some five hundred words, trained to {glue:text}`per_parameter_last` tokens per parameter, where the paper goes
to thousands. Gaussian noise treats all directions alike, and fine-tuning does
not. Whether the harm carries over to *useful* changes is a question of its own.

## Exercises

```{exercise}
:label: ex-noise-kind
Relative noise of γ = 0.1 moves the weights by a tenth of their size. Before you look: is that more or less than initial
noise of γ = 0.1, for the longest-trained model? Then compare the column `change` of the two kinds.
```

```{solution} ex-noise-kind
:class: dropdown
More, as a push in all: the weights as a whole grow, though many tensors shrink.
`shaken.groupby(["noise", "gamma", "tokens"])["change"].mean()` shows by how much, and that the first kind does not change
with the budget at all. It cannot: it is the same noise. Yet the larger push can do less harm (compare the losses): it falls elsewhere.
```

```{exercise}
:label: ex-batch
A step here takes {glue:text}`batch_said` tokens. Predict what a batch four times as large does to the turning point, in tokens. Then run
`ovbook run 02 -p batch=64 -p seeds=2 -p worlds=1` and see; look at a large γ, so that the turn has room inside the grid.
```

```{solution} ex-batch
:class: dropdown
With a quarter of the steps for the same tokens the weights travel less far, so we expect the turn later; if what matters is steps
rather than tokens, by about two doublings. The run is not on this page: yours decides. Two seeds suffice to see the direction, and
are too few for a verdict: the box will say so.
```

```{exercise}
:label: ex-text
Run the chapter on real text, `ovbook run 02 -p corpus=file:PATH`, with a text of a megabyte or two. Which verdicts do you get, and
why?
```

```{solution} ex-text
:class: dropdown
None. Once the longest budget passes the length of the text, the model sees the same words again, and "more tokens" becomes "more
repetition". The claims about overtraining are about the first, so past one pass over the text they are not judged; smaller
`budgets` bring the verdicts back.
```
"""

# %% tags=["remove-cell"]
import math

at = claim("A1").gamma
mean = damage.set_index(["gamma", "tokens"])["mean"]
left_by_world = summarise(by_spread, "loss", by=["world", "tokens", "gamma"], within=["draw"])
u = claim("A2").gamma


def of(table, gamma, tokens):
    return f"{table[gamma, tokens]:.2f}" if (gamma, tokens) in table.index else "(not run)"


def turn_sentence():
    """Where the shaken model is best, if claim A2 was reproduced."""
    if a2.verdict != "reproduced":
        return "Whether there is a budget past which the shaken model gets worse, these runs do not show."
    lowest = left_by_world[left_by_world["gamma"] == u].sort_values("mean").drop_duplicates("world")["tokens"]
    where = " or ".join(tokens_label(t) for t in sorted(set(lowest)))
    sooner = " The more noise, the sooner it turns." if a3.verdict == "reproduced" else ""
    return (
        f"Under larger noise (γ = {u:g}) the damage outgrows the progress: the shaken model is at its best after {where} tokens of "
        f"pre-training, and {a2.statistic:.2f} nats worse after {tokens_label(last)}.{sooner}"
    )


def relative_sentence():
    """The slopes of the control, and whether anything turns."""
    of_size = {g: slope(by_size[by_size["gamma"] == g]) for g in p.relative if g > 0}
    text = ", ".join(f"{s.mean:.3f} [{s.low:.3f}, {s.high:.3f}] at γ = {g:g}" for g, s in of_size.items())
    return f"per doubling it is {text.replace('-0.000', '0.000')} nats."


def saturated_sentence():
    """Which points of the first figure the guard leaves out."""
    counts = unsaturated_budgets(by_spread[by_spread["gamma"] > 0])
    lost = {
        g: [tokens_label(t) for t in counts.columns if not row[t]]
        for g, row in counts.iterrows()
        if not row.all()
    }
    if not lost:
        return "Every point of the chapter's first figure counts."
    return (
        "The chapter's first figure also draws points that do not count: "
        + "; ".join(f"γ = {g:g} at {', '.join(ts)}" for g, ts in lost.items())
        + "."
    )


judged = by_spread[by_spread["gamma"] == at]
ratio = (
    judged.assign(added=judged["loss"].map(math.exp) - judged["base"].map(math.exp))
    if len(judged)
    else judged
)
added = summarise(ratio, "added", within=["draw"]) if len(judged) else None
shorter = slope(judged[judged["tokens"] < last]) if len(judged) and len(p.budgets) > 2 else None
grows, turns = a1.verdict == "reproduced", a2.verdict == "reproduced"
step = p.batch * 128
say(
    short_answer="yes, if the shake is not too small"
    if grows and turns
    else "partly"
    if grows or turns
    else "not shown by these runs",
    turn_said=turn_sentence(),
    relative_said=relative_sentence(),
    saturated_said=saturated_sentence(),
    slope_without_last=f"{shorter.mean:.3f} [{shorter.low:.3f}, {shorter.high:.3f}]"
    if shorter
    else "(not run)",
    perplexities=", ".join(
        f"{m:.2f} at {tokens_label(t)}" for t, m in zip(added["tokens"], added["mean"], strict=True)
    )
    if added is not None
    else "(not run)",
    steps_said=f"{round(first / step):,}–{round(last / step):,}",
    batch_said=f"{step:,}",
    rate_said=f"{p.rate:g}",
    rows_said=p.rows,
    per_parameter_last=f"{last / size:.0f}",
    first_increase=of(mean, at, first),
    last_increase=of(mean, at, last),
    a1_gamma=f"{at:g}",
    parameters_said=f"{size:,}",
    budgets_said=f"{tokens_label(first)}–{tokens_label(last)} tokens",
    per_parameter_said=f"{first / size:.3g}–{last / size:.3g}",
    gammas_said=f"{min(g for g in p.gammas if g > 0):g} to {max(p.gammas):g}",
    seeds_said=f"{p.seeds} seeds" + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
    draws_said=p.draws,
)
