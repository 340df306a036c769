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
model remembers what it has met. This one takes the remedies that people then discuss, and tries each at an equal number of training steps; choosing is not counted.

**{glue:text}`headline`.** {glue:text}`short_answer`

The questions are those of a practitioner who met the staircase while tuning a chat model (met at second hand; there is no page to cite): train in several stages or on one mixture? Get
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

- **easiest**, **hardest**: smallest and largest loss of a *small* model ({glue:text}`small_said` parameters, {glue:text}`small_tokens` tokens), the cheap way;
- **influence**: the largest inner product of an example's gradient with that of 32 validation questions;
- **gain**: the largest drop in those questions' loss by one step on the example alone. This is what *quality* can mean if it is to be measured;
- **unlike**: each as unlike those already taken as can be, by the direction of its gradient;
- **random**: the four quarters of the pool as they come, averaged.

Easiest, influence and gain are also taken *by label*, as many for each of the eight answers. *Random* does not get the 64 and 32 labelled questions that the scores use.

Whether stages make the *training loss* smooth, as the account says, is not tested: each of these arms meets its data once.

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

*Odds* are log odds, in {term}`nats <nat>`: the log of how much likelier the common fact is than the counterexample's. The conjecture holds if *ten against one* is an effect
the other way. An interval wholly beyond the smallest effect, in each world's mean too and after Holm's correction for all fifteen, is *an effect*;
one wholly between minus and plus the smallest effect is *none worth the name*; anything else is *undecided*. No claim of the registry asks
these questions, so there are no verdict boxes. A referee read the page with its results: no contrast was changed after that; numbers marked as not declared were added, and conclusions that no run carries were taken out.
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
    "ten common, one counter": "c" * 10 + "x" + "." * 10,
    "one counter, ten common": "x" + "c" * 10 + "." * 10,
    "ten common, ten counter": "c" * 10 + "x" * 10 + ".",
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

# %% tags=["hide-input"]
import numpy as np
import pandas as pd

from ovbook.charts import Slider, contrasts, figure, forest, paths, say, tokens_label
from ovbook.runs.plan import parameters_of
from ovbook.stats import (
    cube,
    declared,
    estimate,
    grouped,
    rank_correlations,
    reading,
    readings,
    summarise,
    written,
)

named = arms(p)
looks = results.arms({arm: runs for arm, runs in named.items() if arm not in ORDERS}, kind="look")
odds = results.arms({arm: named[arm] for arm in ORDERS})
QUESTIONS, FACTS, OLD = "also 1", "also 2", "old"  # what a tuned model is scored on
QUARTERS = [f"random {n + 1}" for n in range(4)]


def at_end(arm, where=QUESTIONS, value="loss"):
    """One number for each [world, seed]; the four random quarters are averaged."""
    if arm == "random":
        return np.mean([at_end(quarter, where, value) for quarter in QUARTERS], axis=0)
    rows = looks[(looks["arm"] == arm) & (looks["set"] == where)]
    return cube(rows, value).values[..., 0]


def numbers(arm, *columns):
    """Estimates in words, one for each (set, value)."""
    return [written(estimate(at_end(arm, *column)), 2) for column in columns]


def signed(value, digits=2):
    """A number with a real minus sign."""
    return f"{round(float(value), digits) + 0.0:.{digits}f}".replace("-", "−")


# %% [markdown]
r"""
## Stages or a mixture, more or again

Four ways to spend steps, two and two at equal cost. In the first pair only the order differs; in the second, how many different questions there are.
"""

# %% tags=["hide-input"]
COLUMNS = {
    "loss on unseen questions": (QUESTIONS, "loss"),
    "accuracy on them": (QUESTIONS, "accuracy"),
    "loss on old text": (OLD, "loss"),
}
first = pd.DataFrame(
    {arm: numbers(arm, *COLUMNS.values()) for arm in ("stages", "mixture", "few", "many")},
    index=list(COLUMNS),
).T
first["loss on the facts"] = [*(numbers(arm, (FACTS, "loss"))[0] for arm in ("stages", "mixture")), "–", "–"]
first.rename_axis("at the end")

# %% [markdown]
r"""
{glue:text}`stages_said`

{glue:text}`repeating_said`

## Which part to keep?

{numref}`fig-do-subsets` compares quarters of the pool, each met four times. The dashed line is a quarter taken at random.
"""

# %% tags=["hide-input", "remove-output"]
RULES = ["random", *BY]
chosen = pd.DataFrame(
    [
        {"rule": rule, "choice": choice, "n": i.n, "mean": i.mean, "low": i.low, "high": i.high}
        for rule in RULES
        for choice, arm in (("over all answers", rule), ("by label", f"{rule}, by label"))
        if (rule in BY_LABEL or choice == "over all answers") and (i := estimate(at_end(arm)))
    ]
)
chosen.attrs = {"worlds": len(p.corpora)}
of_random = float(at_end("random").mean())
figure(
    "fig_do_subsets",
    forest(
        chosen,
        row="rule",
        series="choice",
        x="loss on unseen questions (nats)",
        zero=of_random,
        title="A quarter of the pool, chosen in several ways",
        description="Loss on unseen questions after tuning on a quarter of the pool chosen by each rule, over all answers and as many "
        "of each answer, with a dashed line at the loss of a random quarter.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_do_subsets
:name: fig-do-subsets

To the left of the line a choice is better than a random quarter. An even guess over eight answers has a loss of {glue:text}`even_said` and is right 12.5% of the time. Each interval is over {glue:text}`seeds_said`; a contrast with *random* is paired, and so sharper than
two intervals side by side.
```

{glue:text}`subsets_said` What each rule took:
"""

# %% tags=["hide-input"]
worth = results.table(Worth)
worth = worth.assign(world=worth["world"].astype(str))
take = p.examples // 4


def commonest(rows):
    """The share of the most common answer, mean over worlds and seeds."""
    once = rows.drop_duplicates(["world", "seed", "example"]).groupby(["world", "seed"])["answer"]
    return once.agg(lambda said: said.value_counts(normalize=True).max()).mean()


def most_common(rule):
    """The share of a chosen quarter that has its most common answer, mean over worlds and seeds."""
    if rule == "random":
        return np.mean([commonest(worth[worth["example"] // take == n]) for n in range(4)])
    score, largest = BY[rule]
    rows = worth.dropna(subset=[score]).drop_duplicates(["world", "seed", "example", score])
    best = rows.sort_values(score, ascending=not largest).groupby(["world", "seed"]).head(take)
    return commonest(best)


taken = {rule: most_common(rule) for rule in RULES}
pd.DataFrame(
    {
        rule: {
            "loss": numbers(rule, (QUESTIONS, "loss"))[0],
            "accuracy": numbers(rule, (QUESTIONS, "accuracy"))[0],
            "share of its commonest answer": f"{100 * taken[rule]:.0f}%",
            "loss, by label": numbers(f"{rule}, by label", (QUESTIONS, "loss"))[0]
            if rule in BY_LABEL
            else "–",
        }
        for rule in RULES
    }
).T.rename_axis("a quarter of the pool")

# %% [markdown]
r"""
{glue:text}`quality_said`

## Ten against one

A family shares four facts, and ten of its members are told of, one in each step, among three documents about other people. Then one more, with four
other facts. What does the model now expect of a member it has not met? {numref}`fig-do-odds` follows the odds. The slider goes to *others*, people of other
families: what moves there only makes words likelier for everybody.
"""

# %% tags=["hide-input", "remove-output"]
WHO = {"family": "members never mentioned", "others": "people of other families"}
start = odds[odds["step"] == 0].set_index(["arm", "world", "seed", "family", "who"])["odds"]
place = pd.MultiIndex.from_frame(odds[["arm", "world", "seed", "family", "who"]])
odds = odds.assign(moved=odds["odds"].to_numpy() - start.loc[place].to_numpy(), asked=odds["who"].map(WHO))
path = summarise(odds, "moved", by=["arm", "asked", "step"], within=["family"])
last = int(odds["step"].max())
ends = path[path["step"] == last].set_index(["arm", "asked"])["mean"]


def odds_sentence(asked):
    """What the slider says."""
    found = "; ".join(f"{arm} {signed(ends[arm, asked])}" for arm in ORDERS)
    return f"Of {asked}, odds at the end against the beginning, in nats: {found}."


figure(
    "fig_do_odds",
    paths(
        path.assign(at=path["step"]),
        series="arm",
        series_title="told of",
        columns=1,
        along="step",
        x="steps",
        y="odds of the common fact, against the start (nats)",
        slider=Slider("asked", list(WHO.values()), label="asked about", start=WHO["family"]),
        sentence=odds_sentence,
        title="What a model expects of the next member of a family",
        description="Change in the log odds of the common fact against the counterexample's over steps, for ten common examples "
        "alone, with one counterexample after or before them, and with ten after them; a slider for whom is asked about.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_do_odds
:name: fig-do-odds

Above zero the model expects the common facts more than it did at the start, below zero those of the counterexample. The last ten
steps tell of other people only, but for the line that ends with ten counterexamples.
```

{glue:text}`odds_said`

## The declared contrasts
"""

# %% tags=["hide-input", "remove-output"]


def moved(arm, who="family"):
    """Odds at the end against the start, of members never mentioned or of others, [worlds, seeds]."""
    rows = odds[(odds["arm"] == arm) & (odds["step"] == last) & (odds["who"] == who)]
    return cube(rows, "moved", within=["family"]).values[..., 0]


CHOICES = [*BY, *(f"{rule}, by label" for rule in BY_LABEL)]
EFFECTS = dict.fromkeys(
    [
        "stages: questions",
        "stages: facts",
        "stages: old text",
        "repeating: loss",
        "repeating: accuracy",
        *CHOICES,
    ],
    0.05,
) | {"ten against one": 0.25, "one against a tenth of ten": 0.1}
put_on, after_one = moved("ten common"), moved("ten common, one counter")
measured = {
    "stages: questions": at_end("stages") - at_end("mixture"),
    "stages: facts": at_end("stages", FACTS) - at_end("mixture", FACTS),
    "stages: old text": at_end("stages", OLD) - at_end("mixture", OLD),
    "repeating: loss": at_end("few") - at_end("many"),
    "repeating: accuracy": at_end("many", value="accuracy") - at_end("few", value="accuracy"),
    **{choice: at_end("random") - at_end(choice) for choice in CHOICES},
    "ten against one": after_one,
    "one against a tenth of ten": (put_on - after_one) - put_on / 10,
}
got = {name: estimate(values) for name, values in measured.items()}
read = readings(measured, EFFECTS)
figure(
    "fig_do_contrasts",
    contrasts(
        declared(measured, EFFECTS),
        title="Remedies, judged: the declared contrasts",
        description="Fifteen declared contrasts with 95% intervals, in units of the smallest effect declared for each, with a band "
        "for effects too small to count.",
    ),
)

# %% [markdown]
r"""
```{glue:figure} fig_do_contrasts
:name: fig-do-contrasts

Each contrast counts in its own smallest effect; inside the grey band it is too small to matter. For the choices of a subset, to the right is better
than a random quarter. The table under the figure has the numbers as measured, each world's mean, and the reading by the declared rule.
```

{glue:text}`contrasts_said`

## What else could explain it

**"Another rate would suit another arm."** All have the same one, 0.001. A smaller rate should make all differences smaller; that, and whether it
changes an order, was not tested.

**"Few is only trained for too long."** At equal steps it is; stopping earlier is a remedy of its own, and its price is that fewer steps are used.

**"The scores are poor ones."** They come from a model that has seen 64 questions, and influence and gain from 32 questions of validation, whose own make-up may be uneven. And the model that is tuned starts before those 64
questions, so an example is scored for another model than the one it trains. By label, the same scores are put to another use; but then the make-up of the set is changed as well, and a random quarter that is as uneven, or as even, was not run.

**"The pool is too clean."** It is: every answer is right, and all questions are of one kind. Where a pool holds wrong answers, or another kind than is
wanted, a score can do what it cannot do here: throw them out. That is much of what the methods were made for, and it is *not tested*.

**"The counterexample's step is not finished when it is over."** AdamW carries a step on into the next ones. So ten more steps follow it, on other people,
and a counterexample that comes first is shown beside one that comes last.

Not tested, besides: users, and whether they stay; subsets of other sizes than a quarter; several stages with a rate of their own each; a
counterexample in natural text.

## Play

The slider of {numref}`fig-do-odds` changes whom the model is asked about. With a kernel, any order of common examples and counterexamples can be run:
`Overturn(base=..., order="cccccxxxxx")`; and any run with a number for each example can choose: `Chosen(run=..., column=..., take=64)`.

## What it means

{glue:text}`meaning_said`

It stops being shown outside what we ran: {glue:text}`parameters_said` parameters, one task with eight answers, one rate, one size of subset.

## Exercises

```{exercise}
:label: ex-do-first
Before looking at {numref}`fig-do-odds`: a counterexample that comes *before* the ten, or one *after* them. Which leaves the model surer of the common facts?
```

```{solution} ex-do-first
:class: dropdown
One may expect the later to weigh more, because nothing overwrites it. {glue:text}`first_said`
```

```{exercise}
:label: ex-do-balance
*Hardest* is not among the rules that are taken by label. Predict what balance does for it, then add it to `BY_LABEL` in the experiment cell and run with `seeds = 2`.
```

```{solution} ex-do-balance
:class: dropdown
The label counts are mended; what is left is that the hardest diaries of each kind are the least like the others of their kind. Compare with
*easiest, by label*, which is the other end of the same list.
```

```{exercise}
:label: ex-do-pool
Run `ovbook run 12 -p examples=128 -p seeds=2 -p worlds=1`: a smaller pool, a smaller quarter. Which loses more by repeating: a quarter of 128, or one of 256?
```

```{solution} ex-do-pool
:class: dropdown
Each question is met four times in both, but 32 questions make half as many steps as 64. Less is learnt and less is remembered; compare with *few* and *many*,
where the steps are equal.
```
"""

# %% tags=["remove-cell"]
FOUND, OTHER = "an effect", "an effect the other way"
NONE, UNSURE = "none worth the name", "undecided"
few, many = (named[arm][0].data[0] for arm in ("few", "many"))
epochs_of = {arm: named[arm][0].epochs for arm in ("few", "many")}


def told(name, unit=" nats"):
    """A contrast's number and reading."""
    return f"{written(got[name], 2)}{unit} ({read[name]})"


def share(arm, value):
    """A mean over worlds and seeds, in percent."""
    return f"{100 * at_end(arm, value=value).mean():.0f}%"


def listed(names):
    """Names in words."""
    names = [f"“{name}”" for name in names]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


lost = [name for name in CHOICES if read[name] == OTHER]
won = [name for name in CHOICES if read[name] == FOUND]
settled = read["ten against one"]


def headline():
    """The short answer, by the readings."""
    parts = []
    if read["repeating: loss"] == FOUND:
        parts.append("more examples beat more epochs")
    if read["stages: facts"] == FOUND:
        parts.append("facts taught first end up worse known than in a mixture")
    if lost:
        parts.append("a subset chosen by a score can be worse than one chosen by lot")
    if settled == FOUND:
        parts.append("one counterexample does not undo ten examples")
    if settled == OTHER:
        parts.append("one counterexample does undo ten examples")
    if not parts:
        return "These runs do not decide it"
    text = parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])}, and {parts[-1]}"
    return text[0].upper() + text[1:]


def answer():
    """The numbers behind the headline."""
    return (
        f"At equal steps, {few.count} questions met {epochs_of['few']} times leave {written(got['repeating: loss'], 2)} nats more loss on unseen ones than {many.count} met {epochs_of['many']} times. Facts taught in a stage of their own end "
        f"{written(got['stages: facts'], 2)} nats worse than in a mixture. Of {len(CHOICES)} ways to choose a quarter of the data, {len(won) or 'none'} {'are' if len(won) > 1 else 'is'} better than a random quarter by our rule and "
        f"{len(lost) or 'none'} {'are' if len(lost) > 1 else 'is'} worse. After ten common examples and one counterexample the odds of the common fact are {written(got['ten against one'], 2)} nats above their start, {written(estimate(after_one - moved('ten common, one counter', 'others')), 2)} beyond what strangers' odds do."
    )


def stages_text():
    """Stages against the mixture."""
    facts, questions = read["stages: facts"], read["stages: questions"]
    so = {
        (FOUND, FOUND): "So a mixture is better at both ends.",
        (
            FOUND,
            OTHER,
        ): "So the order is a choice: what comes last is learnt better, what came first is forgotten.",
        (FOUND, NONE): "So stages cost what came first, and buy nothing for what comes last.",
    }.get(
        (facts, questions),
        "So stages cost what came first; whether they buy anything for what comes last is undecided."
        if facts == FOUND
        else "",
    )
    return (
        f"Stages minus mixture: on the facts, which the stages taught first, {told('stages: facts')}; on unseen questions, which they taught last, {told('stages: questions')}; on old text "
        f"{told('stages: old text')}. {so} How much the first stage had taught was not measured, so this is what is left at the end, not forgetting as such. "
        f"On the questions both arms are near an even guess ({written(estimate(at_end('stages')), 2)} and {written(estimate(at_end('mixture')), 2)}; even: {np.log(len(LABELS)):.2f}), so that contrast had little room."
    )


def repeating_text():
    """Few against many."""
    sure = all(
        at_end("few", value=v).mean() > at_end("many", value=v).mean() for v in ("confidence", "calibration")
    )
    return (
        f"Few minus many, at equal steps: {told('repeating: loss')} of loss on unseen questions; the accuracy is lower by {told('repeating: accuracy', '')}. After “few” the model is right on {share('few', 'accuracy')} "
        f"of them and gives its answers a probability of {share('few', 'confidence')} on average; after “many” {share('many', 'accuracy')} and {share('many', 'confidence')}."
        + (" Part of the loss is confidence without ground, which repetition brings." if sure else "")
        + f" On old text, few minus many is {written(estimate(at_end('few', OLD) - at_end('many', OLD)), 2)} (not declared)."
    )


def subsets_text():
    """Which rules beat a random quarter."""
    alone = {name: reading(measured[name], EFFECTS[name]) for name in CHOICES}
    parts = [
        f"Better than a random quarter: {listed(won)}."
        if won
        else "No rule is shown to be better than a random quarter."
    ]
    if lost:
        parts.append(f"Worse: {listed(lost)}.")
    for words, some in (
        ("No difference worth the name", [n for n in CHOICES if read[n] == NONE]),
        ("Undecided", [n for n in CHOICES if read[n] == UNSURE]),
        (
            "Of these, worse when read alone, which the correction takes back",
            [n for n in CHOICES if read[n] == UNSURE and alone[n] == OTHER],
        ),
        (
            "Of these, better when read alone, which the correction takes back",
            [n for n in CHOICES if read[n] == UNSURE and alone[n] == FOUND],
        ),
    ):
        if some:
            parts.append(f"{words}: {listed(some)}.")
    if lost:
        less = {n: estimate(at_end("random", value="accuracy") - at_end(n, value="accuracy")) for n in lost}
        parts.append(
            "Much of a loss above an even guess is confidence without ground: "
            + "; ".join(
                f"“{n}” is right less often than random by {written(found, 2)} (not declared), and gives its answers {share(n, 'confidence')} on average"
                for n, found in less.items()
            )
            + f"; random gives {np.mean([at_end(q, value='confidence').mean() for q in QUARTERS]):.0%}."
        )
    return " ".join(parts)


def quality_text():
    """Make-up of the sets, and what a measured gain says."""
    both = worth.dropna(subset=["gain", "influence"])
    agree = estimate(
        cube(rank_correlations(both, "influence", "gain", by=["corpus"]), "correlation").values[..., 0]
    )
    parts = []
    top = [rule for rule in BY if at_end(rule).mean() > at_end("random").mean() + 0.05]
    uneven = [rule for rule in top if taken[rule] > 1.5 * taken["random"]]
    if uneven:
        parts.append(
            f"Of the rules that end worse than random, {listed(uneven)} take uneven sets: {', '.join(f'{100 * taken[r]:.0f}%' for r in uneven)} have one and the same answer, against {100 * taken['random']:.0f}% in a random quarter."
        )
    by_label = {rule: at_end(rule) - at_end(f"{rule}, by label") for rule in BY_LABEL}
    said = "; ".join(f"“{rule}” {written(estimate(found), 2)}" for rule, found in by_label.items())
    better = [
        r
        for r, v in by_label.items()
        if estimate(v).n > 1 and estimate(v).low > 0 and (v.mean(axis=1) > 0.05).all()
    ]
    parts.append(f"Over all answers minus by label, in loss (not declared): {said}.")
    if better:
        parts.append(
            f"So the same scores do better where the make-up is kept ({listed(better)}), and a balanced quarter is not shown to differ from a random one: the make-up is a likely cause. Not separated from it: the jury's own make-up, "
            "and that the scoring model has seen questions which the tuned model has not."
        )
    parts.append(
        f"As for quality: examples are ranked by their measured gain much as by influence (rank correlation {written(agree, 2)})."
    )
    if "gain" in lost:
        parts.append(
            "But a quarter made of the largest gains is a bad quarter: gains that were measured one by one do not simply add up."
        )
    return " ".join(parts)


def odds_text():
    """The conjecture."""
    took, tenth = estimate(put_on - after_one), estimate(put_on / 10)
    by = {
        FOUND: "The conjecture does not hold here: after all eleven the common facts are ahead",
        OTHER: "The conjecture holds here: after all eleven the counterexample's facts are ahead",
        NONE: "Ten and one come out even",
    }.get(settled, "The conjecture is undecided here")
    steps = odds[(odds["who"] == "family")]

    def at_step(arm, step):
        rows = steps[(steps["arm"] == arm) & (steps["step"] == step)]
        return cube(rows, "moved", within=["family"]).values[..., 0]

    def beyond(arm):
        """Of members, beyond what strangers' odds do."""
        found = moved(arm) - moved(arm, "others")
        worlds = ", ".join(signed(value) for value in found.mean(axis=1))
        return f"{written(estimate(found), 2)} (each world {worlds})"

    common, counter = at_step("ten common", 1), -at_step("one counter, ten common", 1)
    peak = path[(path["arm"] == "ten common") & (path["asked"] == WHO["family"])].set_index("step")["mean"]
    apart = estimate(counter - common)
    equal = (
        "about as much"
        if apart.n < 2 or apart.low <= 0 <= apart.high
        else "more"
        if apart.mean > 0
        else "less"
    )
    later = last - int(peak.idxmax())
    return (
        f"Ten common examples put {written(estimate(put_on), 2)} nats on the odds; with one counterexample after them {written(got['ten against one'], 2)} are left. {by}. The one took off "
        f"{written(took, 2)}, where a tenth of what the ten put on is {tenth.mean:.2f}. But the ten share it unevenly: the first alone puts on {written(estimate(common), 2)}, and a counterexample met first takes off "
        f"{written(estimate(counter), 2)}, {equal}, so this does not show that a counterexample weighs more. The last {later} steps of the ten alone, which tell of other people, take off {peak.max() - peak.iloc[-1]:.2f} by themselves. "
        f"Strangers' odds move, too. Beyond theirs (not declared), members' move by {beyond('ten common')} after ten, {beyond('ten common, one counter')} after ten and one, and {beyond('ten common, ten counter')} after ten and ten."
    )


def first_text():
    """The first exercise, answered."""
    early, late = moved("one counter, ten common").mean(), after_one.mean()
    what = (
        "It makes hardly a difference here"
        if abs(early - late) < 0.1
        else ("So it is here" if early > late else "Here it is the other way round")
    )
    return f"{what}: {signed(early)} nats are left after one that came first, {signed(late)} after one that came last."


def meaning_text():
    """What follows for someone who fine-tunes."""
    parts = ["These runs do not look at the stairs themselves; chapters 9 to 11 do."]
    if read["repeating: loss"] == FOUND:
        parts.append(
            "What helps on questions not met before is to meet other questions: if steps are to be spent, spend them on more data before more epochs."
        )
    if read["stages: facts"] == FOUND:
        parts.append("Data that must be known at the end belong into the mixture to the end.")
    if lost:
        parts.append(
            "Before trusting a clever subset, train on one chosen by lot; and look at what the rule took, not only at its scores."
        )
    if won:
        parts.append(f"A score can help where the make-up of the data is kept: {listed(won)} did.")
    if settled == FOUND:
        parts.append(
            f"One counterexample takes back {written(estimate(put_on - after_one), 2)} of {written(estimate(put_on), 2)} nats of what is expected of other members. Whether the exception itself was learnt was not asked."
        )
    return " ".join(parts)


base, little = pupils(p)[0].root, pupils(p, model=p.model, tokens=p.budgets[2])[0].root


def size_of(run):
    """Parameters, in words."""
    return f"{parameters_of(run.model, run.corpus, run.context):,}"


say(
    headline=headline(),
    short_answer=answer(),
    stages_said=stages_text(),
    repeating_said=repeating_text(),
    subsets_said=subsets_text(),
    quality_said=quality_text(),
    odds_said=odds_text(),
    contrasts_said=grouped(measured, EFFECTS),
    meaning_said=meaning_text(),
    first_said=first_text(),
    pool_said=f"{p.examples}",
    parameters_said=size_of(base),
    small_said=size_of(little),
    small_tokens=tokens_label(little.budget),
    even_said=f"{np.log(len(LABELS)):.2f}",
    tokens_said=tokens_label(base.budget),
    seeds_said=f"{p.seeds} seed{'s' if p.seeds > 1 else ''}"
    + (f" in each of {len(p.corpora)} worlds" if len(p.corpora) > 1 else ""),
)
