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
#       - what training in stages costs beside training on a mixture
#       - what more data buys at the same number of steps
#       - how to choose a subset of the data, and how a clever choice goes wrong
#       - whether one counterexample can undo ten examples
#     papers: [howard2023learning, xia2024less, pruthi2020tracin]
#     after: [11-what-one-example-does]
# ---

# %% [markdown]
r"""
# What to do about it

**Your training loss falls in stairs. What, if anything, should you change?** The last three chapters say where the stairs come from: a
model remembers what it has met. This one takes the remedies that people then discuss, and tries each at equal cost.

**{glue:text}`headline`.** {glue:text}`short_answer`

The questions are those of a practitioner who met the staircase while tuning a chat model: train in several stages or on one mixture? Get
more data (there, from 4,000 to 26,000 examples) or repeat what there is? Which part of it to keep, and what is *high-quality* data?
Can one counterexample overturn ten common examples? What that account cared about most, whether users stay, cannot be tested here:
nobody talks to these models.
"""

# %% tags=["parameters", "hide-input"]
scale: str = "laptop"  # how much to run: smoke (seconds), laptop (minutes), gpu, paper
seeds: int = None  # repetitions, each with its own base model, people and questions (default: the scale's)
worlds: list = None  # seeds of the tiny worlds (default: the scale's)
models: list = None  # the base model, such as olmo:32x2 (default: the part's larger base)
batch: int = None  # rows of 128 tokens in a step of pre-training (default: the scale's)
rate: float = None  # peak learning rate of pre-training (default: the scale's)
examples: int = 256  # examples in the pool out of which a quarter is chosen

# %% tags=["hide-input"]
from ovbook.runs import parameters

p = parameters(
    scale=scale,
    seeds=seeds,
    worlds=worlds,
    models=models,
    batch=batch,
    rate=rate,
    examples=examples,
)

# %% [markdown]
r"""
## What is advised, and what we do

| | the paper, or the account | this chapter at `laptop` | source |
|---|---|---|---|
| model | a chat model, not named; Llama-2-7B in the companion report | {glue:text}`parameters_said` parameters, {glue:text}`tokens_said` tokens of pre-training | the account; the report's beginning |
| stages or mixture | smooth after several stages, stairs when tuned directly | 64 people's facts, four times each, then 256 questions; or all of it shuffled | the account |
| more data | 4,000 to 26,000 examples, a factor of 6.5 | 40 questions 13 times, or 260 twice: 130 steps of four | the account |
| subsets | 5% of the data, chosen by gradient {cite}`xia2024less`; influence as an inner product of gradients {cite}`pruthi2020tracin` | a quarter of {glue:text}`pool_said` questions, four times each | abstracts |
| counterexample | "one overturns ten" | ten members of a family who share four facts, one who differs | the account |
| rate | not recovered | 0.001, constant, AdamW, loss on answers | ours |
| repetitions | one run each | {glue:text}`seeds_said` | ours |

The *questions* are chapter 3's: a short diary, and a number from one to eight for what it is about. Whatever is trained is scored on 256
others. A *family* shares its last name; after tuning we ask about members who were never mentioned.

A **pool** is scored before a quarter of it is chosen, by a model that has seen 64 other questions:

- **easiest**, **hardest**: smallest and largest loss of a *small* model ({glue:text}`small_said` parameters), the cheap way;
- **influence**: the largest inner product of an example's gradient with that of 32 validation questions;
- **gain**: the largest drop in those questions' loss by one step on the example alone. This is what *quality* can mean if it is to be measured;
- **unlike**: each as unlike those already taken as can be, by the direction of its gradient;
- **random**: the four quarters of the pool as they come, averaged.

Easiest, influence and gain are also taken *by label*, as many for each of the eight answers.

## What we will call an effect

Written, and committed, before any of the runs that it judges. What had been seen: world 0, seeds 0 to 2, by which sizes and rate were
set. There, stages lost 0.5 to 0.7 nats more of the facts than the mixture, and nothing clear on the questions; repeating 40 questions gave
a loss of 1.9 to 2.6 where 260 gave 1.2; every choice over all labels but *unlike* was worse than random by 0.3 nats and more, and
*easiest, by label* better by about 0.1; after ten common examples and one counterexample members of the family still had the common
facts, by 1.3 to 1.5 nats more than before, and the one had taken back 0.4.

| contrast | what it is | smallest effect |
|---|---|---|
| stages: questions | loss on unseen questions, stages minus mixture | 0.05 nats |
| stages: facts | loss on the facts taught in the first stage, stages minus mixture | 0.05 nats |
| stages: old text | loss on pre-training's text, stages minus mixture | 0.05 nats |
| repeating: loss | loss on unseen questions, few minus many | 0.05 nats |
| repeating: accuracy | share right, many minus few | 0.05 |
| easiest, hardest, influence, gain, unlike | loss on unseen questions, random minus chosen: five contrasts | 0.05 nats |
| easiest, influence, gain, by label | the same: three contrasts | 0.05 nats |
| ten against one | rise of the family's odds of the common fact, after ten common examples and then one counterexample | 0.25 nats |
| one against a tenth of ten | what the counterexample took off those odds, minus a tenth of what the ten put on | 0.1 nats |

*Odds* are the log of how much likelier the common fact is than the counterexample's. The conjecture holds if *ten against one* is an effect
the other way. An interval wholly beyond the smallest effect, in each world's mean too and after Holm's correction for all fifteen, is *an effect*;
one wholly between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. No claim of the registry asks
these questions, so there are no verdict boxes.
"""

# %% tags=["experiment"]
from dataclasses import replace

from ovbook.runs import Checkpoint, Chosen, Examples, Memorise, Overturn, Worth, pupils

TASK = "topic-known-labels"  # what is a diary about? A number from one to eight
LABELS = ["one", "two", "three", "four", "five", "six", "seven", "eight"]
BY = {  # score, whether the largest is wanted
    "easiest": ("loss", False),
    "hardest": ("loss", True),
    "influence": ("influence", True),
    "gain": ("gain", True),
    "unlike": ("place", False),
}
BY_LABEL = ("easiest", "influence", "gain")
ORDERS = {  # a letter a step: common example, counterexample, neither
    "ten common": "c" * 10 + "." * 11,
    "then one counter": "c" * 10 + "x" + "." * 10,
    "one counter first": "x" + "c" * 10 + "." * 10,
    "then ten counter": "c" * 10 + "x" * 10 + ".",
}


def arms(p):
    """Every arm by name: a run for each base model."""
    found = {}
    # Scored at the end, on questions that no arm trains on.
    unseen = Examples(task=TASK, count=256, held_out=True)
    brief = {"rate": 1e-3, "batch": 4, "looks": (), "probes": 1, "held_out": 2}

    def tune(name, base, data, epochs, also=(), **how):
        how |= brief | {"data": data, "epochs": epochs, "also": (unseen, *also)}
        found.setdefault(name, []).append(Memorise(base=base, **how))

    def scored_by(judge, *scores):
        """The pool, scored by a model that has seen 64 other questions."""
        others = Examples(task=TASK, count=64, skip=p.examples)
        warm = Memorise(base=judge, data=others, epochs=4, documents=1, **brief)
        return Worth(base=Checkpoint(run=warm), data=pool, scores=scores)

    pool = Examples(task=TASK, count=p.examples)
    take = p.examples // 4
    facts = Examples(count=64)
    both = (replace(facts, repeat=4), Examples(task=TASK, count=256))
    small = pupils(p, model=p.model, tokens=p.budgets[2])
    for base, little in zip(pupils(p), small, strict=True):
        # In stages or mixed; few again and again, or many.
        tune("stages", base, both, 1, also=(facts,), order="blocks")
        tune("mixture", base, both, 1, also=(facts,), order="same")
        tune("few", base, Examples(task=TASK, count=40), 13)
        tune("many", base, Examples(task=TASK, count=260), 2)
        # A quarter of the pool.
        worth = scored_by(base, "influence", "gain", "place")
        cheap = scored_by(little, "loss")
        for n in range(4):
            quarter = replace(pool, count=take, skip=n * take)
            tune(f"random {n + 1}", base, quarter, 4)
        for name, (score, largest) in BY.items():
            run = cheap if score == "loss" else worth
            best = Chosen(run=run, column=score, take=take, largest=largest)
            tune(name, base, replace(pool, chosen=best), 4)
            if name in BY_LABEL:
                best = replace(best, take=max(1, take // len(LABELS)))
                each = [replace(best, where=(("answer", a),)) for a in LABELS]
                parts = [replace(pool, chosen=chosen) for chosen in each]
                tune(f"{name}, by label", base, parts, 4)
        # Ten and one.
        for name, order in ORDERS.items():
            run = Overturn(base=base, order=order, marks=range(1, len(order)))
            found.setdefault(name, []).append(run)
    return found


def experiment(p):
    """Stages, more data, subsets and counterexamples, at equal steps.

    Judged by contrasts declared before they were run: see the table above.
    """
    return [run for runs in arms(p).values() for run in runs]


# %%
from ovbook.runs import execute, plan

print(plan(experiment(p)))

# %%
results = execute(experiment(p))
