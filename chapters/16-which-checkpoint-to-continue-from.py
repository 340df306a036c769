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
the opposite: the last checkpoint is the best start. Both cannot be the whole story, so both are measured here, on the very same models.

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
length: int = None  # tokens of pre-training, and of the schedule that continues it (default: the scale's)
batch: int = None  # rows of 128 tokens in a step of the suite; here half as many (default: the scale's)
rate: float = None  # peak learning rate, of pre-training and of continuing (default: the scale's)
form: str = "clipped cosine"  # how the rate falls: "clipped cosine", as in the paper, or "cosine"
state: str = "reset"  # of the optimiser when a checkpoint goes on: "reset" or "kept"
tasks: list = ["topic-known-labels"]  # fine-tuned on, for comparison
rates: list = [0.001, 0.002, 0.004]  # peak learning rates of fine-tuning
examples: int = None  # examples that fine-tuning sees once each, 16 a step (default: the scale's)
questions: int = None  # test items on which the task is scored (default: the scale's)
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
| continued for | 50B tokens: a sixth of the schedule of 297B | a sixth of the schedule, {glue:text}`sixth_said` tokens; last and middle go on to {glue:text}`shown_said` | Gupta et al. |
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
anything in this chapter was run. What had been seen: chapter 3, where annealed models of the same seeds and worlds were tuned
on the same task. There tuning at rate 0.002 left an old loss of 3.24 after 250k tokens of pre-training and 2.79 after 1M; at 0.004 it left
4.65 and 5.14. So the signs of the contrasts of fine-tuning could be guessed, if checkpoints of one long run behave like them. No
earlier checkpoint had been continued.

Every contrast is *last minus middle*: a loss after starting from the last checkpoint, minus the same after starting from the middle one,
which has read {glue:text}`middle_share` as much. Above zero the last checkpoint is the worse start. *Damage* is the old loss after the change minus the old loss
before. Smallest effects are close to those of the claims A4 and C11, which are per doubling, times the {glue:text}`doublings_said` doublings between the two checkpoints.

| change | judged on | smallest effect, nats |
|---|---|---|
| fine-tuning at rate 0.002 | damage; old loss; loss on the task's answers | 0.1 each |
| fine-tuning at rate 0.004 | old loss | 0.1 |
| continuing to the end | damage; old loss; new loss | 0.02 each |

An interval wholly beyond the smallest effect, with the mean of each world beyond it and after Holm's correction over the seven, is *an effect* (the
last checkpoint is worse) or *an effect the other way* (it is better); one wholly between minus and plus the smallest effect is *none worth the name*;
anything else is *undecided*. Damage counts only below the {term}`saturation guard`. The two findings are in **tension** if one of the seven is an effect while
the new loss of continuing is an effect the other way; where the sign changes is then read off the seven. Everything finer (other rates, other lengths) is description.

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
    upstream,
)


def starts(p, end):
    """Three checkpoints of one long run: early, middle, and its end."""
    places = [round(share * length_of(p)) for share in EARLIER]
    return [*(Checkpoint(run=end.run, tokens=t) for t in places), end]


def experiment(p):
    """Continue each checkpoint, and fine-tune it; all else is equal.

    Declared before anything was run, each the last checkpoint minus the
    middle one: tuned at 0.002, damage, old loss and the task's loss, and at
    0.004 the old loss (smallest effect 0.1 nats); continued to the end,
    damage, old loss and new loss (0.02 nats); Holm over the seven.
    """
    specs = []
    for end in upstream(p):
        early, middle, last = starts(p, end)
        short = {"share": SIXTH, "looks": 1}  # the paper's 50B of 297B
        specs += [
            onward(p, last, state=p.state),
            onward(p, middle, state=p.state),
            onward(p, early, state=p.state, **short),
            onward(p, last, start="scratch"),
        ]
        if p.corpus is not None:  # tasks are asked in words of a world
            continue
        if end.root.corpus == p.corpora[0] and p.downstream is None:
            # The strong shift: another language, in the first world.
            abroad = {"mix": "abroad", **short}
            for base in (early, middle, last):
                specs.append(onward(p, base, state=p.state, **abroad))
            specs.append(onward(p, last, start="scratch", **abroad))
        for base, task, r in product(starts(p, end), p.tasks, p.rates):
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
