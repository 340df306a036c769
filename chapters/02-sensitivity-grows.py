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
# Sensitivity grows

**Is a model that was trained for longer easier to break?** You would hope not. It has read more, it predicts
better, and every extra token was paid for in the belief that the result is sturdier. This chapter takes models
that differ only in how long they were trained, gives each of them the same small shake, and watches what they
lose.

The short answer: {glue:text}`short_answer`. Noise that adds {glue:text}`first_increase` nats per token to the loss of the
shortest-trained model adds {glue:text}`last_increase` to that of the longest-trained one. Under somewhat larger
noise the damage outgrows the progress: the shaken model is at its best after {glue:text}`best_budget` tokens of
pre-training, and {glue:text}`u_rise` nats worse after {glue:text}`last_budget`. The more noise, the sooner it turns.

Why shake a model at all? Because nearly everything we do to a finished model changes its weights: fine-tuning,
quantisation, pruning, editing. Gaussian noise is the plainest such change. It has a size and no intention. If
longer training makes a model fragile to *that*, the later chapters need no bad data and no unlucky learning rate to
explain what they see.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions of everything, each with its own initialisation, data and noise (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's); leave it out with another corpus
corpus: str = None  # instead of the tiny worlds: file:PATH or hub:NAME[:CONFIG[:SPLIT]]
model: str = None  # ARCHITECTURE:WIDTHxLAYERS such as olmo:32x2, or a preset such as 140k (default: the scale's)
budgets: list = None  # pre-training budgets in tokens, each a run of its own (default: the scale's doublings)
batch: int = None  # rows of 128 tokens in a training step (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
gammas: list = [0.0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5]  # noise, in units of the initial spread
relative: list = [0.0, 0.05, 0.1, 0.15, 0.2]  # the same, in units of each tensor as it is now
draws: int = 4  # noise draws per model and size, averaged inside the seed; even, because they come in pairs
rows: int = None  # held-out documents on which every loss is measured (default: the scale's)

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale, seeds=seeds, worlds=worlds, corpus=corpus, model=model, budgets=budgets, batch=batch, rate=rate,
    gammas=gammas, relative=relative, draws=draws, rows=rows,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Springer and colleagues {cite}`springer2025overtrained` pre-trained models of 15 to 90 million parameters on web
text, each token budget a run of its own with its learning rate taken all the way to zero, so that a short run is a
finished model and not a long one stopped halfway. Then they added Gaussian noise to the weights. The noise has the
*shape of the initialisation*: a tensor that was drawn with standard deviation σ gets noise of standard
deviation γσ. They call the result **progressive sensitivity**, and the budget at which the shaken
model is best the **inflection point**.

| | the paper | this chapter at `laptop` |
|---|---|---|
| model | OLMo architecture, 15M–90M parameters | the same architecture, {glue:text}`parameters_said` parameters |
| data | C4, web text | two tiny worlds, endless and never repeated |
| budgets | 4B–128B tokens, each annealed to zero | {glue:text}`budgets_said`, each annealed to zero |
| tokens per parameter | about 44–8,500 | {glue:text}`per_parameter_said` |
| noise | γ × the spread of the initialisation | the same, and a second kind relative to the weights as they are |
| sizes of noise | not recovered from the text we could read | γ from {glue:text}`gammas_said` |
| repetitions | not stated | {glue:text}`seeds_said` |

The paper's numbers come from a third party's excerpts of its sections 2 and 3; we could not read its appendix
tables. What we know of its learning rates and batch sizes is nothing, so ours are our own.

Everything else is kept equal *within a seed*: the models of one seed start from the same weights, read the same
documents in the same order, are shaken by the same noise tensors and scored on the same held-out documents. Only
the budget differs. Noise draws come in pairs, +ε and −ε, which removes the first-order term
and leaves what we want to see, the curvature. Seeds are the unit of evidence: draws are averaged inside a seed and
never counted as repetitions.
"""

# %% [markdown]
r"""
## The experiment

This is all of it. `suite` names the base models, `Perturb` names the shaking, and nothing has run yet.
"""

# %% tags=["experiment"]
from ovbook.runs import Checkpoint, Perturb, suite


def experiment(p):
    """Shake every model of the suite, once by its initial spread and once by its present size."""
    specs = []
    for run in suite(p, ending="annealed"):
        base = Checkpoint(run=run)
        specs.append(Perturb(base=base, noise="init", gammas=p.gammas, draws=p.draws, rows=p.rows))
        specs.append(Perturb(base=base, noise="relative", gammas=p.relative, draws=p.draws, rows=p.rows))
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
from myst_nb import glue

from ovbook.charts import against_tokens, tokens_label, turning_points, with_gamma_slider
from ovbook.claims import claim, judge
from ovbook.stats import increase_over_base, inflections, summarise, unsaturated_budgets

by_spread = increase_over_base(shaken[shaken["noise"] == "init"])
damage = summarise(by_spread, "increase", by=["tokens", "gamma"], within=["draw"])
left = summarise(by_spread, "loss", by=["tokens", "gamma"], within=["draw"])
size = int(by_spread["parameters"].iloc[0])
first, last = by_spread["tokens"].min(), by_spread["tokens"].max()
a1, a2, a3 = (judge(name, shaken, scale=p.scale, seeds_expected=p.seeds) for name in ("A1", "A2", "A3"))
shown = [g for g in p.gammas if g > 0 and round(g * 10, 6).is_integer()] or [g for g in p.gammas if g > 0]

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
## The same noise hurts a longer-trained model more

First the damage alone: the loss with noise minus the loss without, model by model.
"""

# %% tags=["hide-input"]
against_tokens(
    damage[damage["gamma"].isin(shown)],
    y="loss added by the noise (nats per token)",
    series="gamma", series_title="γ", parameters=size,
    title=a1.title("The same noise hurts a longer-trained model more", otherwise="Damage by noise and length of training"),
    description=f"Loss added by noise against pre-training tokens, one line for each gamma of {shown}. "
    f"Every line rises from {tokens_label(first)} to {tokens_label(last)} tokens.",
)

# %% [markdown]
r"""
*How to read it.* Each line is one size of noise; going right, models have been trained for longer. Bands are 95%
intervals over {glue:text}`seeds_said`. The upper axis counts tokens per parameter; 20 is where Hoffmann and
colleagues put the compute-optimal point for large models, and models in use today go past 1,000.

The lines rise, all of them, and they rise *steadily*: this is no accident of the last budget. The claim is judged at
one size of noise, γ = {glue:text}`a1_gamma`, chosen on pilot runs whose seeds and world are not used here.
"""

# %% tags=["remove-input"]
a1

# %% [markdown]
r"""
## So there is a best time to stop

What a user meets is not the damage but what is left: the loss *after* the shake. It is the base model's loss,
which falls with training, plus the damage, which grows. For small noise the first wins. For larger noise it stops
winning, and the sum turns.
"""

# %% tags=["hide-input"]
against_tokens(
    left[left["gamma"].isin([0.0, *shown])],
    y="loss after the noise (nats per token)",
    series="gamma", series_title="γ", parameters=size,
    title=a2.title("Under noise, longer training stops paying off", otherwise="Loss under noise and length of training"),
    description="Loss after noise against pre-training tokens, one line for each gamma. Without noise it falls "
    "throughout; with more noise it falls, reaches a lowest point and rises again.",
)

# %% [markdown]
r"""
*How to read it.* The lowest line, γ = 0, is the base model, which improves all the way (chapter 1). The others are the
same models after noise. Where a line has its lowest point, a model trained for longer is worth *less* once it is
shaken.
"""

# %% tags=["remove-input"]
a2

# %% [markdown]
r"""
Move the slider to any size of noise that was run. The diamond marks the lowest point. Nothing is interpolated: the
page holds one row for every budget and every γ.
"""

# %% tags=["hide-input"]
with_gamma_slider(
    left, y="loss (nats per token)", parameters=size, start=claim("A2").gamma if claim("A2").gamma in p.gammas else p.gammas[-1],
    title="Drag the noise: where is the lowest point?",
    description="Loss of the base model and of the same model after noise, against pre-training tokens, with a "
    "slider for the size of the noise and a diamond at the lowest point.",
)

# %% [markdown]
r"""
## The more noise, the earlier it turns

For every seed and every γ we take the lowest point of the curve, refined by a parabola through it and its two
neighbours. Where the lowest point is the first or the last budget we know only a bound, and it is drawn as an arrow
and never used as a number.
"""

# %% tags=["hide-input"]
turning = inflections(by_spread[by_spread["gamma"] > 0], "loss", by="gamma", within=["draw"])
turning_points(
    turning[turning["gamma"].isin(claim("A3").gammas)], x="gamma", x_title="size of the noise γ (log scale)",
    title=a3.title("The more noise, the earlier the best budget", otherwise="Noise and the best budget"),
    description="Budget with the lowest loss after noise against the size of the noise, one mark for each seed and "
    "world; the marks fall as the noise grows.",
)

# %% tags=["remove-input"]
a3

# %% [markdown]
r"""
Popular accounts of the paper read the inflection point differently: as the first budget whose score is worse than the
one before. On a noisy curve that reacts to the first bump. Here the two readings give, as the median over seeds and
worlds:
"""

# %% tags=["hide-input"]
both = turning.groupby("gamma")[["tokens", "first_rise"]].median().map(tokens_label)
both.columns = ["lowest point (ours)", "first rise (popular)"]
both.rename_axis("γ")

# %% [markdown]
r"""
## What else could explain it

**"The noise is only large compared with the weights of a young model."** It is the other way round. Weights grow
during training, so noise of fixed size is a *smaller* share of an older model, which should help it. To take size out
altogether, the second kind of noise scales with each tensor as it is now: γ times its root mean square.
"""

# %% tags=["hide-input"]
by_size = increase_over_base(shaken[shaken["noise"] == "relative"])
grown = summarise(by_size, "increase", by=["tokens", "gamma"], within=["draw"])
against_tokens(
    grown[grown["gamma"].isin([g for g in p.relative if g > 0][1::2])],
    y="loss added by relative noise (nats per token)",
    series="gamma", series_title="γ", parameters=size,
    title="Noise in proportion to the weights as they are",
    description="Loss added by noise proportional to the present weights against pre-training tokens, by gamma.",
)

# %% [markdown]
r"""
**"The base model improved, so there is more to lose."** True in part, and the reason for a guard. A model whose
shaken loss is near that of an untrained one has lost all it had; after that, "increase over base" only measures how good
the base was. So sensitivity is judged only at budgets where the shaken loss stays below halfway between base and
untrained, in every world. The table shows which budgets count. And the U-shape of the second figure cannot come from the
base improving: there the *sum* goes up.
"""

# %% tags=["hide-input"]
unsaturated_budgets(by_spread).map(lambda fine: "counts" if fine else "saturated").rename(columns=tokens_label)

# %% [markdown]
r"""
**"One lucky world."** Each verdict must hold in each of the two worlds on its own: they differ in every fact, and
in who is famous. **"One lucky draw."** Every number is the mean of {glue:text}`draws_said` draws inside a seed, and the
intervals are over seeds.

**What we cannot exclude here.** Every budget ends with a learning rate of zero, as in the paper. So "longer training"
is two things at once: more tokens, and a decay that sets in later and lasts longer. Later work argues that the decay is
the culprit {cite}`rofin2026decay,yano2026wso,catalantatjer2025quantization`. This chapter cannot tell the two apart, and
neither could the paper's design. The suite holds models without decay, made for that question.
"""

# %% [markdown]
r"""
## Play

On the page, the slider above is yours. With a kernel (`make lab`), drag below: the model is shaken, scored on held-out
documents and asked to go on writing, within a second. Start with the longest budget and find the γ at which it stops
making sense; then take the same γ to a short budget.
"""

# %%
from ovbook.labs import NoiseLab

world = p.corpora[0]
NoiseLab.from_results(results, seed=p.seed_numbers[0], corpus=world)

# %% [markdown]
r"""
## What it means

If you are going to change a model after training it, the loss at the end of pre-training is not the number to
maximise. There is a budget past which the thing you ship gets worse while the thing you measure gets better. Where it
lies depends on how large the change will be: for small changes it may lie beyond any budget you can afford, and then
none of this need concern you.

It stops being true, or at least stops being shown, outside what we ran: these are models of {glue:text}`parameters_said`
parameters on a language of some five hundred words. Gaussian noise treats all directions alike, and fine-tuning does
not. Whether the harm carries over to *useful* changes is a question of its own.

## Exercises

```{exercise}
:label: ex-noise-kind
Relative noise of γ = 0.1 moves the weights by a tenth of their size. Before you look: is that more or less than initial
noise of γ = 0.1, for the longest-trained model? Then compare the column `change` of the two kinds.
```

```{solution} ex-noise-kind
:class: dropdown
More. Weights grow in training, so a tenth of what they are now is larger than a tenth of what they were born with:
`shaken.groupby(["noise", "gamma", "tokens"])["change"].mean()` shows by how much, and that the first kind does not change
with the budget at all. It cannot: it is the same noise.
```

```{exercise}
:label: ex-batch
Predict what a batch four times as large does to the turning point, in tokens. Then run
`ovbook run 02 -p batch=64 -p seeds=2 -p worlds=1` and see.
```

```{solution} ex-batch
:class: dropdown
With a quarter of the steps for the same tokens the weights travel less far, so expect the turn later. If what matters
is steps rather than tokens, it should move right by about two doublings. Two seeds suffice to see the direction, and are
too few for a verdict: the box will say so.
```

```{exercise}
:label: ex-text
Run the chapter on real text, `ovbook run 02 -p corpus=file:PATH`, with a text of a few megabytes. Which verdicts do you get, and
why does the chapter refuse some of them?
```

```{solution} ex-text
:class: dropdown
The curves look alike. But once a budget passes the length of the text, the model sees the same words again, and "more
tokens" becomes "more repetition". Part A is about the first, so past one epoch its claims are not judged.
```
"""

# %% tags=["remove-cell"]
at = claim("A1").gamma
mean = damage.set_index(["gamma", "tokens"])["mean"]
sums = left.set_index(["gamma", "tokens"])["mean"]
u = claim("A2").gamma


def say(name, text):
    """Give a number to the prose."""
    glue(name, text, display=False)


def of(table, gamma, tokens):
    return f"{table[gamma, tokens]:.2f}" if (gamma, tokens) in table.index else "(not run)"


best = sums[u].idxmin() if u in sums.index.get_level_values(0) else None
grows, turns = a1.verdict == "reproduced", a2.verdict == "reproduced"
say("short_answer", "yes" if grows and turns else "partly" if grows or turns else "not shown by these runs")
say("first_increase", of(mean, at, first))
say("last_increase", of(mean, at, last))
say("best_budget", tokens_label(best) if best else "(not run)")
say("u_rise", f"{sums[u, last] - sums[u, best]:.2f}" if best else "(not run)")
say("last_budget", tokens_label(last))
say("a1_gamma", f"{at:g}")
say("parameters_said", f"{size:,}")
say("budgets_said", f"{tokens_label(first)}–{tokens_label(last)} tokens")
say("per_parameter_said", f"{first / size:.3g}–{last / size:.3g}")
say("gammas_said", f"{min(g for g in p.gammas if g > 0):g} to {max(p.gammas):g}")
say("seeds_said", f"{p.seeds} seeds" + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""))
say("draws_said", str(p.draws))
