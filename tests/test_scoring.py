"""Formats, rows and scoring, on stand-in tokenizers and models whose answers are known by construction."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from ovbook.errors import OvbookError
from ovbook.tasks import (
    Coder,
    Example,
    LanguageModel,
    Task,
    Wording,
    accuracy,
    answer_losses,
    build_prompts,
    build_rows,
    coder_of,
    final_number,
    prompt_text,
    rouge_l,
    score,
)

WORDS = [
    "<pad>",
    "<bos>",
    "<eos>",
    "<unk>",
    *["in", "out", "say", "it", ":", ".", "cat", "dog", "bird", "red", "fish", "very", "yes", "no", "maybe"],
]
VOCAB = len(WORDS)
WORDING = Wording(
    default="in {question} out",
    io="{question}",
    instruct=": {question} .",
    opening="{instruction} ",
    between=" ",
)


def word_coder() -> Coder:
    index = {word: n for n, word in enumerate(WORDS)}
    return Coder(
        encode=lambda text: [index.get(word, 3) for word in text.split()],
        decode=lambda ids: " ".join(WORDS[i] for i in ids),
        bos=1,
        eos=2,
        pad=0,
        unk=3,
    )


def character_coder() -> Coder:
    return Coder(
        encode=lambda text: [ord(c) % 97 + 3 for c in text], decode=lambda ids: "", bos=1, eos=2, pad=0
    )


def make_task(examples: list[Example], kind: str = "classification", **fields) -> Task:
    fields.setdefault("choices", ("yes", "no") if kind == "classification" else None)
    metric = "accuracy" if kind == "classification" else "rouge-l"
    return Task(
        name="toy",
        kind=kind,
        metric=metric,
        instruction="say it",
        source=lambda split, n, seed: examples[:n],
        wording=WORDING,
        **fields,
    )


def table_model(tables: Tensor, context: int = 32) -> LanguageModel:
    """K bigram models: logits of the next token from `tables` [K, V, V] by the last token."""

    def logits(tokens: Tensor) -> Tensor:
        return torch.stack([table[rows] for table, rows in zip(tables, tokens, strict=True)])

    def generate(prompt: Tensor, lengths: Tensor, max_new: int, stop: int | None) -> Tensor:
        ids = torch.cat([prompt, prompt.new_zeros(*prompt.shape[:2], max_new)], dim=-1)
        for k, row in np.ndindex(ids.shape[0], ids.shape[1]):
            for at in range(int(lengths[k, row]), int(lengths[k, row]) + max_new):
                ids[k, row, at] = tables[k, ids[k, row, at - 1]].argmax()
        return ids

    return LanguageModel(
        logits=logits, generate=generate, members=len(tables), context=context, vocab=tables.shape[-1]
    )


def says(*pairs: tuple[str, str]) -> Tensor:
    """A bigram table that follows each first word by its second."""
    table = torch.zeros(VOCAB, VOCAB)
    for first, then in pairs:
        table[WORDS.index(first), WORDS.index(then)] = 5.0
    return table


CAT = Example(question="cat", answer="yes")
DOG = Example(question="red dog", answer="no")


# --- formats ------------------------------------------------------------------------------------------------


def test_the_three_formats_and_shots_read_as_documented() -> None:
    task = make_task([CAT, DOG])
    assert prompt_text(task, DOG) == "in red dog out"
    assert prompt_text(task, DOG, fmt="IO") == "red dog"
    assert prompt_text(task, DOG, fmt="Instruct", shots=[CAT]) == "say it : cat . yes : red dog ."


def test_unknown_format_names_the_nearest() -> None:
    with pytest.raises(OvbookError, match=r"did you mean 'Instruct'"):
        build_rows(make_task([CAT]), [CAT], word_coder(), fmt="Instrukt")


def test_loss_falls_on_the_answer_only() -> None:
    task = make_task([CAT, DOG])
    rows = build_rows(task, [CAT, DOG], word_coder(), shots=[CAT])
    assert rows.tokens.dtype == np.uint16
    assert rows.weight.shape == (2, rows.tokens.shape[1] - 1)
    predicted = [
        [WORDS[t] for t, w in zip(r[1:], ws, strict=True) if w]
        for r, ws in zip(rows.tokens, rows.weight, strict=True)
    ]
    assert predicted == [["yes"], ["no"]]  # not the shot's answer, not the padding
    assert rows.tokens[0, 0] == 1
    assert rows.note == ""


def test_a_generated_answer_ends_with_the_end_token() -> None:
    example = Example(question="cat", answer="red fish")
    rows = build_rows(make_task([example], "generation"), [example], word_coder())
    assert [WORDS[t] for t in rows.tokens[0, 1:][rows.weight[0] > 0]] == ["red", "fish", "<eos>"]


def test_long_questions_lose_their_end_and_are_counted() -> None:
    long = Example(question="cat " * 40 + "dog", answer="yes")
    task = make_task([long, CAT])
    rows = build_rows(task, [long, CAT], word_coder(), context=16)
    assert rows.tokens.shape[1] == 16
    assert rows.cut_questions == 1
    assert rows.note == "1 questions of 2 were cut to fit the context"
    row = [WORDS[t] for t in rows.tokens[0]]
    assert row == [
        "<bos>",
        "in",
        *["cat"] * 12,
        "out",
        "yes",
    ]  # full to the last place, frame and answer whole


def test_long_answers_are_cut_to_half_the_context_and_counted() -> None:
    example = Example(question="cat", answer="fish " * 30)
    rows = build_rows(make_task([example], "generation"), [example], word_coder(), context=16)
    assert rows.weight.sum() == 8
    assert rows.cut_answers == 1


def test_more_shots_than_the_context_holds_says_how_many_fit() -> None:
    task = make_task([CAT])
    with pytest.raises(OvbookError, match=r"use at most 3 shots"):  # 1 + 3 x 4 + 3 + 1 = 17
        build_rows(task, [CAT], word_coder(), shots=[CAT] * 4, context=17)
    assert len(build_rows(task, [CAT], word_coder(), shots=[CAT] * 3, context=17).tokens) == 1


def test_a_word_outside_the_vocabulary_is_named() -> None:
    with pytest.raises(OvbookError, match=r"no word for 'zebra'"):
        build_prompts(make_task([CAT]), [Example(question="red zebra", answer="yes")], word_coder())


def test_an_empty_answer_cannot_be_trained_on() -> None:
    empty = Example(question="cat", answer="")
    with pytest.raises(OvbookError, match=r"empty answer"):
        build_rows(make_task([CAT]), [empty], word_coder())


# --- metrics ------------------------------------------------------------------------------------------------


def test_metrics_and_the_empty_prediction() -> None:
    assert accuracy(" Yes. ", "yes") == 1.0
    assert accuracy("yes sir", "yes") == 0.0
    assert accuracy("", "yes") == 0.0
    assert rouge_l(" ", "a cat") == 0.0
    assert final_number("", "#### 7") == 0.0
    assert final_number("so 1,234.0", "#### 1234") == 1.0
    assert final_number("72 and 3", "#### 72") == 0.0


def test_rouge_l_is_the_packages() -> None:
    from rouge_score import rouge_scorer

    said, gold = "the red cat sat by the door", "a red cat sat there"
    wanted = rouge_scorer.RougeScorer(["rougeL"]).score(gold, said)["rougeL"].fmeasure
    assert rouge_l(said, gold) == wanted
    assert math.isclose(wanted, 2 * (3 / 7) * (3 / 5) / (3 / 7 + 3 / 5))  # 'red cat sat', by hand


# --- scoring ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["constrained", "token", "free"])
def test_each_member_of_a_stack_answers_for_itself(method: str) -> None:
    model = table_model(torch.stack([says(("out", "yes")), says(("out", "no"))]))
    scores = score(model, make_task([]), [CAT, DOG, CAT], word_coder(), method=method)
    assert scores.method == method
    np.testing.assert_array_equal(scores.values, [[1, 0, 1], [0, 1, 0]])
    np.testing.assert_allclose(scores.mean, [2 / 3, 1 / 3])
    assert scores.said == [{"yes": 3}, {"no": 3}]
    assert scores.records()[1] == {
        "member": 0,
        "example": 1,
        "prediction": "yes",
        "answer": "no",
        "score": 0.0,
    }


def test_choices_are_compared_by_total_log_probability() -> None:
    torch.manual_seed(0)
    table = torch.randn(1, VOCAB, VOCAB)
    example = Example(question="cat", answer="red fish", choices=("red fish", "very red dog", "no"))
    task = make_task([], choices=None)
    scores = score(table_model(table), task, [example], word_coder())
    logs = table[0].log_softmax(-1)

    def by_hand(*words: str) -> float:
        ids = [WORDS.index(word) for word in ("out", *words)]
        return float(sum(logs[a, b] for a, b in itertools.pairwise(ids)))

    wanted = [by_hand("red", "fish"), by_hand("very", "red", "dog"), by_hand("no")]
    assert scores.log_probs is not None
    np.testing.assert_allclose(scores.log_probs[0, 0], wanted, rtol=1e-6)
    assert scores.predictions == [[example.choices[int(np.argmax(wanted))]]] if example.choices else False


def test_scores_do_not_depend_on_who_shares_the_batch() -> None:
    torch.manual_seed(1)
    model = table_model(torch.randn(2, VOCAB, VOCAB))
    task = make_task([])
    together = score(model, task, [CAT, DOG], word_coder(), shots=[DOG])
    alone = [score(model, task, [example], word_coder(), shots=[DOG]) for example in (CAT, DOG)]
    assert together.log_probs is not None
    for n, one in enumerate(alone):
        assert one.log_probs is not None
        np.testing.assert_allclose(together.log_probs[:, n], one.log_probs[:, 0], rtol=1e-6)


def test_a_label_that_begins_another_can_lose() -> None:
    example = Example(question="cat", answer="yes very", choices=("yes", "yes very"))
    model = table_model(says(("out", "yes"), ("yes", "very"), ("very", "<eos>"))[None])
    for method in ("constrained", "token"):
        scores = score(model, make_task([], choices=None), [example], word_coder(), method=method)
        assert scores.predictions == [["yes very"]]


def test_split_labels_are_judged_by_the_first_token_that_differs() -> None:
    labels = ("very red", "very no", "very dog")
    example = Example(question="cat", answer="very dog")
    model = table_model(says(("out", "maybe"), ("very", "dog"))[None])
    scores = score(model, make_task([], choices=labels), [example], word_coder(), method="token")
    assert scores.method == "token"
    assert scores.predictions == [["very dog"]]


def test_labels_that_share_a_first_token_are_compared_whole_and_it_says_so() -> None:
    labels = ("very red", "very no", "dog")
    example = Example(question="cat", answer="very no")
    model = table_model(says(("out", "very"), ("very", "no"))[None])
    scores = score(model, make_task([], choices=labels), [example], word_coder(), method="token")
    assert scores.method == "constrained"
    assert scores.predictions == [["very no"]]


def test_labels_that_are_the_same_tokens_are_refused() -> None:
    coder = Coder(encode=lambda text: [4 for _ in text.split()], decode=lambda ids: "", bos=1)
    with pytest.raises(OvbookError, match=r"same tokens"):
        score(table_model(says()[None]), make_task([]), [CAT], coder)


def test_free_generation_stops_at_the_end_token_and_takes_the_longest_label() -> None:
    example = Example(question="cat", answer="red fish")
    model = table_model(says(("out", "red"), ("red", "fish"), ("fish", "<eos>"))[None])
    assert score(model, make_task([], "generation"), [example], word_coder()).predictions == [["red fish"]]
    task = make_task([], choices=("red", "red fish"))
    assert score(model, task, [example], word_coder(), method="free").predictions == [["red fish"]]


def test_an_empty_generation_scores_zero() -> None:
    example = Example(question="cat", answer="red fish")
    scores = score(
        table_model(says(("out", "<eos>"))[None]), make_task([], "generation"), [example], word_coder()
    )
    assert scores.predictions == [[""]]
    assert scores.mean == [0.0]


def test_answer_losses_are_nats_per_answer_token() -> None:
    torch.manual_seed(2)
    table = torch.randn(1, VOCAB, VOCAB)
    example = Example(question="cat", answer="red fish")
    rows = build_rows(make_task([], "generation"), [example, example], word_coder())
    logs = table[0].log_softmax(-1)
    path = [WORDS.index(word) for word in ("out", "red", "fish", "<eos>")]
    wanted = -float(np.mean([logs[a, b] for a, b in itertools.pairwise(path)]))
    np.testing.assert_allclose(answer_losses(table_model(table), rows), [[wanted, wanted]], rtol=1e-6)


def test_nothing_to_choose_among_is_said() -> None:
    task = make_task([], "generation")
    with pytest.raises(OvbookError, match=r"method='free'"):
        score(
            table_model(says()[None]),
            task,
            [Example(question="cat", answer="red")],
            word_coder(),
            method="token",
        )
    with pytest.raises(OvbookError, match=r"unknown scoring method 'fre'.*did you mean 'free'"):
        score(table_model(says()[None]), task, [CAT], word_coder(), method="fre")


def test_a_real_tokenizer_of_transformers_works_the_same() -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    inner.decoder = decoders.ByteLevel()
    corpus = ["### Input: a cat ### Output: yes no"] * 4
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<bos>", "<eos>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    inner.train_from_iterator(corpus, trainer)
    coder = coder_of(PreTrainedTokenizerFast(tokenizer_object=inner, bos_token="<bos>", eos_token="<eos>"))
    example = Example(question="is a cat big?", answer="not really")
    task = Task(
        name="real",
        kind="classification",
        metric="accuracy",
        instruction="Say.",
        source=lambda split, n, seed: [example],
        choices=("not really", "really so"),
    )
    rows = build_rows(task, [example], coder)
    answer = rows.tokens[0, 1:][rows.weight[0] > 0]
    assert coder.decode(answer.tolist()) == " not really"  # the space belongs to the answer, as BPE wants it
    assert coder.decode(rows.tokens[0, : rows.weight[0].argmax() + 1].tolist()).endswith("### Output:")
    uniform = table_model(torch.zeros(1, 512, 512), context=128)
    scores = score(uniform, task, [example], coder)
    lengths = [len(coder.continuation("### Output:", f" {choice}")) for choice in task.choices or ()]
    assert scores.log_probs is not None
    np.testing.assert_allclose(scores.log_probs[0, 0], [-n * math.log(512) for n in lengths], rtol=1e-6)
