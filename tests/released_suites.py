"""Tiny released models for the stand-in hub: an OLMo suite with two names for one checkpoint, a GPT-NeoX, a Llama."""

from __future__ import annotations

import json
from pathlib import Path

from ovbook.models import ModelSpec, init, parse_model, save_checkpoint
from ovbook.text.bpe import train_bpe

__all__ = ["STEPS", "TEXT", "prepare_released", "write_dialogues", "write_questions"]

STEPS = ["step0-tokens0B", "step100-tokens1B", "step200-tokens2B", "step300-tokens3B"]
TEXT = "".join(
    f"The {colour} lobster number {i} walks to the {place} and it is late in the year {1900 + i}.\n"
    for i in range(60)
    for colour in ("blue", "grey", "old")
    for place in ("sea", "harbour", "long bridge")
)


def prepare_released(models: Path) -> None:
    """Fill the folder ``models`` of a stand-in hub with the repositories of ``owner/``."""
    tokenizer = train_bpe([TEXT], 300)
    words = tokenizer.to_str()
    vocab = tokenizer.get_vocab_size()
    olmo, neox = (parse_model(name, vocab=vocab, context=64) for name in ("olmo:16x1", "neox:16x1"))
    for i, step in enumerate(STEPS):
        _save(models / "suite" / step, olmo, i, words)
        _save(models / "flat" / step, olmo, min(i, 2), words)
    _save(models / "suite" / "main", olmo, 3, words)
    _save(models / "neox" / "step0", neox, 0, words)
    _save(models / "neox" / "step1000", neox, 1, words)
    _llama(models / "llama" / "main", vocab, words)


def _save(folder: Path, spec: ModelSpec, seed: int, words: str) -> None:
    # Later checkpoints have grown, as weights do, so that step 0 and the last differ in spread.
    params = {name: (1 + 0.2 * seed) * tensor for name, tensor in init(spec, [seed]).items()}
    save_checkpoint(folder, params, spec, words)


def _llama(folder: Path, vocab: int, words: str) -> None:
    import torch
    import transformers

    config = transformers.LlamaConfig(
        vocab_size=vocab,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=64,
    )
    torch.manual_seed(1)
    transformers.AutoModelForCausalLM.from_config(config).save_pretrained(folder)
    (folder / "tokenizer.json").write_text(words)
    told = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<eos>", "pad_token": "<pad>"}
    (folder / "tokenizer_config.json").write_text(json.dumps(told))


def write_dialogues(folder: Path, count: int = 80) -> None:
    """A folder with dialogues in the form of Anthropic-HH, in one split, some of them long."""
    folder.mkdir(parents=True)
    rows = [
        {
            "chosen": f"\n\nHuman: Where does lobster number {i} go?{' It is late.' * (40 if i % 9 == 0 else 1)}"
            f"\n\nAssistant: To the {'sea' if i % 2 else 'harbour'}.",
            "rejected": "\n\nHuman: x\n\nAssistant: y",
        }
        for i in range(count)
    ]
    rows.append(
        {"chosen": "\n\nHuman: Hello?\n\nAssistant: ", "rejected": ""}
    )  # real ones hold such rows, too
    (folder / "harmless-base-test.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def write_questions(folder: Path) -> None:
    """A folder with multiple-choice questions of one's own."""
    folder.mkdir(parents=True)
    for split, first in (("train", 0), ("test", 100)):
        rows = [
            {
                "question": f"Which is the colour of lobster {i}?",
                "answer": "blue" if i % 2 else "grey",
                "choices": ["blue", "grey"],
            }
            for i in range(first, first + 24)
        ]
        (folder / f"{split}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
