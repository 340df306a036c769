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
#       - what was reported of OLMo-1B, and how little of it stands on more than one run
#       - at which learning rate each public checkpoint stands, and why that matters
#       - what checkpoints of one long run show that finished models of the same budgets do not
#       - how to run the whole experiment on the released models, and what it would take
#     papers: [springer2025overtrained, sun2024amuro]
#     after: [03-harder-to-fine-tune, 05-tokens-or-decay]
# ---

# %% [markdown]
r"""
# OLMo itself

**Is a model that companies could use, trained on three trillion tokens, really worse after fine-tuning than its own copy from
2.3 trillion?** That is the headline of the paper behind this part of the book, and the reason why people talk about it. The chapters so far
tested its mechanism on models of a few tens of thousands of weights. This one turns to the model itself.

**{glue:text}`headline`** {glue:text}`short_answer`
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper (days)
seeds: int = None  # repetitions; of a released model, of its fine-tuning only (default: the scale's)
worlds: list = None  # seeds of the tiny worlds of the miniature (default: the scale's)
model: str = None  # shape of the miniature's models (default: the scale's)
budgets: list = None  # checkpoints of the miniature in tokens (default: the scale's doublings)
batch: int = None  # rows in a step of the miniature's pre-training (default: the scale's)
rate: float = None  # peak rate of the miniature's pre-training (default: the scale's)
released: list = None  # OWNER/NAME@REVISION or OWNER/NAME@2.3T, for example allenai/OLMo-1B-hf@3T (default: none below paper)
revisions: list = None  # of every OWNER/NAME that is given without one
corpus: str = None  # text on which the old loss of released models is measured: file:PATH or hub:NAME
context: int = 512  # longest row of a released model, in its own tokens
tasks: list = ["hh-rlhf"]  # what released models are tuned on: hh-rlhf, tulu-v2, file:FOLDER
benchmarks: list = [
    "arc_easy",
    "arc_challenge",
    "hellaswag",
    "piqa",
    "boolq",
    "openbookqa",
    "sciq",
    "winogrande",
]  # scored zero-shot: names in lm-evaluation-harness, or file:FOLDER with questions of your own
files: str = None  # a folder with benchmark files of your own
limit: int = None  # at most so many items of each benchmark (default: all)
referee: str = None  # module:function that compares two answers, for a win rate (default: none)
rates: list = None  # rates among which each checkpoint's best is chosen (default: by the kind of model)
gammas: list = [0.0, 0.05, 0.1, 0.2, 0.3, 0.4]  # noise, in units of the initial spread
draws: int = 4  # noise draws per model and size; even, because they come in pairs
rows: int = None  # held-out documents on which the old loss is measured (default: the scale's)
examples: int = None  # examples that fine-tuning sees (default: the scale's)
questions: int = None  # held-out items of the tuned task (default: the scale's)
precision: str = "float32"  # of products while a released model is tuned: float32 or bfloat16

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    model=model,
    budgets=budgets,
    batch=batch,
    rate=rate,
    released=released,
    revisions=revisions,
    corpus=corpus,
    context=context,
    tasks=tasks,
    benchmarks=benchmarks,
    files=files,
    limit=limit,
    referee=referee,
    rates=rates,
    gammas=gammas,
    draws=draws,
    rows=rows,
    examples=examples,
    questions=questions,
    precision=precision,
)

# %% [markdown]
r"""
## What was reported

Springer and colleagues {cite}`springer2025overtrained` took public checkpoints of three long runs, tuned each on instructions ({term}`instruction tuning`), and scored the result. We
read the abstract ourselves, and the rest at second hand ({doc}`chapter 2 <02-sensitivity-grows>` says what that means).

| what | number | how we know it |
|---|---|---|
| instruction-tuned OLMo-1B, from 3T tokens against from 2.3T, "on multiple benchmarks" | more than 2% worse | abstract |
| the same, tuned on Anthropic-HH: response rate by AlpacaEval | up to 3% lower | at second hand, sections 1–2 |
| the same: ARC | 2% lower | at second hand |
| after tuning, the 3T model equals the one from | 1.5T | at second hand |
| onset, instruction and multimodal tuning | above 2.5T | at second hand, section 3.1 |
| 7B models, up to 3T tokens | no fall | at second hand, section 3.1, appendix E |
| base models, untuned | better all the way | at second hand, section 2 |

The settings, value by value:

| | the paper | this chapter, on released models | this chapter's miniature at `laptop` | source |
|---|---|---|---|---|
| models | OLMo-1B, OLMo-2-7B, Amber-7B | any of them, or Pythia-410M, by name | {glue:text}`parameters_said` parameters | at second hand, section 2 |
| checkpoints | 0.04T–3.1T; 0.08T–3.9T; 0.12T–1.3T | those asked for, resolved to commits ({term}`revision`), none twice | {glue:text}`budgets_said` tokens of one run | at second hand |
| tuning on | Anthropic-HH (chosen answers), TULU; LLaVA | Anthropic-HH, TULU; loss on the last answer alone | topic of a passage, by number | at second hand |
| rate | best in-distribution score, per checkpoint | lowest held-out loss on other seeds, per checkpoint | the same | at second hand |
| in distribution | AlpacaEval response rate | held-out loss; win rate if a referee is named | held-out loss | at second hand |
| out of distribution | ten benchmarks, list not recovered | eight, by lm-evaluation-harness | {term}`old loss <old loss>` | sources disagree on a list of five |
| batch, epochs, rates of tuning | not recovered | 8, 1, {glue:text}`rates_said` | 16, 1, {glue:text}`mini_rates_said` | none: not in what we read; 8 as Sun and Dredze |
| repetitions | not recovered | seeds of tuning; one pre-training run | {glue:text}`seeds_said` | none: not in what we read |

The out-of-distribution list is ours: ARC easy and challenge, HellaSwag, PIQA, BoolQ, OpenBookQA, SciQ, WinoGrande. Plain accuracy, no examples shown.
"""

# %% tags=["experiment"]
from ovbook.runs import (
    SCALES,
    Checkpoint,
    FineTune,
    Harness,
    Parameters,
    Perturb,
    WinRate,
    released,
    suite,
)

ALONG = ["0.5T", "1T", "1.5T", "2T", "2.3T", "2.5T", "2.75T", "3T"]
PAPER = [f"allenai/OLMo-1B-hf@{at}" for at in ALONG]
PAPER += [f"allenai/OLMo-2-1124-7B@{at}" for at in ("1T", "2.3T", "3T")]
TEXT = "hub:allenai/c4:en:validation"
PUBLIC_RATES = (5e-7, 2e-6, 1e-5, 4e-5)
MINI_RATES = (2e-3, 4e-3, 8e-3)


def public_bases(p):
    """The released models asked for: commits, no two with the same weights."""
    names = p.released or (PAPER if p.scale == "paper" else ())
    found = released(
        names,
        revisions=p.revisions or (),
        corpus=p.corpus or TEXT,
        context=p.context,
    )
    return [Checkpoint(run=run) for run in found]


def scored(base, p):
    """Benchmarks by lm-evaluation-harness, if any are."""
    names = [name for name in p.benchmarks if not name.startswith("file:")]
    setting = {"files": p.files, "limit": p.limit}
    return [Harness(base=base, tasks=names, **setting)] if names else []


def public(p):
    """Shake, score and tune every released model; several rates and seeds."""
    specs = []
    ours = [name for name in p.benchmarks if name.startswith("file:")]
    for base in public_bases(p):
        shake = {"gammas": p.gammas, "draws": p.draws, "rows": p.rows}
        specs += [Perturb(base=base, **shake), *scored(base, p)]
        specs += [
            FineTune(base=base, task=task, rate=rate, seed=seed,
                     examples=p.examples, batch=8, precision=p.precision,
                     rows=p.questions, documents=p.rows, also=ours)
            for task in p.tasks
            for rate in p.rates or PUBLIC_RATES
            for seed in p.seed_numbers
        ]  # fmt: skip
    return specs


def scores_of_tuned(p, chosen):
    """The second stage: benchmarks of the models tuned at their best rate."""
    specs = [spec for run in chosen for spec in scored(Checkpoint(run=run), p)]
    if p.referee:
        specs += [
            WinRate(base=Checkpoint(run=tuned), other=tuned.base, task=tuned.task,
                    judge=p.referee, rows=p.questions)
            for tuned in chosen
        ]  # fmt: skip
    return specs


def mini(p):
    """Parameters of the miniature: the scale's, but never those of `paper`."""
    small = {**p, **SCALES["laptop"], "scale": "laptop", "corpus": None}
    return Parameters(small) if p.scale == "paper" else p


def worlds_of(p):
    """The miniature's worlds, also where a corpus was named for released models."""
    return p.worlds or SCALES[p.scale]["worlds"]


def miniature(p):
    """Checkpoints of one long run beside finished models, shaken and tuned.

    Declared before a long run of this kind was looked at (see the page):
    how damage grows from the middle of the run to its end, against models
    trained at a constant rate, and against models finished at each budget.
    """
    worlds = worlds_of(p)
    budgets = sorted(p.budgets)
    runs = {ending: suite(p, ending=ending, worlds=worlds)
            for ending in ("clipped cosine", "trunk", "annealed")}  # fmt: skip
    kept = [*runs["clipped cosine"], *runs["trunk"]]
    bases = [Checkpoint(run=run, tokens=t) for run in kept for t in budgets]
    bases += [Checkpoint(run=run) for run in runs["annealed"]]
    shake = {"noise": "init", "gammas": p.gammas, "draws": p.draws, "rows": p.rows}
    tune = {"task": "topic-known-labels", "examples": p.examples, "batch": 16,
            "rows": p.questions, "documents": p.rows}  # fmt: skip
    specs = [Perturb(base=base, **shake) for base in bases]
    for base in bases:
        if base.at in budgets[-2:]:
            long_run = base.run in runs["clipped cosine"]
            rates = MINI_RATES if long_run else MINI_RATES[:1]
            specs += [FineTune(base=base, rate=rate, **tune) for rate in rates]
    return specs


def experiment(p):
    """The miniature, and the released models if any were asked for."""
    return [*miniature(mini(p)), *public(p)]


# %%
from ovbook.runs import distinct_weights, execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))

# %% tags=["hide-input"]
import math
from pathlib import Path

import altair as alt
import numpy as np
import pandas as pd

from ovbook import hub
from ovbook.charts import BASE, TUNED, against_tokens, figure, forest, heading, say, tokens_label
from ovbook.claims import claim, judge, untested
from ovbook.evaluate import mean_loss
from ovbook.models import load_any
from ovbook.public_runs import FLOPS_PER_SECOND, PUBLIC_RUNS, hours
from ovbook.runs import Pretrain, Released, publish
from ovbook.runs.memory import TUNE_BYTES
from ovbook.stats import (
    before_after,
    cube,
    estimate,
    increase_over_base,
    reading,
    readings,
    summarise,
    tuned_on_others,
    unsaturated,
    written,
)
from ovbook.tasks import open_task
from ovbook.world import open_world

OLMO_1B, OLMO_7B = "allenai/OLMo-1B-hf", "allenai/OLMo-2-1124-7B"
bases = [spec for spec in results.specs if isinstance(spec, Perturb) and isinstance(spec.base.run, Released)]
any_public = bool(bases)
m = mini(p)
budgets = sorted(m.budgets)
half, last = budgets[-2:]
worlds_run = worlds_of(m)
ENDED = {"clipped cosine": "one long run", "trunk": "constant rate", "annealed": "finished at each"}


def of_miniature(spec, **equal):
    """Rows of the miniature's models, with how each one's training ended."""
    table = results.table(spec, **equal)
    table = table[table["ending"].isin(ENDED)]
    return table.assign(ended=table["ending"].map(ENDED))


# %% [markdown]
r"""
## The fall on record

Another group has tuned checkpoints of the same run. Sun and Dredze {cite}`sun2024amuro` instruction-tuned OLMo-1B on TULU from eight of them (none at 2.3T), for a question of
their own, and published every score. All were tuned at one rate, 2·10⁻⁶, for five epochs; whether on all of TULU is not clear to us. Neither paper makes the comparison, but the
numbers are there: {numref}`fig-olmo-tulu`.
"""

# %% tags=["hide-input", "remove-output"]
# results/analysis/official_eval_table.csv of the authors' repository: base and TULU-tuned, by step.
STEPS = [1000, 18000, 342000, 424000, 505000, 592000, 738000]
TULU = {
    "ARC-E": (".272/.295 .442/.514 .600/.591 .579/.602 .574/.607 .570/.581 .575/.579", 570),
    "ARC-C": (".231/.237 .264/.301 .378/.358 .388/.385 .371/.361 .358/.358 .358/.365", 299),
    "OBQA": (".266/.316 .384/.376 .422/.418 .442/.436 .464/.462 .426/.424 .436/.434", 500),
    "HellaSwag": (".253/.254 .420/.438 .599/.624 .608/.624 .610/.631 .622/.627 .628/.629", 10042),
    "BoolQ": (".537/.521 .620/.576 .512/.677 .482/.679 .579/.699 .586/.699 .617/.698", 3270),
    "SciQ": (".382/.485 .789/.873 .921/.937 .930/.944 .873/.941 .867/.940 .878/.937", 1000),
}
MAIN = ".565/.570 .338/.358 .434/.418 .628/.629 .617/.687 .930/.910"  # the branch main: step 739328
AT_END, BEFORE_END = 739328, 738000
WHAT = ("base", "tuned on TULU")
cells = [
    {"benchmark": name, "step": step, "what": what, "score": float(score), "items": items}
    for (name, (text, items)), end in zip(TULU.items(), MAIN.split(), strict=True)
    for step, pair in zip([*STEPS, AT_END], [*text.split(), end], strict=True)
    for what, score in zip(WHAT, pair.split("/"), strict=True)
]
tulu = pd.DataFrame(cells).assign(
    tokens=lambda t: t["step"] * PUBLIC_RUNS[OLMO_1B].step_tokens / 1e12,
    variance=lambda t: t["score"] * (1 - t["score"]) / t["items"],
)
means = (
    tulu.groupby(["what", "step", "tokens"])
    .agg(mean=("score", "mean"), variance=("variance", "sum"))
    .reset_index()
    .assign(error=lambda t: np.sqrt(t["variance"]) / len(TULU))
)
means = means.assign(low=means["mean"] - 1.96 * means["error"], high=means["mean"] + 1.96 * means["error"])
late = means[means["step"] > 18000].drop(columns="variance")
below = alt.Legend(orient="bottom", title=None)
colours = alt.Color("what:N", scale=alt.Scale(domain=WHAT, range=[BASE, TUNED]), legend=below)
dashes = alt.StrokeDash("what:N", scale=alt.Scale(domain=WHAT, range=[[6, 3], [1, 0]]), legend=below)
marks = alt.Shape("what:N", scale=alt.Scale(domain=WHAT, range=["circle", "square"]), legend=below)
place = alt.X(
    "tokens:Q", title="pre-training tokens of the checkpoint (trillions)", scale=alt.Scale(zero=False)
)
drawn = alt.Chart(late).encode(place, color=colours)
score_axis = alt.Y("mean:Q", title="mean accuracy over six benchmarks", scale=alt.Scale(zero=False))
chart = (
    drawn.mark_line().encode(y=score_axis, strokeDash=dashes)
    + drawn.mark_rule().encode(y=alt.Y("low:Q", title=""), y2="high:Q")
    + drawn.mark_point(filled=True, size=60, opacity=1).encode(
        y=score_axis,
        shape=marks,
        tooltip=["what", "tokens", "mean", "low", "high"],
    )
).properties(
    width=530,
    height=300,
    title=heading(
        "OLMo-1B before and after instruction tuning, by checkpoint",
        "n = 1 training run and 1 tuning seed; whiskers: 95% intervals from the finite number of questions alone",
    ),
    description="Mean accuracy over six benchmarks of OLMo-1B checkpoints from 1.4T tokens on, untuned and tuned on TULU, "
    "from the data of Sun and Dredze.",
)
figure("fig_olmo_tulu", chart, late)
tuned_at = means[means["what"] == "tuned on TULU"].set_index("step")
base_at = means[means["what"] == "base"].set_index("step")
peak_step = int(tuned_at["mean"].idxmax())
peak_tokens = float(tuned_at.loc[peak_step, "tokens"])
fell = tuned_at.loc[peak_step, "mean"] - tuned_at["mean"]
fell_error = math.hypot(tuned_at.loc[peak_step, "error"], tuned_at.loc[AT_END, "error"])
ends = [BEFORE_END, AT_END]

# %% [markdown]
r"""
```{glue:figure} fig_olmo_tulu
:name: fig-olmo-tulu

Our arithmetic on the authors' published scores (ARC easy and challenge, OpenBookQA, HellaSwag, BoolQ, SciQ); the earliest two checkpoints are left out.
The scores of ARC are multiples of 1/570 and 1/299, so its validation questions were asked.
```

The tuned mean is highest at {glue:text}`peak_said` trillion tokens and {glue:text}`fell_said` points lower in the last row. Where does it fall?
"""

# %% tags=["hide-input"]
by_task = tulu[tulu["step"].isin([peak_step, *ends])].pivot(
    index=["what", "benchmark"], columns="step", values="score"
)
by_task["peak to end"] = 100 * (by_task[ends].mean(axis=1) - by_task[peak_step])
by_task.rename(columns={peak_step: f"{peak_tokens:.2f}T", **{e: f"step {e:,}" for e in ends}}).round(3)

# %% [markdown]
r"""
It has the sign of the reported effect, and little else. {glue:text}`place_of_fall`

The size is uncertain, too. The last two rows are almost the same model, {glue:text}`between_ends` tokens apart, and differ by {glue:text}`neighbours_said` points after tuning; untuned they differ by {glue:text}`sciq_said`
points on SciQ alone, more than the number of questions allows, so they may not have been scored alike. Measured from the peak to the row before the last, the fall is {glue:text}`fell_before_said` points, to the mean of both
{glue:text}`fell_to_both_said`; its standard error, from the number of questions, is {glue:text}`fell_error_said`. And the peak was chosen by looking: of {glue:text}`late_said` equal models with such errors, the best would
stand that far above the last in {glue:text}`chance_said` of a hundred tables. {glue:text}`base_said` A good reason to measure, and not yet a measurement.
"""
# %% [markdown]
r"""
## At which learning rate?

{doc}`Chapter 5 <05-tokens-or-decay>` ends on a suspicion: checkpoints of one run differ in tokens *and* in the learning rate they were saved at. The released configurations
{cite}`groeneveld2024olmo` say which. {numref}`fig-olmo-rates` draws them.
"""

# %% tags=["hide-input", "remove-output"]
SHOWN = {OLMO_1B: "OLMo-1B", OLMO_7B: "OLMo-2-7B"}


def share(repo, trillions):
    """Rate in force as a percentage of the peak."""
    run = PUBLIC_RUNS[repo]
    return 100 * run.rate_at(trillions * 1e12) / run.schedule.peak


curve = pd.DataFrame(
    [
        {
            "run": name,
            "tokens": at / 1e12,
            "rate": PUBLIC_RUNS[repo].rate_at(at),
            "of peak": PUBLIC_RUNS[repo].rate_at(at) / PUBLIC_RUNS[repo].schedule.peak,
        }
        for repo, name in SHOWN.items()
        for at in np.linspace(0.02e12, PUBLIC_RUNS[repo].tokens, 120)
    ]
)
MARKS = pd.DataFrame(
    [
        {"tokens": 1.5, "what": "3T after tuning equals this"},
        {"tokens": 2.3, "what": "compared with 3T"},
        {"tokens": 2.5, "what": "reported onset"},
        {"tokens": 3.0, "what": "3T"},
    ]
)
MARKS["of peak"] = [share(OLMO_1B, t) / 100 for t in MARKS["tokens"]]
lines = (
    alt.Chart(curve)
    .mark_line(strokeWidth=2.5)
    .encode(
        alt.X("tokens:Q", title="pre-training tokens (trillions)"),
        alt.Y(
            "of peak:Q",
            title="learning rate in force, as a share of the peak",
            scale=alt.Scale(domain=[0, 1]),
        ),
        color=alt.Color("run:N", legend=below, scale=alt.Scale(range=[TUNED, BASE])),
        strokeDash=alt.StrokeDash("run:N", legend=below),
    )
)
dots = (
    alt.Chart(MARKS)
    .mark_point(filled=True, size=90, opacity=1, color=TUNED)
    .encode(x="tokens:Q", y="of peak:Q")
)
words = (
    alt.Chart(MARKS)
    .mark_text(align="right", dx=-9, dy=7, fontSize=12)
    .encode(x="tokens:Q", y="of peak:Q", text="what")
)
figure(
    "fig_olmo_rates",
    (lines + dots + words).properties(
        width=530,
        height=300,
        title=heading(
            f"At the reported onset, OLMo-1B's learning rate is down to {share(OLMO_1B, 2.5):.0f}% of its peak",
            "n = 1 published configuration each; computed from it, so no interval; the logs may differ",
        ),
        description="Learning rate in force as a share of its peak against tokens for OLMo-1B and OLMo-2-7B, with the "
        "places that the paper names marked on the first.",
    ),
    curve,
)

# %% [markdown]
r"""
```{glue:figure} fig_olmo_rates
:name: fig-olmo-rates

Both fall along a cosine towards a tenth of the peak; OLMo-2's was planned for 5T tokens and released up to 3.9T. Marked on OLMo-1B's line are the places that the paper
names.
```

The rate in force at each checkpoint, computed:
"""

# %% tags=["hide-input"]
at_tokens = [0.5, 1.0, 1.5, 2.0, 2.3, 2.5, 2.75, 3.0]
in_force = pd.DataFrame(
    {name: [f"{PUBLIC_RUNS[repo].rate_at(t * 1e12):.1e}" for t in at_tokens] for repo, name in SHOWN.items()},
    index=[f"{t:g}T" for t in at_tokens],
).T
in_force.rename_axis("learning rate at")

# %% [markdown]
r"""
At the reported onset, 2.5T, OLMo-1B's rate is at {glue:text}`onset_share` of its peak; at 3T at {glue:text}`end_share`. And OLMo-2-7B at 3T still stands at {glue:text}`seven_share`, a share that OLMo-1B had passed near
{glue:text}`seven_like`T (and the same rate near {glue:text}`seven_rate_like`T). So "the 7B models do not fall up to 3T" compares sizes *and* places in a schedule. All this is read from the configurations, not from logs.

## OLMo in miniature

What do checkpoints of *one long run* show that finished models do not? We can make such a run small: one cosine of Pythia's form (towards zero, held at a tenth of the peak over the last fifth; OLMo's reaches the tenth at its end), checkpoints kept, saved
under the same kind of names. Beside it stand two families of the same budgets, first weights and documents: models trained at a constant rate, and models each finished with a
cosine of its own (chapter 5's and chapter 2's). They go through the very functions that take OLMo by name.

**Declared before any such long run was looked at.** What had been seen: chapters 2, 3 and 5, that is the two other families, and no checkpoint of a long cosine. *Damage* is old
loss after a change minus before. Each contrast is one number a seed, worlds averaged inside it:

| contrast | what it is | smallest effect |
|---|---|---|
| schedule, noise | growth of damage (noise γ = 0.2) from the middle of the long run to its end, minus the same growth at a constant rate | 0.02 |
| schedule, tuning | the same for tuning on the topic of a passage at rate 0.002 | 0.05 |
| unfinished, noise | that growth along the long run, minus between models finished at each budget | 0.02 |
| unfinished, tuning | the same for tuning | 0.05 |
| tuned, end − middle | along the long run, each checkpoint tuned at the rate that is best for it on other seeds: old loss at the end minus at the middle | 0.05 |

All in nats per token. An interval wholly beyond the smallest effect, with each world's mean beyond it, is *an effect*; one wholly within is *none worth the name*;
anything else is *undecided*. The first four ask what the schedule does; the last resembles the paper's comparison but is wider: the middle is where OLMo stood at 1.55T, and the reported fall is from
2.3T, three quarters of the way (an exercise goes there). And it looks at old loss, not at benchmarks.

**After a referee's reading**, with the results in view, three things were added: {term}`Holm correction` over the five; the rule of other chapters that a best rate at the end of its range decides nothing; and the
{term}`saturation guard`, by which a model whose old loss is beyond halfway to an untrained one's is not read. {glue:text}`changed_said`
"""

# %% tags=["hide-input", "remove-output"]
AT = 0.2
ONE, CONSTANT, FINISHED = ENDED.values()
SMALLEST = {"noise": 0.02, "tuning": 0.05}
shaken = increase_over_base(of_miniature(Perturb), by=["tokens", "ended"])
tuned_rows = before_after(of_miniature(FineTune))
changed = {
    "noise": shaken[shaken["gamma"] == AT],
    "tuning": tuned_rows[tuned_rows["rate"] == MINI_RATES[0]],
}
changed = {name: table for name, table in changed.items() if len(table)}


def growth(table, ended):
    """Damage at the end minus in the middle, [worlds, seeds]."""
    part = table[(table["ended"] == ended) & table["tokens"].isin([half, last])]
    found = cube(part, "increase", x="tokens", within=["draw"] if "draw" in part else []).values
    return found[..., 1] - found[..., 0]


values = {}
for change, table in changed.items():
    along = growth(table, ONE)
    values[f"schedule, {change}"] = (along - growth(table, CONSTANT), SMALLEST[change])
    values[f"unfinished, {change}"] = (along - growth(table, FINISHED), SMALLEST[change])
best = tuned_on_others(tuned_rows[tuned_rows["ended"] == ONE], by=("task", "tokens"))
after = cube(best, "loss", x="tokens").values
values["tuned, end − middle"] = (after[..., 1] - after[..., 0], SMALLEST["tuning"])
got = {name: estimate(found) for name, (found, _) in values.items()}
read = readings(
    {name: found for name, (found, _) in values.items()},
    {name: smallest for name, (_, smallest) in values.items()},
)
LAST = "tuned, end − middle"
before_guards = read[LAST]
at_border = best["at_border"].any()
saturated = not unsaturated(after, *(cube(best, c, x="tokens").values for c in ("base", "untrained"))).all()
if at_border or saturated:
    read[LAST] = "undecided"
estimates = pd.DataFrame(
    [
        {"contrast": name, "n": i.n, "smallest effect": values[name][1], "in nats": written(i)}
        | {end: getattr(i, end) / values[name][1] for end in ("mean", "low", "high")}
        | {"worlds": " ".join(f"{w:.3f}" for w in values[name][0].mean(axis=1)), "reading": read[name]}
        for name, i in got.items()
        if i is not None
    ]
)
estimates.attrs = {"worlds": len(worlds_run)}
effects = estimates["reading"].str.startswith("an effect").sum()
if AT in p.gammas:
    shown_damage = changed["noise"]
else:
    shown_damage = shaken[shaken["gamma"] == max(p.gammas)]
size = int(shaken["parameters"].iloc[0])
figure(
    "fig_olmo_mini",
    against_tokens(
        summarise(shown_damage, "increase", by=["ended", "tokens"], within=["draw"]),
        y="damage by noise (nats per token)",
        series="ended",
        series_title="checkpoints of",
        parameters=size,
        zero=True,
        title="Damage along one long run, and between models of the same budgets",
        description="Damage by noise against pre-training tokens for checkpoints of one long cosine run, of a constant-rate "
        "run, and for models finished at each budget.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_olmo_mini
:name: fig-olmo-mini

All lines read the same documents. At the last budget *one long run* has nearly finished (its rate is a tenth of the peak); at the first its rate has hardly begun to fall. Bands are 95%
intervals over seeds, each the mean of its worlds.
```

By construction, one long run is early on the constant-rate model, and at its end it should be nearly the finished one. {glue:text}`gap_said` In between it has to go from the one line to the other, whatever
tokens do. {numref}`fig-olmo-contrasts` has the contrasts.
"""

# %% tags=["hide-input", "remove-output"]
figure(
    "fig_olmo_contrasts",
    forest(
        estimates,
        row="contrast",
        x="effect ÷ smallest that counts",
        band=(-1.0, 1.0),
        near=1.0,
        ticks=[-100, -30, -10, -3, -1, 0, 1, 3, 10, 30, 100],
        names=["smallest effect", "in nats", "worlds", "reading"],
        title=f"One long run against its twins: {effects or 'none'} of {len(estimates)} contrasts are effects",
        description="Five contrasts with 95% intervals, in units of the smallest effect declared for each, with a band for "
        "effects too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_olmo_contrasts
:name: fig-olmo-contrasts

Inside the grey band an effect is too small to matter; beyond it the axis is logarithmic. To the right: more growth along the long run than among its twins, or a worse model at the end.
```

{glue:text}`contrasts_said`

What tuning did to the long run, by rate:
"""

# %% tags=["hide-input"]
levels = tuned_rows[tuned_rows["ended"] == ONE].groupby(["tokens", "rate"])
levels = levels[["answer_loss", "score", "base", "loss", "untrained"]].mean()
levels.rename(
    index=lambda value: tokens_label(value) if value > 1 else f"{value:g}",
    columns={
        "answer_loss": "loss on held-out answers",
        "score": "right answers",
        "base": "old loss before",
        "loss": "old loss after",
        "untrained": "of an untrained model",
    },
).round(3)

# %% [markdown]
r"""
Means over {glue:text}`seeds_said`; right answers by chance would be {glue:text}`by_chance`. {glue:text}`border_said`

### The same functions, by name

Nothing in this experiment knows whose models they are. A `Checkpoint` of our own training and a `Released` one, a repository at a commit, go into the same noise, the same tuning, the
same scores. To show it, here is one of the long runs laid out as a hub's cache and loaded by name, through transformers:
"""

# %% tags=["hide-input"]
long_run = next(run for run in results.of(Pretrain) if run.ending == "clipped cosine")
places = publish(execute([long_run]), results.store.root / "hub")
repository, commits = next(iter(places.items()))
cache = results.store.root / "hub" / f"models--{repository.replace('/', '--')}" / "snapshots"
clean = shaken[(shaken["gamma"] == 0) & (shaken["ended"] == ONE) & (shaken["seed"] == long_run.seed)]
clean = clean[clean["corpus"] == long_run.corpus].set_index("tokens")["loss"]
probe = next(s for s in results.specs if isinstance(s, Perturb) and s.base.run == long_run)


def loss_by_name(commit):
    """Old loss of a published revision, loaded as any other repository's."""
    import torch

    from ovbook.corpus import open_corpus

    params, shape = load_any(Path(cache) / commit)
    rows = open_corpus(long_run.corpus).validation(probe.evaluation_seed, m.rows).astype(np.int64)
    return float(mean_loss(params, shape, torch.from_numpy(rows))[0])


revisions_here = [name for name in commits if name != "main"][-2:]
by_name = pd.DataFrame(
    {
        "commit": [commits[name][:10] for name in revisions_here],
        "loss by name": [loss_by_name(commits[name]) for name in revisions_here],
        "loss in the run": [clean[hub.parse_revision(name).tokens] for name in revisions_here],
    },
    index=pd.Index(revisions_here, name=repository),
)
by_name.round(4)

# %% [markdown]
r"""
## On the released models

{glue:text}`public_said` The command, from a machine with a GPU and a network:

```
ovbook run 08 -p scale=paper
ovbook run 08 -p scale=paper -p released=allenai/OLMo-1B-hf@2.3T,allenai/OLMo-1B-hf@3T
ovbook run 08 -p released=EleutherAI/pythia-410m@step64000,EleutherAI/pythia-410m@step143000 -p tasks=tulu-v2
```

Revisions are listed, "@3T" becomes the nearest one there is, each is resolved to its commit, and two names for the same weights are refused (public suites are known to have
them). What a run finished stays; the same command goes on from there. `-p corpus=` names the text for the old loss, by default C4's validation part. `pip install lm-eval accelerate` brings
the benchmarks. By count of operations, at {glue:text}`flops_said` operations a second (a guess for one modern card in bfloat16, `-p precision=bfloat16`; in float32, the default, reckon with three times as long) and every row full:
"""

# %% tags=["hide-input"]
paper = Parameters(SCALES["paper"])
PLANNED = {OLMO_1B: len(ALONG), OLMO_7B: 3}
BENCHMARK_TOKENS = 7.3e6  # about 73,000 answers to eight benchmarks, 100 tokens each


def cost(repo, checkpoints):
    """Hours on one card, and gigabytes, to tune and score a model's checkpoints as planned."""
    n = PUBLIC_RUNS[repo].parameters
    each = paper.seeds * len(PUBLIC_RATES)
    search = checkpoints * each * paper.examples * p.context
    shaking = checkpoints * len(p.gammas) * p.draws * paper.rows * p.context
    scoring = checkpoints * (1 + paper.seeds) * BENCHMARK_TOKENS
    return {
        "checkpoints": checkpoints,
        "fine-tunings": checkpoints * each,
        "hours of tuning": round(hours(n, trained=search)),
        "hours of noise": round(hours(n, scored=shaking), 1),
        "hours of scoring": round(hours(n, scored=scoring), 1),
        "memory to tune (GB)": round(TUNE_BYTES * n / 1e9),
        "disk for tuned models (GB)": round(checkpoints * each * 4 * n / 1e9),
    }


costs = pd.DataFrame({SHOWN[repo]: cost(repo, count) for repo, count in PLANNED.items()}).T
total_hours = costs.filter(like="hours").to_numpy().sum()
costs

# %% [markdown]
r"""
{glue:text}`memory_said`

{glue:text}`found_said`
"""

# %% tags=["hide-input"]
chosen, by_benchmark, won = pd.DataFrame(), pd.DataFrame(), pd.DataFrame()
RUN = ["repo", "corpus", "commit", "checkpoint", "tokens"]


def harness_scores(of_tuned):
    """Benchmarks of the chosen tunings, each beside its untuned base."""
    found = of_tuned.table(Harness, metric="acc").rename(columns={"value": "score"})
    place = [*RUN, "benchmark"]
    if "rate" not in found:
        return pd.DataFrame()
    untuned = found[found["rate"].isna()][[*place, "score"]].rename(columns={"score": "base"})
    return found[found["rate"].notna()].rename(columns={"task": "tuned on"}).merge(untuned, on=place)


if any_public:
    distinct_weights(results.table(Released))
    tries = before_after(results.table(FineTune, ending="released"))
    chosen = tuned_on_others(tries[tries["scored"] == tries["task"]], by=("repo", "task", "tokens"))
    KEY = ["commit", "tuned on", "rate", "seed"]
    kept = chosen.rename(columns={"task": "tuned on"})[[*KEY, "at_border"]]
    keep = set(kept[KEY].itertuples(index=False, name=None))
    best_runs = [
        run
        for run in results.specs
        if isinstance(run, FineTune)
        and isinstance(run.base.run, Released)
        and (run.base.run.resolved, run.task, run.rate, run.seed) in keep
    ]
    ours = tries[tries["scored"] != tries["task"]]
    ours = ours.rename(columns={"task": "tuned on", "scored": "benchmark"}).drop(columns="base")
    parts = [ours.rename(columns={"score_before": "base"}).merge(kept[KEY], on=KEY)]
    second = scores_of_tuned(p, best_runs)
    if second:
        done = execute([*second, *(run for run in results.specs if isinstance(run, Harness))])
        parts.append(harness_scores(done))
        won = done.table(WinRate) if p.referee else won
    columns = [*RUN, "seed", "rate", "tuned on", "benchmark", "score", "base"]
    by_benchmark = pd.concat([part[columns] for part in parts if len(part)], ignore_index=True)
    by_benchmark = by_benchmark.merge(kept, on=KEY).rename(columns={"benchmark": "task"})


def public_table():
    """Every released model that was run: rate chosen, loss on answers, old loss, benchmarks."""
    if not any_public:
        return pd.DataFrame()
    keys = ["repo", "checkpoint", "tokens"]
    of_tuning = chosen.groupby([*keys, "task"])[["rate", "answer_loss", "loss", "base", "diverged"]].mean()
    accuracy = by_benchmark.groupby(keys)[["base", "score"]].mean()
    accuracy = accuracy.rename(columns={"base": "accuracy before", "score": "accuracy after"})
    table = of_tuning.reset_index("task").join(accuracy)
    if len(won):
        table = table.join(won.groupby(keys)["preferred"].mean().rename("win rate over its base"))
    return table.reset_index()


public_table() if any_public else None

# %% tags=["hide-input"]


def shaken_public():
    """Damage by noise of every released model that was run, and how the noise was scaled."""
    if not any_public:
        return pd.DataFrame()
    table = results.table(Perturb)
    table = increase_over_base(table[table["ending"] == "released"], by=["repo", "checkpoint", "tokens"])
    mean = table.pivot_table(
        index=["repo", "checkpoint", "tokens", "scale"], columns="gamma", values="increase"
    )
    return mean.round(3).reset_index()


shaken_public() if any_public else None

# %% [markdown]
r"""
## The verdicts

By the rules written into the book's claims before anything was run.
"""

# %% tags=["hide-input"]
COMMAND = "ovbook run 08 -p scale=paper"


def verdict_on(name, repo):
    """The claim's verdict where its model was run on Anthropic-HH, else that it was not."""
    rows = by_benchmark
    if len(rows):
        rows = rows[(rows["repo"] == repo) & (rows["tuned on"] == "hh-rlhf")]
    if rows.empty or p.scale == "smoke":
        why = f"{repo} does not run at scale {p.scale}; the command that tests it: {COMMAND} -p released="
        arms = ",".join(f"{repo}@{at}" for at in reversed(claim("A9").arms))
        return untested(name, scale=p.scale, reason=why + arms)
    return judge(name, rows, scale=p.scale, seeds_expected=p.seeds)


a9 = verdict_on("A9", OLMO_1B)
a9

# %% tags=["hide-input"]
a10 = verdict_on("A10", OLMO_7B)
a10

# %% [markdown]
r"""
## What else could explain it

**"The fall is the schedule."** That is what the miniature is for. {glue:text}`schedule_said`

**"The fall is noise."** One pre-training run exists. Seeds of tuning tell how much the tuning varies, and nothing about another OLMo. With benchmarks of a few hundred questions, two points
are within {glue:text}`errors_said` standard errors in the data on record; paired questions and five tuning seeds will do better.

**"The rate was not tuned well enough."** A rate that is best for answers need not be kind to the rest ({doc}`chapter 3 <03-harder-to-fine-tune>`). Where a best rate lies at the end of its range, the rules decide
nothing.

**"A checkpoint is not what its name says."** Hence the commits and the hashes.

What this design *cannot* exclude, on the released runs, is the schedule itself: there is no OLMo-1B that was finished at 2.3T. Later work that trains without decay, or with other endings, is
in {doc}`chapter 5 <05-tokens-or-decay>`.

## What it means

{glue:text}`meaning_said` If you choose among checkpoints of one run, as most who tune public models do, write down the learning rate each was saved at, which costs one line and is rarely done; and if the reported
evidence is enough for you, choose by tuning them and not by their base scores. Nothing on this page has tested that choice.

It stops being shown where we stop: {glue:text}`parameters_said` parameters, one task of tuning, {glue:text}`budgets_said` tokens; and, for OLMo-1B, other people's numbers from one run.

## Exercises

```{exercise}
:label: ex-olmo-place
From the table of rates: at how many tokens would OLMo-2-7B's rate reach the share of its peak that OLMo-1B has at 2.5T? Was a checkpoint released there?
```

```{solution} ex-olmo-place
:class: dropdown
At {glue:text}`place_said`T by the published cosine, which was planned for 5T tokens. Stage 1 ended at 3.9T. So the claim "no fall at 7B" has hardly been put where the 1B model fell.
```

```{exercise}
:label: ex-olmo-pair
The fall on record is {glue:text}`fell_said` points with a standard error of {glue:text}`fell_error_said`, from independent samples of questions. Both models were asked the *same* questions. Does the true error go up or down,
and what would you need to compute it?
```

```{solution} ex-olmo-pair
:class: dropdown
Down: questions that are easy for one are mostly easy for the other, and cancel in the difference. One needs each model's answers question by question (the harness can log them), and then
the spread of the differences. What stays is the spread between tuning seeds, which only more seeds can show.
```

```{exercise}
:label: ex-olmo-middle
Predict, then run: with `-p budgets=1000000,2000000,3000000,4000000 -p seeds=2 -p worlds=1` the middle of the long run becomes its three-quarter mark. Which of the five contrasts should shrink the most?
```

```{solution} ex-olmo-middle
:class: dropdown
*Unfinished*: from three quarters to the end the long run's rate falls from a seventh of its peak to a tenth (0.5·(1 + cos 0.75π) = 0.15), so little of the climb is left; and a step of 0.4 of a
doubling in tokens is small for everything. OLMo's step from 2.3T to 3T is as long in tokens, but its rate falls further, from {glue:text}`compared_share` to {glue:text}`end_share`. Two seeds show a direction and decide nothing.
```
"""

# %% tags=["remove-cell"]


def headline():
    """The short answer, by what was run."""
    if a9.verdict in ("reproduced", "not reproduced", "inconclusive"):
        return f"On OLMo-1B, the reported fall is {a9.verdict} ({a9.finding}, {a9.sample})."
    return "We have not run OLMo-1B: at the scale of this copy its weights do not run."


def answer():
    """What the page shows all the same."""
    text = (
        f"In another group's published scores, the tuned mean of OLMo-1B is highest at {peak_tokens:.1f}T tokens, and {100 * fell[BEFORE_END]:.1f} or {100 * fell[AT_END]:.1f} points lower at the end, by which of two nearly identical last checkpoints one takes "
        f"(standard error {100 * fell_error:.1f}, one tuning each). Of {len(late_errors)} equal checkpoints one would see the larger by chance in {100 * chance:.0f} of a hundred such tables. "
        f"By 2.5T its learning rate was down to {share(OLMO_1B, 2.5):.0f}% of its peak. "
    )
    name = "schedule, noise"
    if got.get(name):
        text += f"In a miniature of such a run, the damage that noise does grows by {growing(ONE)} nats per token from the middle of one long cosine to its end, and by {growing(CONSTANT)} over the same tokens at a constant rate: difference {written(got[name])}, n = {got[name].n} seeds, each the mean of {len(worlds_run)} worlds ({read[name]})."
    return text


def reached(repo, percent):
    """Trillions of tokens at which a schedule has come down to a share of its peak; it falls all along."""
    run = PUBLIC_RUNS[repo]
    grid = np.linspace(0.05, run.horizon / 1e12, 4000)
    shares = np.array([share(repo, t) for t in grid])
    return float(grid[np.argmin(np.abs(shares - percent))])


def rate_reached(repo, rate):
    """Trillions of tokens at which a schedule has come down to a rate."""
    return reached(repo, 100 * rate / PUBLIC_RUNS[repo].schedule.peak)


def changed_sentence():
    """What the rules added afterwards changed."""
    alone = {name: reading(found, smallest) for name, (found, smallest) in values.items()}
    moved = [f"“{name}”, from {alone[name]} to {word}" for name, word in read.items() if alone[name] != word]
    wide = [(i.high - i.low) / 2 for name, i in got.items() if "tuning" in name and i and i.n > 1]
    text = f"They changed {'; '.join(moved)}." if moved else "They changed no reading."
    if wide:
        text += f" The two contrasts of tuning have intervals of ± {min(wide):.1f} to {max(wide):.1f} nats, so nothing near their smallest effect could have been seen with {m.seeds} seeds."
    return text


def contrasts_sentence():
    """The readings, in words."""
    said = [f"“{name}”, {written(got[name])} nats ({read[name]})" for name in values if got[name]]
    return "By the declared rule: " + "; ".join(said) + "."


def border_sentence():
    """Why the last contrast is not read, if it is not."""
    lost = [
        f"{part['at_border'].sum()} of {len(part)} at {tokens_label(t)}" for t, part in best.groupby("tokens")
    ]
    levels_of = best.groupby("tokens")[["loss", "untrained"]].mean()
    text = ""
    if at_border:
        text = f"The best rate for the answers, chosen on other seeds, lies at the end of the range tried in {' and in '.join(lost)}. "
    if saturated:
        said = " and ".join(f"{row['loss']:.1f} at {tokens_label(t)}" for t, row in levels_of.iterrows())
        text += f"At the chosen rates the old loss after tuning is {said}, and an untrained model has {levels_of['untrained'].iloc[0]:.1f}: the old text is nearly lost on both sides, and a difference between such losses says little. "
    if at_border or saturated:
        text += f"So “{LAST}” is undecided"
        same = [
            f"{written(estimate(found[..., 1] - found[..., 0]), 2)} at {rate:g}"
            for rate, part in tuned_rows[tuned_rows["ended"] == ONE].groupby("rate")
            for found in [cube(part, "loss", x="tokens").values]
        ]
        text += f" (by its interval alone it read: {before_guards}). At one and the same rate, end minus middle is {'; '.join(same)}."
    return text


def public_sentence():
    """Which released models were run here."""
    if not any_public:
        return "No released model was run for this page: what follows is the plan."
    names = [f"{s.base.run.repo} at {s.base.run.revision}" for s in bases]
    return f"Run for this page: {', '.join(names)}."


def found_sentence():
    """What the tables below show, or that they are empty."""
    if not any_public:
        return "With released models in hand, tables of their scores and of their damage by noise stand here."
    lost = int(chosen["diverged"].sum())
    return f"What was found, means over tuning seeds{f'; {lost} tunings diverged and are kept as such' if lost else ''}:"


def schedule_sentence():
    """What the miniature says about the schedule."""
    parts = []
    for change in changed:
        name = f"schedule, {change}"
        parts.append(f"for {change}, {read[name]} ({written(got[name])} nats)")
    return (
        "The growth along one long run, beyond that of models which read the same tokens at a constant rate, is "
        + "; ".join(parts)
        + ". Tokens, documents and first weights are the same on both sides, so what is an effect there belongs to the rate. By what route is not shown: with weight decay a falling rate also changes the "
        "size of the weights, and the noise has a fixed size."
    )


def meaning_sentence():
    """What follows, by the readings."""
    by = read.get("schedule, noise")
    if by == "an effect":
        text = "Along one long run, growing fragile is in part the schedule running out: in the miniature the same tokens at a constant rate do less."
    elif by == "none worth the name":
        text = "In the miniature the falling rate of one long run adds nothing worth the name to what its tokens do."
    else:
        text = "The miniature does not decide how much of a long run's growing fragility is its schedule."
    tuned = read[LAST]
    if tuned == "an effect":
        return text + " And its end, tuned at its best rate, is worse on the old text than its middle."
    if tuned == "an effect the other way":
        return (
            text + " Tuned at its best rate, its end is nevertheless better on the old text than its middle."
        )
    return (
        text
        + " Whether its end is worse to tune than its middle, at the best rate for each, is not decided here."
    )


def growing(ended):
    """Growth of the damage by noise from the middle to the end, as a number."""
    found = estimate(growth(changed["noise"], ended))
    return f"{found.mean:.3f}".replace("-", "−")


def gap_sentence():
    """How far the end of the long run is from the finished model."""
    if "noise" not in changed:
        return ""
    of = {}
    for ended in (ONE, FINISHED):
        part = changed["noise"][changed["noise"]["ended"] == ended]
        of[ended] = cube(
            part[part["tokens"].isin([half, last])], "increase", x="tokens", within=["draw"]
        ).values
    apart = of[ONE] - of[FINISHED]
    end, middle = estimate(apart[..., 1]), estimate(apart[..., 0])
    if end.n < 2:
        return ""
    word = "It is not quite" if end.low > 0 or end.high < 0 else "It is, within the interval"
    return f"{word}: there its damage minus the finished one's is {written(end)}, and in the middle {written(middle)}. Their difference is “unfinished, noise”: part of it is a run caught unfinished, part a difference between two endings, at a tenth of the peak or at zero."


def place_sentence():
    """Where along the run, and on which benchmarks, the tuned mean falls."""
    later = tuned_at.index[(tuned_at.index > peak_step) & ~tuned_at.index.isin(ends)]
    if not len(later):
        return "No checkpoint was tuned between the peak and the end."
    after = later[0]
    first_part = 100 * (tuned_at.loc[after, "mean"] - tuned_at.loc[peak_step, "mean"])
    second = 100 * (tuned_at.loc[ends, "mean"].mean() - tuned_at.loc[after, "mean"])
    of_tuned = by_task.loc[WHAT[1], "peak to end"].sort_values()
    three, rest = of_tuned.iloc[:3], of_tuned.iloc[3:]
    text = (
        f"From {peak_tokens:.2f}T to {tuned_at.loc[after, 'tokens']:.2f}T, before the reported onset at 2.5T, the mean changes by {first_part:+.1f} points; from there to the mean of the last two rows by {second:+.1f}. "
        f"And three sets carry it: {', '.join(f'{name} {change:+.1f}' for name, change in three.items())}; on the others it is {', '.join(f'{name} {change:+.1f}' for name, change in rest.items())}."
    )
    return text.replace("-", "−").replace("ARC−", "ARC-")


def base_sentence():
    """What the untuned models do from the tuned peak to the end."""
    rose = 100 * (base_at.loc[AT_END, "mean"] - base_at.loc[peak_step, "mean"])
    error = 196 * math.hypot(base_at.loc[AT_END, "error"], base_at.loc[peak_step, "error"])
    lost = [name for name, change in by_task.loc[WHAT[0], "peak to end"].items() if change < 0]
    text = f'The base, untuned, changes by {rose:+.1f} ± {error:.1f} points over the same stretch, and falls on {len(lost)} of {len(TULU)} benchmarks: "better all the way" is not to be seen here.'
    return text.replace("-", "−") if abs(rose) < error else text.split(":")[0].replace("-", "−") + "."


late_errors = tuned_at.loc[tuned_at.index > 18000, "error"].to_numpy()
by_luck = np.random.default_rng(0).normal(size=(100_000, len(late_errors))) * late_errors
chance = float((by_luck.max(axis=1) - by_luck[:, -1] >= fell[AT_END]).mean())
choices = open_task("topic-known-labels", world=open_world(worlds_run[0])).choices
sciq = by_task.loc[(WHAT[0], "SciQ"), ends]
onset = share(OLMO_1B, 2.5)
say(
    headline=headline(),
    short_answer=answer(),
    parameters_said=f"{size:,}",
    budgets_said=f"{tokens_label(budgets[0])}–{tokens_label(last)}",
    rates_said=", ".join(f"{r:g}" for r in p.rates or PUBLIC_RATES),
    mini_rates_said=", ".join(f"{r:g}" for r in MINI_RATES),
    seeds_said=f"{m.seeds} seed{'s' if m.seeds > 1 else ''}"
    + (f" in each of {len(worlds_run)} worlds" if len(worlds_run) > 1 else ""),
    peak_said=f"{peak_tokens:.2f}",
    fell_said=f"{100 * fell[AT_END]:.1f}",
    fell_before_said=f"{100 * fell[BEFORE_END]:.1f}",
    fell_error_said=f"{100 * fell_error:.1f}",
    neighbours_said=f"{100 * abs(fell[AT_END] - fell[BEFORE_END]):.1f}",
    fell_to_both_said=f"{100 * fell[ends].mean():.1f}",
    between_ends=f"{(AT_END - BEFORE_END) * PUBLIC_RUNS[OLMO_1B].step_tokens / 1e9:.0f} billion",
    sciq_said=f"{100 * abs(sciq.diff().iloc[-1]):.1f}",
    chance_said=f"{100 * chance:.0f}",
    late_said=len(late_errors),
    place_of_fall=place_sentence(),
    base_said=base_sentence(),
    errors_said=f"{fell[AT_END] / fell_error:.1f}",
    changed_said=changed_sentence(),
    gap_said=gap_sentence(),
    by_chance=f"1 in {len(choices)}",
    compared_share=f"{share(OLMO_1B, 2.3):.0f}%",
    seven_rate_like=f"{rate_reached(OLMO_1B, PUBLIC_RUNS[OLMO_7B].rate_at(3e12)):.1f}",
    onset_share=f"{onset:.0f}%",
    end_share=f"{share(OLMO_1B, 3.0):.0f}%",
    seven_share=f"{share(OLMO_7B, 3.0):.0f}%",
    seven_like=f"{reached(OLMO_1B, share(OLMO_7B, 3.0)):.1f}",
    place_said=f"{reached(OLMO_7B, onset):.1f}",
    flops_said=f"{FLOPS_PER_SECOND:.1e}".replace("e+", " · 10^"),
    memory_said=f"Tuning holds in float32 the base, the weights, two moments, and the gradients twice while they are gathered: {TUNE_BYTES} bytes a weight, {costs.loc['OLMo-2-7B', 'memory to tune (GB)']:.0f} GB for the 7B model, more than "
    f"the 80 to 141 GB of the usual cards; the book says so before it loads anything. In all, tuning, noise and scores come to {total_hours:,.0f} hours. OLMo-1B takes {costs.loc['OLMo-1B', 'memory to tune (GB)']:.0f} GB. The disk can be had back by deleting tuned models from the store.",
    public_said=public_sentence(),
    found_said=found_sentence(),
    contrasts_said=contrasts_sentence(),
    border_said=border_sentence(),
    schedule_said=schedule_sentence(),
    meaning_said=meaning_sentence(),
)
