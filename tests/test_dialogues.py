"""Dialogues as tasks: the last answer is learnt, long ones lose their beginning, rows without an answer are left out."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from ovbook.models import init, load_any, parse_model, read_shape, save_checkpoint
from ovbook.tasks import Coder, build_rows, open_data_set
from released_suites import write_dialogues

REAL = os.environ.get("OVBOOK_TEXT_DIR")
WORDS = Coder(encode=lambda text: [hash(w) % 900 + 10 for w in text.split()], decode=lambda ids: "", eos=2)


def test_one_split_of_dialogues_is_divided(tmp_path: Path) -> None:
    write_dialogues(tmp_path / "hh-rlhf")
    task = open_data_set("hh-rlhf", folder=tmp_path / "hh-rlhf")
    parts = {split: task.examples(split, 1000) for split in ("train", "validation", "test")}
    assert sum(map(len, parts.values())) == 80  # the 81st has an empty answer
    questions = {split: {ex.question for ex in found} for split, found in parts.items()}
    assert not questions["train"] & questions["test"]
    assert not questions["train"] & questions["validation"]
    example = parts["train"][0]
    assert example.question.startswith("Human: Where does lobster number")
    assert example.question.endswith("\n\nAssistant:")
    assert example.answer in ("To the sea.", "To the harbour.")


def test_loss_falls_on_the_answer_and_a_long_dialogue_keeps_its_end(tmp_path: Path) -> None:
    write_dialogues(tmp_path / "hh-rlhf")
    task = open_data_set("hh-rlhf", folder=tmp_path / "hh-rlhf")
    examples = task.examples("train", 60)
    rows = build_rows(task, examples, WORDS, context=32)
    long = sum(len(ex.question.split()) + 4 > 32 for ex in examples)
    assert rows.cut_questions == long > 0
    assert f"{long} questions of {len(examples)} were cut to fit the context" in rows.note
    assert (rows.weight.sum(axis=1) == 4).all()  # three words of the answer, and the end
    at = next(i for i, ex in enumerate(examples) if len(ex.question.split()) > 40)
    assistant = WORDS.encode("Assistant:")[0]
    assert assistant in rows.tokens[at]  # whose turn it is was not cut away


def test_tulu_takes_the_last_answer_of_a_list_of_messages(tmp_path: Path) -> None:
    turns = [
        ("system", "Be kind."),
        ("user", "Hello"),
        ("assistant", "Hi."),
        ("user", "Why?"),
        ("assistant", "So."),
    ]
    rows = [{"messages": [{"role": r, "content": f"{c} {i}"} for r, c in turns]} for i in range(40)]
    rows.append({"messages": [{"role": "user", "content": "no answer"}]})
    (tmp_path / "train.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    task = open_data_set("tulu-v2", folder=tmp_path)
    found = [ex for split in ("train", "validation", "test") for ex in task.examples(split, 100)]
    assert len(found) == 40
    example = min(found, key=lambda ex: int(ex.answer.split()[-1]))
    assert example.answer == "So. 0"
    assert (
        example.question
        == "<|system|>\nBe kind. 0\n<|user|>\nHello 0\n<|assistant|>\nHi. 0\n<|user|>\nWhy? 0\n<|assistant|>"
    )


@pytest.mark.skipif(not REAL, reason="OVBOOK_TEXT_DIR names no folder of real text")
def test_the_real_dialogues() -> None:
    task = open_data_set("hh-rlhf")
    found = [len(task.examples(split, 5000)) for split in ("train", "validation", "test")]
    assert 2000 < sum(found) <= 2312
    assert found[0] > found[2] > found[1]


def test_the_decoder_reads_what_it_computes_and_transformers_the_rest(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers")
    import torch

    from ovbook.models import forward, generate, init_std_of, parameter_count

    spec = parse_model("olmo:16x1", vocab=50, context=32)
    save_checkpoint(tmp_path / "ours", init(spec, [0]), spec, None)
    assert load_any(tmp_path / "ours")[1] == spec
    config = transformers.LlamaConfig(
        vocab_size=50, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=32, tie_word_embeddings=True, initializer_range=0.05,
    )  # fmt: skip
    torch.manual_seed(0)
    theirs = transformers.AutoModelForCausalLM.from_config(config)
    theirs.save_pretrained(tmp_path / "llama")
    assert read_shape(tmp_path / "llama") is None
    params, shape = load_any(tmp_path / "llama", dtype=torch.float32)
    tokens = torch.randint(50, (1, 3, 20), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        assert torch.equal(forward(params, shape, tokens)[0], theirs(tokens[0]).logits)
        written = theirs.generate(tokens[0, :1, :5], max_new_tokens=4, do_sample=False, pad_token_id=0)
    assert generate(params, shape, tokens[:, :1, :5], 4)[0].tolist() == written.tolist()
    assert parameter_count(shape) == sum(t.numel() for t in theirs.parameters())  # tied weights once
    assert set(init_std_of(shape).values()) == {0.0, 0.05}
    moved = {name: tensor + 0.01 for name, tensor in params.items()}
    save_checkpoint(tmp_path / "again", moved, shape, None)
    again, _ = load_any(tmp_path / "again")
    assert all(torch.equal(again[name], tensor) for name, tensor in moved.items())
    with pytest.raises(Exception, match="is one model: give it a stack of one"):
        forward(params, shape, tokens.expand(2, -1, -1))
