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
#       - a model small enough that overtraining can be worked out with a pencil
#       - what a thing must be worth for learning it to pay, if the weights will be shaken
#       - how rate, angle and pull of a fine-tuning move the turning point
#       - which of this to expect from language models, and on what the theory is silent
#     papers: [springer2025overtrained]
#     after: [02-sensitivity-grows, 03-harder-to-fine-tune]
# ---

# %% [markdown]
r"""
# Why: a theory you can turn

**Why should a model that is getting better be getting worse to change?** Chapter 2 shook models and found the damage; chapter 3 tuned
them. An explanation would have to say why the same change costs more later, why the sum of progress and damage has a lowest point,
and why that point comes earlier when the change is larger. It need not get the numbers of a language model right. It must get the
signs right, for a reason one can follow.

There is a model in which all of it can be computed: two matrices in a row, $y = W_1 W_2 x$, and nothing else. The
short answer it gives: {glue:text}`short_answer`

The yardstick of this chapter is no verdict on a paper. It is that closed form and simulation agree, everywhere on this page, to
within {glue:text}`precision_said` of the loss of an untrained network. {glue:text}`agreement_short`
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (seconds, too), gpu, paper
seeds: int = None  # repetitions: other directions, starts and noise, same strengths (default: the scale's)
exponent: float = 1.0  # direction i is worth 2 / i^exponent: how fast the spectrum falls
gammas: list = [
    0.0,
    0.01,
    0.02,
    0.03,
    0.04,
    0.05,
    0.06,
    0.07,
    0.08,
    0.09,
    0.1,
    0.11,
    0.12,
]  # standard deviation of the noise on every weight
draws: int = 20  # noise draws behind each simulated loss, averaged inside the seed
rates: list = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1]  # learning rates of fine-tuning
degrees: list = [0, 30, 60, 90]  # angles between the new task and what the network knows best
pulls: list = [0.0, 0.1, 0.2, 0.5, 1.0, 2.0]  # strengths of the pull towards the pre-trained weights

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    exponent=exponent,
    gammas=gammas,
    draws=draws,
    rates=rates,
    degrees=degrees,
    pulls=pulls,
)

# %% [markdown]
r"""
## What the paper did, and what we do

Springer and colleagues {cite}`springer2025overtrained` prove theorems about this model in their section 4. We could read the section
only in excerpts, so the formulae below are ours: derived anew, and compared with simulation in the tests. The solution for learning
from small weights is that of Saxe and colleagues {cite}`saxe2014exact`, the one for tuning on any other task goes back to Fukumizu
{cite}`fukumizu1998batch` (see also {cite}`braun2022exact`).

| | the paper | this chapter | source of the paper's value |
|---|---|---|---|
| model | two-layer linear network | the same: {glue:text}`size_said` inputs, hidden units and outputs | section 4, at second hand |
| pre-training | gradient flow; directions are learnt one after another | the same, from balanced weights; a random start as a control | section 4, at second hand |
| noise | Gaussian; sensitivity grows with training, the loss after it turns upward | the same, with the formula | abstract and blog; exact statements not read |
| fine-tuning | without regularisation, on a task sufficiently misaligned: past some time the old loss after tuning rises with pre-training (theorem 4.7, informally) | gradient flow for a given time; {glue:text}`rank_said` directions of strength {glue:text}`value_said` at any angle | section 4, at second hand |
| regularisation | a pull to the old weights moves the turn later and leaves the new loss higher | the same, by simulation | section 4, at second hand |
| strengths, start, length of tuning | not recovered | $s_i = 2 / i^{\,p}$ with $p$ = {glue:text}`exponent_said`; $a_0 = 10^{-4}$; {glue:text}`steps_said` steps | none: not in what we read |

Claim A11, that a pull delays the turn, is a claim about language models. It is not judged here but in a later chapter, "Remedies".

## A network that can be solved

Let the thing to be learnt be a matrix $A = \sum_i s_i\, u_i v_i^\top$: some independent **directions** (pairs of an input pattern
$v_i$ and an output pattern $u_i$), each with a **strength** $s_i$. Inputs are isotropic, so the loss is
$L = \lVert W_1 W_2 - A \rVert^2$. Start from small weights, and every direction is learnt on its own. What has been learnt of it, $a_i$,
obeys

$$
\frac{d a_i}{d t} = 2\, a_i\, (s_i - a_i),
\qquad
a_i(t) = \frac{s_i}{1 + (s_i / a_0 - 1)\, e^{-2 s_i t}},
\qquad
L(t) = \sum_i \bigl(s_i - a_i(t)\bigr)^2 .
$$

The $a_i$ on the right means that learning feeds on what is there; so each direction waits, then comes in a rush, half way at about
$t_i = \ln(s_i / a_0) / 2 s_i$. Strong directions come first. Time $t$ is the learning rate times the number of steps, and stands for
tokens.

## The experiment

One network a seed. Its directions, the noise and the new task are random; its strengths are given. `LinearTuning` appears
three times: for rates and angles, for pulls, and for tuning that stops when the new task is half learnt.

The settings come from trials that had shown where this network turns; so the turning points are no predictions, and what is tested is
the agreement. Its 2% were fixed before the comparison was made; that they are 2% of the untrained loss for the noise, too, and not of what the
noise adds, was settled after a first look, since early on the draws scatter by more than small noise adds. The grid of times was made finer
afterwards, for smoother lines.
"""

# %% tags=["experiment"]
from ovbook.runs import LinearNetwork, LinearNoise, LinearTuning


def experiment(p):
    """Learn, shake and tune two matrices, by formula and by simulation."""
    # 40 times from 0.5 to 100, evenly in log time
    times = [round(0.5 * 200 ** (i / 39), 3) for i in range(40)]
    common = {"rank": 6, "value": 0.5, "steps": 100}
    rate, degrees = sorted(p.rates)[len(p.rates) // 2], max(p.degrees)
    specs = []
    for seed in p.seed_numbers:
        network = LinearNetwork(
            seed=seed,
            times=times,
            size=24,
            strength=2.0,
            exponent=p.exponent,
        )
        given = {"network": network, **common}
        specs += [
            network,
            LinearNoise(network=network, gammas=p.gammas, draws=p.draws),
            LinearTuning(rates=p.rates, degrees=p.degrees, every=3, **given),
            LinearTuning(rates=[rate], degrees=[degrees], pulls=p.pulls, **given),
            LinearTuning(until=[0.5], degrees=p.degrees, **given),
        ]
    return specs


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
learnt, shaken, tuned = (
    results.table(kind)  # one row a time and setting
    for kind in (LinearNetwork, LinearNoise, LinearTuning)
)
shaken[["seed", "time", "gamma", "base", "exact", "simulated"]].tail(3)

# %% tags=["hide-input"]
import altair as alt
import numpy as np
import pandas as pd

from ovbook.charts import (
    BASE,
    FLOOR,
    PERTURBED,
    TUNED,
    Slider,
    budget_ramp,
    evidence,
    figure,
    heading,
    say,
    with_sliders,
)
from ovbook.stats import inflection, summarise

network = results.of(LinearNetwork)[0]
untrained = sum(s**2 for s in network.values)
bare, steady = tuned[tuned["kind"] == "steps"], tuned[tuned["kind"] == "until"]
free, held = bare[bare["every"] == 3], bare[bare["every"] == 1]  # rates and angles; pulls
TIME = alt.X(
    "time:Q",
    title="pre-training time t (log scale)",
    scale=alt.Scale(type="log", nice=False),
    axis=alt.Axis(values=[0.5, 1, 2, 5, 10, 20, 50, 100], format="~g", grid=False),
)


def over_seeds(table, value, by):
    """Mean and interval over seeds; a linear network has no world."""
    return summarise(table.assign(world="none").dropna(subset=[value]), value, by=by)


def turn(times, losses):
    """Where a curve is lowest, how low, and how far it has risen at its end; it turns if that is more than 1%."""
    losses = np.asarray(losses)
    lowest, rise = losses.min(), losses[-1] - losses.min()
    return inflection(list(times), losses) if rise > 0.01 * lowest else None, lowest, rise


def when(place):
    """The time of a turn, or the bound that is known."""
    return f"t {'≤' if place.sign == '<=' else '='} {place.x:.3g}"


def said(place):
    """A turn, said after 'lowest'."""
    found, lowest, rise = place
    return (
        f"lowest, {lowest:.2f}, at {when(found)}, and {rise:.2f} above that at the end"
        if found
        else f"{lowest:.2f} at its lowest, with no rise of more than 1% after it"
    )


# %% [markdown]
r"""
## What is learnt when?
"""

# %% tags=["hide-input", "remove-output"]
shown = [i for i in (1, 2, 3, 4, 6, 12) if i <= network.size]
one = learnt[(learnt["kind"] == "direction") & learnt["direction"].isin(shown)].astype({"direction": int})
by_one = ["direction", "time"]
strength = over_seeds(one, "simulated", by_one).merge(one.drop_duplicates(by_one)[[*by_one, "exact"]])
start = over_seeds(one, "random", by_one)
strength = strength.assign(random=start["mean"], low=start["low"], high=start["high"])
colour = alt.Color("direction:O", scale=alt.Scale(domain=shown, range=budget_ramp(shown)), legend=None)
up = {"title": "strength learnt", "scale": alt.Scale(domain=[0, 1.05 * max(network.values)])}
thin = strength[strength["time"].isin(network.times[::2])]
ends = strength[strength["time"] == strength["time"].max()].assign(
    label=lambda t: "no. " + t["direction"].map(str)
)
chart = alt.layer(
    alt.Chart(strength).mark_area().encode(x=TIME, y=alt.Y("low:Q", **up), y2="high:Q", color=colour),
    alt.Chart(strength).mark_line().encode(x=TIME, y=alt.Y("exact:Q", **up), color=colour),
    alt.Chart(thin)
    .mark_point(opacity=1, size=34)
    .encode(x=TIME, y=alt.Y("mean:Q", **up), color=colour, tooltip=["direction", "time", "exact", "mean"]),
    alt.Chart(ends).mark_text(align="left", dx=8).encode(x=TIME, y=alt.Y("exact:Q", **up), text="label:N"),
).properties(
    width=530,
    height=300,
    title=heading(
        "Directions are learnt one after another, the strongest first",
        evidence(start) + " from a random start; lines: closed form, dots: descent from balanced weights",
    ),
    description="Strength learnt of six directions against pre-training time: each stays near zero, then rises "
    "in a rush to its full strength, the strongest first.",
)
names = {"direction": "direction", "time": "time", "exact": "closed form", "mean": "simulated"}
names |= {"random": "simulated from a random start"}
figure("fig_strengths", chart, strength, columns=names)

# %% [markdown]
r"""
```{glue:figure} fig_strengths
:name: fig-strengths

Lines are the formula, dots gradient descent with a step of {glue:text}`pretrain_rate`. Bands are descent from small *random*
weights, which the formula does not cover. The network has {glue:text}`size_said` directions; six are drawn.
```

This is the network's whole pre-training: a queue. The first direction takes off {glue:text}`off_first` of the loss, the last one
{glue:text}`off_last`.

## What does noise cost?

Now every weight gets independent noise of standard deviation γ (plain γ: there is no initial spread to measure it in). With $d$ inputs,
hidden units and outputs, the loss it adds is, on average and exactly,

$$
\mathbb{E}\,L(\theta + \varepsilon) - L(\theta) = 2 \gamma^2 d \sum_i a_i + \gamma^4 d^3 .
$$

In words: noise costs $2\gamma^2 d$ for every unit of strength that has been learnt, *whatever that direction is worth*, and a constant
besides. The sum grows as directions are learnt. That is {term}`progressive sensitivity`: each direction is held by weights, and noise
on those weights is multiplied by what stands on the other side of them.

What a direction is worth is another matter. Learning it fully takes $s^2$ off the loss and adds $2\gamma^2 d\, s$ under noise:
a bargain for a strong direction, a bad one for a weak one. The two are equal at $s = 2\gamma^2 d$. Below that the network is better off not
to learn it at all. (And the best strength of any direction is not $s$ but $s - \gamma^2 d$.)
"""

# %% tags=["hide-input", "remove-output"]
sizes = [g for g in p.gammas if g > 0] or [0.05]
worth = pd.DataFrame(
    [
        {"direction": i, "gamma": g, "brings": s**2, "costs": 2 * g**2 * network.size * s}
        for g in sizes
        for i, s in enumerate(network.values, start=1)
    ]
)
near = min(sizes, key=lambda g: abs(g - 0.05))
gamma = Slider("gamma", worth["gamma"], label="noise", write="γ = {:g}".format, start=near)
kinds = alt.Scale(domain=["brings", "costs"], range=[BASE, PERTURBED])
chart = (
    alt.Chart(worth)
    .transform_filter(gamma.at("gamma"))
    .transform_fold(["brings", "costs"], as_=["what", "loss"])
    .mark_point(opacity=1, size=60)
    .encode(
        x=alt.X("direction:Q", title="direction, the strongest first", axis=alt.Axis(tickMinStep=1)),
        y=alt.Y(
            "loss:Q",
            title="loss (log scale)",
            axis=alt.Axis(values=[1e-4, 1e-3, 0.01, 0.1, 1, 10], format="~g"),
            scale=alt.Scale(type="log", domain=[worth[["brings", "costs"]].min().min(), 10], nice=True),
        ),
        color=alt.Color("what:N", scale=kinds, title="learning it", legend=alt.Legend(orient="bottom")),
        shape=alt.Shape(
            "what:N", scale=alt.Scale(domain=kinds.domain, range=["circle", "diamond"]), title="learning it"
        ),
        tooltip=["direction:Q", "brings:Q", "costs:Q"],
    )
    .properties(
        width=530,
        height=280,
        title=heading(
            "What each direction brings, and what it costs under noise",
            "n = 1 network, computed from the formula; no interval",
        ),
        description="Loss taken off by each direction and loss added by noise once it is learnt, with a slider for the "
        "noise: weak directions cost more than they bring.",
    )
)


def bargain(g):
    """Which directions pay at noise g."""
    bad = [i for i, s in enumerate(network.values, start=1) if s < 2 * g**2 * network.size]
    if not bad:
        return f"γ = {g:g}: every direction brings more than it costs."
    if len(bad) == 1:
        return f"γ = {g:g}: direction {bad[0]} costs more than it brings."
    return f"γ = {g:g}: directions {bad[0]} to {bad[-1]} cost more than they bring."


figure(
    "fig_worth",
    with_sliders(chart, gamma, sentence=bargain),
    worth,
    columns={"gamma": "noise γ", "direction": "direction", "brings": "brings", "costs": "costs"},
)

# %% [markdown]
r"""
```{glue:figure} fig_worth
:name: fig-worth

Drag the noise. Where a diamond lies above its circle, learning that direction makes the shaken network worse.
```

Put the two together: the *weak* directions are learnt *last*, and the weak ones are those that do not pay. So a network that will be
shaken gets better, then worse: overtraining, from a queue and a price. More noise raises the price, more of the queue does not pay,
and the lowest point moves forward.
"""

# %% tags=["hide-input", "remove-output"]
NOISY = ["before the noise", "what the noise adds", "after the noise"]
LINES = alt.Legend(orient="bottom", title=None, symbolStrokeWidth=3)


def three_lines(chart, names, colours, top):
    """Lines for three columns of a table, with one legend; and the scale of their vertical axis."""
    scale, dashes = alt.Scale(domain=names, range=colours), [[1, 0], [2, 2], [7, 3]]
    up = alt.Scale(domain=[0, top], clamp=True)
    lines = (
        chart.transform_fold(names, as_=["what", "loss"])
        .mark_line()
        .encode(
            x=TIME,
            y=alt.Y("loss:Q", title="loss", scale=up),
            color=alt.Color("what:N", scale=scale, legend=LINES),
            strokeDash=alt.StrokeDash("what:N", scale=alt.Scale(domain=names, range=dashes), legend=LINES),
        )
    )
    return lines, up


def ring(chart, column, colour):
    """A ring around the lowest point of a column."""
    least = chart.transform_joinaggregate(least=f"min({column})").transform_filter(
        f"datum['{column}'] == datum.least"
    )
    return least.mark_point(shape="circle", size=260, filled=False, strokeWidth=2.5, color=colour).encode(
        x=TIME, y=alt.Y(f"{column}:Q")
    )


by = ["gamma", "time"]
noisy = over_seeds(shaken, "simulated", by).rename(columns={"mean": "simulated"})
noisy = noisy.merge(shaken.drop_duplicates(by)[[*by, "base", "exact"]])
noisy = noisy.assign(
    **dict(zip(NOISY, (noisy["base"], noisy["exact"] - noisy["base"], noisy["exact"]), strict=True))
)
noisy = noisy[[*by, *NOISY, "simulated", "low", "high", "n"]].round(5)
turns = {g: turn(part["time"], part["after the noise"]) for g, part in noisy.groupby("gamma")}
clear = min(noisy["gamma"], key=lambda g: abs(g - 0.1))
gamma = Slider("gamma", noisy["gamma"], label="noise", write="γ = {:g}".format, start=clear)
at = alt.Chart(noisy).transform_filter(gamma.at("gamma"))
lines, up = three_lines(at, NOISY, [BASE, FLOOR, PERTURBED], 1.02 * noisy["simulated"].max())
dots = at.mark_point(color=PERTURBED, shape="diamond", opacity=1).encode(
    x=TIME, y=alt.Y("simulated:Q", scale=up)
)
whiskers = at.mark_rule(color=PERTURBED).encode(x=TIME, y=alt.Y("low:Q", scale=up), y2="high:Q")
chart = alt.layer(lines, whiskers, dots, ring(at, "after the noise", PERTURBED)).properties(
    width=530,
    height=320,
    title=heading(
        "Progress and price: the sum has a lowest point, earlier under more noise"
        if len({t[0].x for t in turns.values() if t[0]}) > 2
        else "Progress and price under noise",
        evidence(noisy, "whisker") + "; lines: closed form, diamonds: simulated",
    ),
    description="Loss before noise, loss that the noise adds and their sum against pre-training time, with a slider for "
    "the noise and a ring around the lowest point of the sum.",
)
chart = with_sliders(chart, gamma, sentence=lambda g: f"γ = {g:g}: after the noise {said(turns[g])}.")
figure("fig_price", chart, noisy)

# %% [markdown]
r"""
```{glue:figure} fig_price
:name: fig-price

Blue falls: what pre-training gains. Dotted rises: what the noise costs. Orange is their sum; diamonds are simulated, {glue:text}`draws_said`
draws of noise a seed.
```

{glue:text}`noise_said`

## And tuning?

Fine-tuning is a change with a direction in mind: gradient flow again, from the pre-trained weights towards another matrix
$B$. Stack the weights, $Q = \binom{W_2^\top}{W_1}$, and put $F = \bigl(\begin{smallmatrix} 0 & B^\top \\ B & 0 \end{smallmatrix}\bigr)$. Then
$S = Q Q^\top$ obeys an equation of Riccati's kind, which has a solution for any $B$:

$$
\dot S = F S + S F - S^2,
\qquad
S(\tau) = e^{F\tau} Q \Bigl( I + Q^\top \tfrac{e^{2F\tau} - I}{2F}\, Q \Bigr)^{-1} Q^\top e^{F\tau},
$$

with $\tau$ the tuning rate times the number of steps; the new $W_1 W_2$ is the lower left block of $S$. Our new task has
{glue:text}`rank_said` directions of strength {glue:text}`value_said`, turned away by some angle from the {glue:text}`rank_said` strongest old
ones: at 0° it is the same directions with other strengths, at 90° it shares nothing with them.
"""

# %% tags=["hide-input", "remove-output"]
TUNING = ["old task, before", "new task, after", "old task, after"]


def tuning(table, settings, exact, new):
    """Old and new loss after tuning: means over seeds, for each time and setting."""
    by = [*settings, "time"]
    old = over_seeds(table, exact, by).rename(columns={"mean": "old task, after"})
    new = over_seeds(table, new, by).rename(columns={"mean": "new task, after"})[[*by, "new task, after"]]
    base = table.drop_duplicates(by)[[*by, "base"]].rename(columns={"base": "old task, before"})
    return old.merge(new).merge(base)[[*by, *TUNING, "low", "high", "n"]].round(4)


def after_tuning(frame, sliders, title, evidence_said, description, sentence, dots=None):
    """Before and after, behind sliders."""
    at = alt.Chart(frame)
    for slider in sliders:
        at = at.transform_filter(slider.at(slider.name))
    top = 1.02 * frame[["old task, after", "old task, before", "high"]].max().max()
    lines, up = three_lines(at, TUNING, [BASE, FLOOR, TUNED], top)
    band = at.mark_area(color=TUNED).encode(x=TIME, y=alt.Y("low:Q", scale=up), y2="high:Q")
    layers = [band, lines, ring(at, "old task, after", TUNED)]
    if dots:
        points = at.transform_filter("isValid(datum.simulated)").mark_point(
            color=TUNED, shape="diamond", opacity=1
        )
        layers.append(points.encode(x=TIME, y=alt.Y("simulated:Q", scale=up)))
    chart = alt.layer(*layers).properties(
        width=530, height=320, title=heading(title, evidence_said), description=description
    )
    return with_sliders(chart, *sliders, sentence=sentence)


by = ["rate", "degrees"]
rotated = tuning(free, by, "exact", "new_exact")
simulated = over_seeds(free, "simulated", [*by, "time"])[[*by, "time", "mean"]].round(4)
rotated = rotated.merge(simulated.rename(columns={"mean": "simulated"}), how="left")
angles = {place: turn(part["time"], part["old task, after"]) for place, part in rotated.groupby(by)}
common, widest = held["rate"].iloc[0], max(p.degrees)
sliders = [
    Slider("rate", rotated["rate"], label="tuning rate", write="{:g}".format, start=common),
    Slider("degrees", rotated["degrees"], label="angle", write="{:g}°".format, start=widest),
]
chart = after_tuning(
    rotated,
    sliders,
    "Tuning on another task: turn the rate and the angle",
    evidence(rotated) + "; lines: closed form, diamonds: simulated",
    "Old loss before and after tuning and new loss after it against pre-training time, with sliders for the tuning rate "
    "and for the angle between the tasks.",
    lambda r, d: f"Rate {r:g}, angle {d:g}°: old task after tuning {said(angles[r, d])}.",
    dots=True,
)
figure("fig_angle", chart, rotated.drop(columns="n"))

# %% [markdown]
r"""
```{glue:figure} fig_angle
:name: fig-angle

Blue is the old loss before tuning, green after {glue:text}`steps_said` steps of it, dotted the loss on the new task. The ring marks green's
lowest point, which means something only where green rises after it.
```

{glue:text}`rate_said` {glue:text}`angle_said`

One sees two things happen. What the new task does not mention decays, the strongest first: a direction of strength $a$ that is
orthogonal to it is left with $a / (1 + 2 a \tau)$. That alone never makes learning it a mistake; something is always left. The
mistake comes from the other side. Learning feeds on what is there, so a direction that pre-training has not touched
can hardly be tuned either; once the weak directions are learnt, the same number of steps moves the network much further.
**A network that knows more can be pushed more.**

A pull towards the pre-trained weights (a penalty of half the pull times the squared distance, on top of half the loss) holds
it back. There is no closed form for that; {numref}`fig-pull` is simulated.
"""

# %% tags=["hide-input", "remove-output"]
pulled = tuning(held, ["pull"], "simulated", "new_simulated")
holds = {g: turn(part["time"], part["old task, after"]) for g, part in pulled.groupby("pull")}
ending = pulled[pulled["time"] == pulled["time"].max()].set_index("pull")["new task, after"]
slider = Slider("pull", pulled["pull"], label="pull", write="{:g}".format, start=min(p.pulls))
chart = after_tuning(
    pulled,
    [slider],
    "A pull to the old weights: later, and dearer for the new task"
    if ending.is_monotonic_increasing
    and pd.Series([h[0].x for h in holds.values() if h[0]]).diff().gt(0).any()
    else "A pull to the old weights",
    evidence(pulled) + f"; rate {common:g}, angle {widest:g}°, simulated",
    "Old loss before and after tuning and new loss after it against pre-training time, with a slider for the pull towards "
    "the pre-trained weights.",
    lambda g: f"Pull {g:g}: old task after tuning {said(holds[g])}; new task {ending[g]:.2f} at the end.",
)
figure("fig_pull", chart, pulled)

# %% [markdown]
r"""
```{glue:figure} fig_pull
:name: fig-pull

As {numref}`fig-angle`, at one rate and angle, by the strength of the pull.
```

{glue:text}`pull_said`

## Do formula and simulation agree?

The largest differences between the two, means over seeds, at any time and setting of this page:
"""

# %% tags=["hide-input"]
PRECISION = 0.02
whole = learnt[learnt["kind"] == "whole"]
pairs = {
    "loss in pre-training": (whole, "exact", "simulated", ["time"]),
    "loss after noise": (shaken, "exact", "simulated", ["gamma", "time"]),
    "old loss after tuning": (free, "exact", "simulated", ["rate", "degrees", "time"]),
    "new loss after tuning": (free, "new_exact", "new_simulated", ["rate", "degrees", "time"]),
}
rows = []
for name, (table, exact, simulated, by) in pairs.items():
    gap = table.assign(gap=table[simulated] - table[exact]).groupby(by)["gap"].mean().dropna()
    worst = gap.abs().idxmax()
    places = zip(by, worst if isinstance(worst, tuple) else (worst,), strict=True)
    rows.append(
        {
            "quantity": name,
            "largest difference": round(gap[worst], 4),
            "share of the untrained loss": f"{abs(gap[worst]) / untrained:.2%}",
            "where": ", ".join(f"{column} {level:g}" for column, level in places),
            "compared": len(gap),
        }
    )
agreement = pd.DataFrame(rows).set_index("quantity")
worst_share = agreement["largest difference"].abs().max() / untrained
agreement

# %% [markdown]
r"""
{glue:text}`agreement_said` Noise differs by chance: {glue:text}`draws_said` draws a seed. Training and tuning differ because descent takes steps and
the formula does not: the tests halve the step and see the difference halve.
"""

# %% [markdown]
r"""
## What could be wrong with it

**"The rise is only a longer way."** For tuning, this is the strongest objection. Go back to {numref}`fig-angle`: where the old task suffers
most, at large times, the new one is learnt *best*. So let tuning stop when the new loss is half that of a network that knows nothing,
however long it takes.
"""

# %% tags=["hide-input", "remove-output"]
equal = over_seeds(steady, "exact", ["degrees", "time"])
equals = {d: turn(part["time"], part["mean"]) for d, part in equal.groupby("degrees")}
levels = sorted(equal["degrees"].unique())
colour = alt.Color("degrees:O", scale=alt.Scale(domain=levels, range=budget_ramp(levels)), legend=None)
y = {"title": "old loss, new task half learnt", "scale": alt.Scale(domain=[0, 1.02 * equal["high"].max()])}
ends = equal[equal["time"] == equal["time"].max()].assign(label=lambda t: t["degrees"].map("{:g}°".format))
chart = alt.layer(
    alt.Chart(equal).mark_area().encode(x=TIME, y=alt.Y("low:Q", **y), y2="high:Q", color=colour),
    alt.Chart(equal).mark_line().encode(x=TIME, y=alt.Y("mean:Q", **y), color=colour),
    alt.Chart(ends).mark_text(align="left", dx=8).encode(x=TIME, y=alt.Y("mean:Q", **y), text="label:N"),
).properties(
    width=530,
    height=280,
    title=heading(
        "Stopped at equal success, tuning at a right angle harms no longer-trained network more"
        if widest == 90 and equals[widest][0] is None
        else "Old loss at equal success on the new task",
        evidence(equal) + "; closed form",
    ),
    description="Old loss against pre-training time when tuning stops with the new task half learnt, one line for each "
    "angle.",
)
names = {
    "degrees": "angle",
    "time": "time",
    "mean": "old loss",
    "low": "95% from",
    "high": "95% to",
    "n": "seeds",
}
figure("fig_equal", chart, equal, columns=names)

# %% [markdown]
r"""
```{glue:figure} fig_equal
:name: fig-equal

One line an angle. Compare 90° with the ring of {numref}`fig-angle`.
```

{glue:text}`equal_said` Two warnings go with that. The guard of chapter 2 would not pass the curves at large rates: the
tuned network of {numref}`fig-angle` at rate {glue:text}`common_said` ends at {glue:text}`saturated_said` of the untrained loss, so it has little left to
lose. And where there is a rise, it is small.

**"It is only that weights grow."** Yes. Noise costs $\gamma^2 d\,(\lVert W_1 \rVert^2 + \lVert W_2 \rVert^2)$ whatever the weights have learnt, so *any*
training that makes them larger makes the network more sensitive, useful or not. This theory has no other reason to offer.
For noise in proportion to the weights it predicts growth that is steeper still, with the square of the sum. Chapter 2 tried that
({numref}`fig-relative`) and saw much weaker growth: there the theory fails, and real sensitivity must have
a second part to it, or lack this one.

**"Balanced weights are a convenience."** The formula needs $W_1$ and $W_2$ to start in balance. Random small weights do not; they are the bands of
{numref}`fig-strengths`, and {glue:text}`random_said`

**"Full batches, no data."** Gradient flow sees the exact gradient. No sampling noise, no momentum, no learning rate that decays.
"""

# %% [markdown]
r"""
## What it predicts

Signs and orders, not sizes. The verdicts are those of the chapters that measured.

| the theory says | why | held against models in | verdict there |
|---|---|---|---|
| the same noise costs more after longer training | $\sum_i a_i$ grows | {numref}`fig-damage`, A1 | {verdict}`A1` |
| large enough noise: a lowest point | weak directions come last | {numref}`fig-left`, A2 | {verdict}`A2` |
| more noise: earlier | the price is $2\gamma^2 d$ | {numref}`fig-turning`, A3 | {verdict}`A3` |
| twice the noise: at least four times the cost | $\gamma^2$, then $\gamma^4$ | the table below {numref}`fig-damage` | no claim |
| noise relative to the weights: steeper | $(\sum_i a_i)^2$ | {numref}`fig-relative` | no claim; it was weaker |
| tuning at a fixed rate costs more after longer training | what is learnt can be pushed | chapter 3, A4 | {verdict}`A4` |
| larger rate: earlier | $\tau$ | chapter 3, A5 | {verdict}`A5` |
| at equal success: no rise, or a small one | the same push | chapter 3, A7 | {verdict}`A7` |
| larger angle: earlier | less is shared | chapter 3, A12 | {verdict}`A12` |
| a pull: later, new task worse | it shortens the push | "Remedies", A11 | {verdict}`A11` |

What it cannot say: anything about attention, about data that are noisy or limited, about AdamW. Above all it has no
decay of the learning rate. In this network only $t$ counts, rate times steps, so it cannot even ask whether tokens or decay make
models fragile. The next chapter asks.

## Play

The sliders above show what was run. In a running notebook the formulae answer at once; change a number in this cell:
"""

# %%
from ovbook import theory

times, values = np.geomspace(0.5, 100, 400), 2 / np.arange(1, 25)
a = theory.strengths(times, values, start=1e-4)
cost = theory.expected_increase(a, gamma=0.05, size=24, hidden=24)
after = theory.loss(a, values) + cost
best = after.argmin()
print(f"lowest at t = {times[best]:.1f}: {after[best]:.3f}; last {after[-1]:.3f}")

# %% [markdown]
r"""
## What it means

Overtraining under noise needs no mystery: things are learnt in the order of their worth, and each costs the same per unit to hold
under disturbance. At some point what is still to be learnt is not worth its upkeep. A model that nobody will
touch should learn it anyway.

For tuning the theory is more careful than the headline. A longer-trained network is not only easier to harm, it is easier to *move*. Hold the
number of steps fixed and it goes further, in both tasks. {glue:text}`equal_means` Whether language models are like this is for chapter 3 and
"Remedies" to say, not for two matrices.

## Exercises

```{exercise}
:label: ex-spectrum
Let the strengths fall faster, as $2 / i^{1.5}$. Predict before you run: under noise of γ = 0.05, does the lowest point come earlier or later? Then
change `values` in the cell above, or run `ovbook run 04 -p exponent=1.5`.
```

```{solution} ex-spectrum
:class: dropdown
Two effects pull apart. More directions lie below the price of $2\gamma^2 d$ = 0.12 (those from number 7 on, instead of 17), which moves the
point forward in the queue; but each weaker direction takes longer to arrive, since $t_i$ goes with $1/s_i$, so the queue is
slower. Number 7 of the new spectrum comes about when number 16 or 17 of the old one does, because it is worth about as much: the time of the
lowest point moves little, and what is known by then is much less.
```

```{exercise}
:label: ex-which
At γ = 0.1, which directions are not worth learning? Work it out with a pencil, then look at {numref}`fig-worth`.
```

```{solution} ex-which
:class: dropdown
The price is $2 \cdot 0.1^2 \cdot 24 = 0.48$ per unit of strength. $s_i = 2/i$ is below that from $i = 5$ on. So of 24 directions four are worth
learning, and even those not fully: best is $s - 0.24$.
```

```{exercise}
:label: ex-basis
Let the new task share the old basis (angle 0). Tuning still costs the old task a good deal. Why is there no rise?
```

```{solution} ex-basis
:class: dropdown
In the same basis each direction goes its own way, towards the new strength or towards nothing, as $a/(1 + 2a\tau)$. Where it ends rises with
where it started, and never passes it unless the new task wants it stronger. So learning more of any direction the new task leaves alone, the
late ones, leaves more of it afterwards: the old loss after tuning falls as they are learnt. To harm, directions
must mix.
```
"""

# %% tags=["remove-cell"]
from itertools import pairwise

random = {
    g: turn(part["time"], part["random"])
    for g, part in shaken.groupby(["gamma", "time"])["random"].mean().reset_index().groupby("gamma")
}


def listed(places, write):
    """Turning times, for the settings at which there is one."""
    return ", ".join(f"{when(found[0])} at {write(level)}" for level, found in places.items() if found[0])


def named(angles):
    """Angles in a sentence."""
    return " and ".join(f"{d:g}°" for d in angles)


def falls(places):
    """Whether the turn comes earlier and earlier, where there is one."""
    found = [place[0].x for place in places.values() if place[0]]
    return len(found) > 1 and all(b <= a for a, b in pairwise(found))


turning = [g for g in turns if turns[g][0]]
some = {g: turns[g] for g in turning if round(100 * g) % 3 == 0} or {g: turns[g] for g in turning}
by_rate = {r: angles[r, widest] for r in sorted(p.rates)}
calm = [r for r, found in by_rate.items() if not found[0]]
by_angle = {d: angles[common, d] for d in sorted(p.degrees)}
both = [g for g in turns if turns[g][0] and random[g][0]]
apart = max((abs(random[g][0].log2 - turns[g][0].log2) for g in both), default=0.0)
fine = worst_share <= PRECISION
none_turn = [d for d, found in by_angle.items() if not found[0]]
rises = {d: found for d, found in equals.items() if found[0]}
alike = equals[widest][0] is None
tuning_run = results.of(LinearTuning)[0]
nothing = tuning_run.rank * tuning_run.value**2
untouched = untrained + nothing
end = rotated[(rotated["rate"] == common) & (rotated["degrees"] == widest)].iloc[-1]
least, most = min(some, default=0.0), max(some, default=0.0)
turned_with_noise = falls({g: turns[g] for g in sorted(turning)})
say(
    short_answer=(
        "things are learnt in the order of their worth, and each unit learnt costs the same to hold under noise; so the last "
        f"things learnt are not worth their upkeep. With noise of γ = {least:g} the network is best at {when(turns[least][0])}"
        + (f", with γ = {most:g} at {when(turns[most][0])}." if most > least else ".")
        if turning
        else "with these settings, none: no size of noise gives a clear turn."
    ),
    precision_said=f"{PRECISION:.0%}",
    agreement_short=(
        f"They do: the largest difference is {worst_share:.1%}."
        if fine
        else f"With these settings they do not: the largest difference is {worst_share:.1%}."
    ),
    agreement_said=(
        f"All lie within the {PRECISION:.0%} declared above."
        if fine
        else f"Not all lie within the {PRECISION:.0%} declared above; smaller steps or more draws would be needed."
    ),
    size_said=network.size,
    rank_said=tuning_run.rank,
    value_said=f"{tuning_run.value:g}",
    steps_said=tuning_run.steps,
    exponent_said=f"{p.exponent:g}",
    pretrain_rate=f"{network.rate:g}",
    draws_said=p.draws,
    off_first=f"{network.values[0] ** 2 / untrained:.0%}",
    off_last=f"{network.values[-1] ** 2 / untrained:.1%}",
    noise_said=(
        f"The lowest point lies at {listed(some, 'γ = {:g}'.format) or 'the end, for every γ'}. "
        + ("More noise, earlier: without exception. " if turned_with_noise else "")
        + "Without noise there is none. (A curve counts as turning if it ends more than 1% above its lowest point.)"
    ),
    rate_said=(
        f"At {widest:g}° the lowest point lies at {listed(by_rate, 'rate {:g}'.format)}"
        + (f"; at {' and '.join(map('{:g}'.format, calm))} there is no rise worth the name." if calm else ".")
        if len(calm) < len(by_rate)
        else "No rate gives a rise worth the name."
    ),
    angle_said=(
        f"At rate {common:g} it lies at {listed(by_angle, '{:g}°'.format)}"
        + (f", and there is no rise at {named(none_turn)}." if none_turn else ".")
        if any(found[0] for found in by_angle.values())
        else ""
    ),
    pull_said=(
        f"The lowest point: {listed(holds, 'pull {:g}'.format) or 'none'}"
        + ("." if holds[max(holds)][0] else "; the strongest leaves no rise of more than 1%.")
        + f" Meanwhile the new loss at the end goes from "
        f"{ending.iloc[0]:.2f} to {ending.iloc[-1]:.2f}. (A network that knows nothing at all has {nothing:g}, one that was not "
        f"tuned {untouched:.1f}.)"
    ),
    equal_said=(
        (
            f"At {named(d for d in equals if d not in rises)} nothing rises"
            if len(rises) < len(equals)
            else "Every angle rises"
        )
        + (
            f"; at {named(rises)} something does, by at most {max(r[2] for r in rises.values()):.2f}. "
            if rises
            else ". "
        )
        + (
            f"So the rise at {widest:g}° was {'' if alike else 'not only '}that of a longer way."
            if by_angle[widest][0]
            else ""
        )
        + (
            " Where the tasks share directions the order is even reversed, smaller angles turn: there the late directions only add "
            "to the new loss, and it takes longer tuning to be rid of them."
            if alike and rises
            else ""
        )
    ),
    equal_means=(
        "Hold the success fixed, and most of the harm of longer training goes; then the first thing to do about overtraining "
        "is to tune less."
        if alike
        else "Even at fixed success, longer training does some harm."
    ),
    common_said=f"{common:g}",
    saturated_said=f"{end['old task, after'] / untrained:.0%}",
    random_said=(
        f"their turning points under noise differ from the formula's by at most {apart:.2f} doublings of time."
        if both
        else "no size of noise gives both a turn to compare."
    ),
)
