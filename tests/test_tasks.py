"""Tasks: splits that cannot overlap, world tasks, and real data sets read from files made on the spot."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ovbook.errors import OvbookError
from ovbook.tasks import (
    DATA_SETS,
    FORMATS,
    WORLD_TASKS,
    Example,
    Task,
    build_rows,
    coder_of,
    open_data_set,
    open_task,
    prompt_text,
    world_tasks,
)
from ovbook.tasks.example import item_split, seeded
from ovbook.world import World, open_world


def write(path: Path, rows: list[dict]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = "".join(json.dumps(row) + "\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text)


def rte_rows(n: int, start: int = 0) -> list[dict]:
    return [
        {"sentence1": f"Text {i}.", "sentence2": f"Claim {i}.", "label": i % 2, "idx": i}
        for i in range(start, start + n)
    ]


# --- splits -------------------------------------------------------------------------------------------------


def counting_task(top: int) -> Task:
    def draw(rng: np.random.Generator) -> Iterator[Example]:
        while True:
            yield Example(question=f"{rng.integers(top)}", answer="x")

    return Task(
        name="count",
        kind="generation",
        metric="accuracy",
        instruction="Count.",
        source=seeded("count", draw),
    )


def test_splits_are_disjoint_whatever_the_seed_and_size() -> None:
    task = counting_task(2000)
    asked = {
        split: {ex.question for seed in (0, 7) for ex in task.examples(split, 150, seed)}
        for split in ("train", "validation", "test")
    }
    assert not asked["train"] & asked["test"]
    assert not asked["train"] & asked["validation"]
    assert not asked["validation"] & asked["test"]


def test_examples_are_a_pure_function_and_fewer_are_a_prefix() -> None:
    task = counting_task(2000)
    assert task.examples("test", 50, 3) == counting_task(2000).examples("test", 50, 3)
    assert task.examples("test", 50, 3)[:20] == task.examples("test", 20, 3)
    assert task.examples("test", 50, 3) != task.examples("test", 50, 4)


def test_a_small_task_gives_its_distinct_test_items_and_no_more() -> None:
    questions = [ex.question for ex in counting_task(40).examples("test", 100, 0)]
    assert sorted(questions) == sorted(str(i) for i in range(40) if item_split("count", str(i)) == "test")


def test_shares_of_the_splits() -> None:
    splits = [item_split("any", str(i)) for i in range(4000)]
    assert abs(splits.count("test") / 4000 - 0.25) < 0.03
    assert abs(splits.count("validation") / 4000 - 0.125) < 0.02


def test_mistakes_in_asking_are_one_sentence() -> None:
    task = counting_task(10)
    with pytest.raises(OvbookError, match=r"did you mean 'validation'"):
        task.examples("valid", 1)
    with pytest.raises(OvbookError, match=r"at least 1"):
        task.examples("test", 0)
    with pytest.raises(OvbookError, match=r"-1 shots"):
        task.shots(-1)
    with pytest.raises(OvbookError, match=r"at least 2"):
        Task(
            name="t",
            kind="classification",
            metric="accuracy",
            instruction="",
            source=task.source,
            choices=("a",),
        )
    bad = Task(
        name="t",
        kind="classification",
        metric="accuracy",
        instruction="",
        choices=("a", "b"),
        source=lambda *_: [Example(question="q", answer="c")],
    )
    with pytest.raises(OvbookError, match=r"'c', which is not among its choices"):
        bad.examples("test", 1)


# --- world tasks --------------------------------------------------------------------------------------------

UNSEEN = ("topic-unseen-words", "sentiment-unseen-words")
NAMES = ("topic", "sentiment", "fact", "arithmetic", "sum", *UNSEEN)


@pytest.fixture(scope="module")
def world() -> World:
    return open_world(5)


@pytest.mark.parametrize("name", NAMES)
def test_world_tasks_hold_out_items_and_speak_the_worlds_language(name: str, world: World) -> None:
    task = open_task(name, world=world)
    train, test = task.examples("train", 400), task.examples("test", 60)
    assert not {ex.key for ex in train} & {ex.key for ex in test}
    assert task.examples("train", 20, seed=3) == open_task(name, world=World(5)).examples("train", 20, seed=3)
    for fmt in FORMATS:
        rows = build_rows(task, test, coder_of(world), fmt=fmt, shots=task.shots(1))
        assert rows.cut_questions == 0
        assert (rows.weight.sum(axis=1) == 1).all()  # every answer is one token
    assert {ex.answer for ex in train} <= {choice for ex in train for choice in task.choices_of(ex)}
    assert len({ex.answer for ex in train}) >= (2 if name == "arithmetic" else 4)


def test_labels_and_tags_are_never_seen_in_pre_training(world: World) -> None:
    labels = {
        label
        for name in ("topic", "sentiment", "arithmetic")
        for label in open_task(name, world=world).choices or ()
    }
    tags = {ex.question.split()[-1] for ex in open_task("fact", world=world).examples("train", 100)}
    signs = {ex.question.split()[1] for ex in open_task("arithmetic", world=world).examples("train", 100)}
    assert (len(labels), len(tags), len(signs)) == (14, 4, 2)
    new = labels | tags | signs
    assert len(new) == 20  # no word stands for two things
    assert new <= set(world.reserved)
    for mix in world.mixes:
        seen = {world.vocab[i] for i in np.unique(world.block(mix, 0, 0))}
        assert not seen & new


def test_facts_are_true_and_sums_are_right(world: World) -> None:
    for example in open_task("fact", world=world).examples("test", 50):
        first, family, _ = example.question.split()
        assert world.person(first, family)[example.about["relation"]] == example.answer
    for name in ("sum", "arithmetic"):
        task = open_task(name, world=world)
        for example in task.examples("test", 50):
            one, _, two, *rest = example.question.split()
            first, second = world.numbers.index(one), world.numbers.index(two)
            result = first + second if example.about["sign"] == "plus" else first - second
            if name == "sum":
                assert example.answer == world.numbers[result]
            else:
                bigger, smaller = task.choices or ()
                assert example.answer == (bigger if result > world.numbers.index(rest[1]) else smaller)


@pytest.mark.parametrize(
    ("name", "least"), [("topic", 0.85), ("sentiment", 0.75), (UNSEEN[0], 0.75), (UNSEEN[1], 0.65)]
)
def test_passages_tell_their_topic_and_mood_to_who_knows_the_words(
    name: str, least: float, world: World
) -> None:
    families = world.topics if "topic" in name else world.moods
    chances = world.topic_nouns if "topic" in name else world.mood_words
    place = {word: i for i, word in enumerate(word for words in families.values() for word in words)}
    task = open_task(name, world=world)
    examples = task.examples("test", 400)
    tested = {word for ex in examples for word in ex.question.split() if word in place}
    trained = {word for ex in task.examples("train", 800) for word in ex.question.split() if word in place}
    if name in UNSEEN:
        assert not trained & tested
        assert len(trained) == len(place) // 2
        chances = chances * np.array([word in tested for word in place])
        chances = chances / chances.sum(axis=1, keepdims=True)
    right = 0
    for example in examples:
        words = [place[word] for word in example.question.split() if word in place]
        best = int(np.log(chances[:, words]).sum(axis=1).argmax())
        right += (task.choices or ())[best] == example.answer
    assert least < right / len(examples) < 1.0


def test_a_new_world_task_is_one_short_function(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world_tasks, "WORLD_TASKS", dict(WORLD_TASKS))

    @world_tasks.world_task(
        "size", choices=("alpha", "beta"), instruction="alpha is bigger , beta is smaller"
    )
    def size(world: World, rng: np.random.Generator) -> Iterator[Example]:
        while True:
            one, two = rng.choice(len(world.sizes), size=2, replace=False)
            yield Example(
                question=f"{world.sizes[one]} {world.sizes[two]}", answer="alpha" if one > two else "beta"
            )

    task = world_tasks.open_world_task("size", world)
    assert task.chance(task.examples("test", 10)) == 0.5
    assert prompt_text(task, task.examples("test", 1)[0]).startswith("### Input :")


# --- real data sets -----------------------------------------------------------------------------------------


def test_a_data_set_reads_files_and_tests_on_the_split_that_has_labels(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rte_rows(200))
    write(tmp_path / "validation.jsonl.gz", rte_rows(60, start=1000))
    task = open_data_set("rte", folder=tmp_path)
    test = task.examples("test", 1000, 0)
    assert {ex.question for ex in test} == {f"Text: Text {i}.\nClaim: Claim {i}." for i in range(1000, 1060)}
    assert {ex.answer for ex in test} == {"yes", "no"}
    assert task.chance(test) == 0.5
    by_question = {ex.question: ex.answer for ex in test}
    assert by_question["Text: Text 1001.\nClaim: Claim 1001."] == "no"  # label 1 is 'not entailment'
    train, held = task.examples("train", 1000, 0), task.examples("validation", 1000, 0)
    assert len(train) + len(held) == 200
    assert not {e.key for e in train} & {e.key for e in held}
    assert train[:5] != task.examples("train", 5, 1)


def test_what_is_tested_is_never_trained_on(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rte_rows(100))
    write(tmp_path / "validation.jsonl", rte_rows(60))  # the same items again
    task = open_data_set("rte", folder=tmp_path)
    keys = {split: {e.key for e in task.examples(split, 1000)} for split in ("train", "validation", "test")}
    assert len(keys["test"]) == 60
    assert not keys["test"] & (keys["train"] | keys["validation"])


def test_hidden_labels_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", rte_rows(50))
    write(tmp_path / "validation.jsonl", [row | {"label": -1} for row in rte_rows(50)])
    with pytest.raises(OvbookError, match=r"hidden label \(-1\)"):
        open_data_set("rte", folder=tmp_path).examples("test", 10)


def test_a_split_with_one_label_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "validation.jsonl", [row | {"label": 1} for row in rte_rows(50)])
    with pytest.raises(OvbookError, match=r"all 40 examples of the test split of 'rte' have the label 'no'"):
        open_data_set("rte", folder=tmp_path).examples("test", 40)


def test_missing_fields_files_and_broken_lines_are_named(tmp_path: Path) -> None:
    write(tmp_path / "validation.jsonl", [{"premise": "a", "label": 0}])
    with pytest.raises(OvbookError, match=r"no field 'sentence1': it has premise, label"):
        open_data_set("rte", folder=tmp_path).examples("test", 1)
    with pytest.raises(OvbookError, match=r"no validation.jsonl"):
        open_data_set("boolq", folder=tmp_path / "empty").examples("train", 1)
    (tmp_path / "test.jsonl").write_text('{"question": \n')
    with pytest.raises(OvbookError, match=r"test.jsonl, line 1, is not a JSON object"):
        open_data_set("sciq", folder=tmp_path).examples("test", 1)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"question": None, "answer": "a"}, "row 1 of the test split of .* has None for its question"),
        ({"question": "q", "answer": "  "}, "has '  ' for its answer, where text is needed"),
        ({"question": "q", "answer": ["a"]}, r"has \['a'\] for its answer"),
        ({"question": "q", "answer": "a", "choices": "ab"}, "the field 'choices' holds 'ab': write a list"),
        ({"question": "q", "answer": "a", "choices": ["a", None]}, "has None for its choice 2"),
    ],
)
def test_a_row_without_text_is_named(tmp_path: Path, row: dict[str, object], says: str) -> None:
    write(tmp_path / "train.jsonl", [{"question": "q", "answer": "a"}])
    write(tmp_path / "test.jsonl", [row])
    with pytest.raises(OvbookError, match=says):
        open_task(f"file:{tmp_path}").examples("test", 1)


def test_answers_that_are_numbers_are_read_as_text(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"question": f"q{i}", "answer": i % 2} for i in range(40)])
    write(tmp_path / "test.jsonl", [{"question": f"t{i}", "answer": i % 2} for i in range(4)])
    task = open_task(f"file:{tmp_path}#kind=classification")
    assert {ex.answer for ex in task.examples("test", 4)} == {"0", "1"} == set(task.choices or ())


@pytest.mark.parametrize("label", [2, "entailment", [1]])
def test_a_label_without_a_word_is_named(tmp_path: Path, label: object) -> None:
    write(tmp_path / "validation.jsonl", [rte_rows(1)[0] | {"label": label}])
    with pytest.raises(
        OvbookError, match=r"row 1 of the validation split of 'rte': label .* 0 to 1, for yes, no"
    ):
        open_data_set("rte", folder=tmp_path).examples("test", 1)


@pytest.mark.parametrize(
    ("name", "data", "says"),
    [
        ("test.jsonl", b'{"question": "\xff"}', "test.jsonl, line 1, is not a JSON object"),
        ("test.jsonl.gz", b"{}", "test.jsonl.gz cannot be read"),
        ("test.jsonl.gz", gzip.compress(b"{}" * 999, mtime=0)[:20], "test.jsonl.gz cannot be read"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, data: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(OvbookError, match=says):
        open_data_set("sciq", folder=tmp_path).examples("test", 1)


def test_each_descriptor_turns_a_row_into_an_example() -> None:
    rows = {
        "gsm8k": {"question": "1 + 1?", "answer": "1 + 1 = 2\n#### 2"},
        "rte": {"sentence1": "A.", "sentence2": "B.", "label": 0},
        "boolq": {"question": "is it", "passage": "It is.", "answer": True},
        "sciq": {
            "question": "What?",
            "support": "",
            "correct_answer": "iron",
            "distractor1": "tin",
            "distractor2": "zinc",
            "distractor3": "gold",
        },
    }
    made = {name: DATA_SETS[name].example(row) for name, row in rows.items()}
    assert made["gsm8k"].answer.endswith("#### 2")
    assert made["rte"].answer == "yes"
    assert made["boolq"].answer == "yes"
    assert made["sciq"].choices == ("gold", "iron", "tin", "zinc")
    assert made["sciq"].answer == "iron"


def test_the_text_folder_is_found_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "gsm8k" / "test.jsonl", [{"question": "q", "answer": "#### 1"}])
    monkeypatch.setenv("OVBOOK_TEXT_DIR", str(tmp_path))
    assert open_task("gsm8k").examples("test", 5)[0].answer == "#### 1"


# --- your own files -----------------------------------------------------------------------------------------


def test_your_own_task_files(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"question": f"q{i}", "answer": "ab"[i % 2]} for i in range(40)])
    write(tmp_path / "test.jsonl", [{"question": f"t{i}", "answer": "ab"[i % 2]} for i in range(40)])
    written = open_task(f"file:{tmp_path}")
    assert written.kind == "generation"
    assert written.metric == "rouge-l"
    labelled = open_task(f"file:{tmp_path}#kind=classification")
    assert labelled.choices == ("a", "b")
    assert len(labelled.examples("test", 100)) == 40
    with pytest.raises(OvbookError, match=r"#kind=classification"):
        open_task(f"file:{tmp_path}#sort=x")


def test_one_label_only_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "train.jsonl", [{"question": f"q{i}", "answer": "a"} for i in range(40)])
    with pytest.raises(OvbookError, match=r"holds 1 label \(a\)"):
        open_task(f"file:{tmp_path}#kind=classification")


def test_unknown_tasks_suggest_and_world_tasks_need_a_world() -> None:
    with pytest.raises(OvbookError, match=r"did you mean 'boolq'"):
        open_task("bolq")
    with pytest.raises(OvbookError, match=r"in the words of a world"):
        open_task("topic")
