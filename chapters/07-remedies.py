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
| pull | decay towards the old weights instead of zero | linear networks, in theory | {glue:text}`pulls_said`, in units of the rate | Springer et al., section 4, at second hand |
| smaller rate, fewer examples | do less of it | rates from 4e-6 upwards | {glue:text}`rates_said`; half of the examples | Springer et al., section 3.4, at second hand |
| {term}`replay` | old documents among the tuning rows | 1.87 times the data efficiency on the *new* task, 150M parameters; 8B of 50B tokens best in a 1B study | {glue:text}`replays_said` of the rows | Kotha and Liang {cite}`kotha2026replaying`, abstract; EvoLM, notes of others |
| head first | train the output layer, then all | images: linear probing, then fine-tuning | half the steps on the output matrix alone | Kumar et al. {cite}`kumar2022distort`, abstract |
| {term}`WiSE-FT` | average the weights of before and after | images, mostly half and half | {glue:text}`shares_said` of the tuned model | Wortsman et al. {cite}`wortsman2022wiseft`, abstract |
| {term}`LoRA` | train a small sum beside each matrix | rank 1 to 64, large models | rank 2, all matrices inside the blocks | Hu et al. {cite}`hu2021lora`, abstract |
| {term}`sharpness-aware <SAM>` pre-training | flat places from the start | 20M–150M parameters: up to 80% less forgetting | radius {glue:text}`sam_said`, {glue:text}`middle_said` tokens | Watts et al. {cite}`watts2026sharpness`, abstract |

Everything else is [chapter 3](03-harder-to-fine-tune)'s: the same base models ({glue:text}`parameters_said` parameters, {glue:text}`budgets_said` tokens), the same three tasks with ordinary words as
answers, {glue:text}`examples_said` examples seen once, {glue:text}`seeds_said`. Where a run is the same, it *is* the same: nothing is trained twice. Remedies are
tried at rate {glue:text}`at_said`, where chapter 3 found the tasks learnt best and the old skill in ruins, so there is something to cure. All compared values are means over the three tasks.

**Sharpness-aware minimisation** {cite}`foret2021sam` takes the gradient not where the model stands but a small step uphill from there: each training step first climbs a distance ρ along the
gradient, measures the gradient *there*, and goes back. So it prefers places whose neighbourhood is low, too. Every step costs two passes; a model trained so is
therefore compared with a plain one of the same tokens, and with a plain one of twice the tokens, which cost as much.

## What we will call an effect

This was written, and kept, before any run that it judges. Every remedy trades old skill against new. So does a smaller rate, for free. So for each remedy at one
declared strength: **its old loss after tuning, minus the old loss at which the plain rates {glue:text}`rates_said` reach the same loss on the task** (between two rates, on the straight line; tasks and
worlds averaged, one number a seed). Negative means that the remedy beats turning the rate down. The smallest effect is 0.05 nats per token.

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

*Better* or *worse* needs an interval wholly beyond the smallest effect, a p value below 5% after Holm's correction over the eight, and the mean curve of each world beyond it, too; *none
worth the name* an interval wholly within; anything else is *undecided*. A remedy that learns the task worse than the smallest rate lies *outside the curve* and is not
compared. One that learns it better than every rate is set against the rate that learns it best, which can only favour the rate.

Seen before, in pilots of another world and one other seed, at the longest budget: old loss 6.2 at rate 0.004 with nothing done, 1.6 with a pull of 10, 2.5, 1.7 and 1.5 with 0.5%, 5% and
25% replay, 2.8 with the head first, 5.0 with half the examples, 1.8 with LoRA, whose task loss of 1.54 was worse than any other; the rates 0.001 and 0.002 gave 1.7 and 2.5. At 500 thousand
tokens SAM with ρ = 0.05, 0.1 and 0.3 ended 0.09, 0.15 and 0.22 higher than plain training before tuning, and 0.6, 0.7 and 1.0 lower after it.
Averaged weights had not been looked at.
"""

# %% tags=["experiment"]
from dataclasses import replace

from ovbook.runs import Blend, Checkpoint, Evaluate, FineTune, Perturb, Sharpness, suite

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
            others = [tune(base, task, replay=part) for part in p.replays]
            others += [tune(base, task, parts=name) for name in ("head first", "lora:2")]
            specs += [*others, tune(base, task, examples=p.examples // 2)]
            specs.append(tune(base, task, rate=rates[0]))
            for tuned in (plain, *held, *others):
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
from ovbook.runs import plan

print(plan(experiment(p)))
