"""A reader's own perturbation, model and text: the modules that the page "Use it in your own work" shows."""

from __future__ import annotations

import ast
import dataclasses
import re
import sys
from pathlib import Path

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import init, parse_model, save_checkpoint
from ovbook.own import own_function, own_hash
from ovbook.perturb import changed, sweep
from ovbook.runs import SCALES, Checkpoint, Perturb, Pretrain, execute, parameters

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "book" / "own-work.md"
SPEC = parse_model("olmo:16x1", vocab=64, context=16)
ROWS = torch.randint(4, 64, (40, 16), generator=torch.Generator().manual_seed(1))
TEXT = "One fish, two fish, red fish, blue fish. Black fish, blue fish, old fish, new fish. "


@pytest.fixture(autouse=True)
def _importable(tmp_path, monkeypatch):
    """Both the examples and a module written by the test can be imported, here and in worker processes."""
    monkeypatch.syspath_prepend(ROOT / "examples")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("OVBOOK_STORE", str(tmp_path / "store"))


@pytest.fixture
def mine(tmp_path):
    """Writes the reader's module ``mine_NUMBER.py`` and names a function of it."""

    def write(body: str, function: str = "change") -> str:
        (tmp_path / "mine.py").write_text(body)
        return f"mine:{function}"

    yield write
    sys.modules.pop("mine", None)


def scaled(factor: str) -> str:
    return f"def change(weights, size, seed):\n    return {{n: t * (1 + {factor} * size) for n, t in weights.items()}}\n"


# --- a function by name


def test_a_function_is_the_one_that_stands_in_the_file_now(mine):
    name = mine("def change(weights, size, seed):\n    return 1\n")
    first = own_hash(name)
    assert own_function(name)(None, 0, 0) == 1
    mine("def change(weights, size, seed):\n    return 2\n")  # as long as before, and within the same second
    assert own_function(name)(None, 0, 0) == 2
    assert own_hash(name) != first


def test_a_module_may_hold_what_modules_hold(mine):
    name = mine(
        "from __future__ import annotations\nimport dataclasses\n\n@dataclasses.dataclass\nclass Size:\n    by: float\n\n"
        "def change(weights, size, seed):\n    return Size(by=size)\n"
    )
    assert own_function(name)({}, 0.5, 0).by == 0.5
    assert "mine" not in sys.modules, "the reader's own import of it stays the reader's"


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("__main__:change", "put the function into a file such as mine.py"),
        ("own perturbation:change", "names no module"),
        ("nowhere_to_be_found:change", "finds no source file for the module 'nowhere_to_be_found'"),
        ("math:sqrt", "finds no source file"),
        ("own_perturbation:low_ranks", r"no function 'low_ranks' \(did you mean 'low_rank'\?\)"),
    ],
)
def test_what_cannot_be_found_is_one_sentence(name, said):
    with pytest.raises(OvbookError, match=said) as error:
        Perturb(base=Checkpoint(run=Pretrain(budget=1_000_000)), noise=name, gammas=(0.0, 0.1))
    assert "\n" not in str(error.value)


def test_a_module_that_fails_says_so(mine):
    with pytest.raises(
        OvbookError, match=r"cannot be executed \(ZeroDivisionError: division by zero\): mend mine.py"
    ):
        own_function(mine("1 / 0\n"))


# --- a spec with it


def test_the_source_is_part_of_the_key_and_built_in_noise_has_none(mine):
    def spec(noise):
        return Perturb(base=Checkpoint(run=Pretrain(budget=1_000_000)), noise=noise, gammas=(0.0, 0.1))

    name = mine(scaled("0.1"))
    before = spec(name).key()
    assert spec(name).key() == before
    mine(scaled("0.2"))
    assert spec(name).key() != before
    assert spec("init").data_hash() is None, "keys of results that lie in stores must not move"


def test_a_run_asked_for_before_an_edit_is_refused(mine, tmp_path):
    run = Pretrain(budget=2_048, model="olmo:16x1", batch=8)
    name = mine(scaled("0.1"))
    old = Perturb(base=Checkpoint(run=run), noise=name, gammas=(0.0, 0.1), draws=1, rows=4)
    old.key()
    mine(scaled("0.2"))
    with pytest.raises(OvbookError, match="was changed after this run was asked for"):
        execute([old], workers=1)
    new = dataclasses.replace(old)
    assert len(execute([new], workers=1).table(Perturb)) == 2


def test_size_zero_is_the_model_as_it_is_and_the_weights_are_left_alone(mine):
    params = init(SPEC, [0])
    kept = {name: tensor.clone() for name, tensor in params.items()}
    name = mine(
        "def change(weights, size, seed):\n    for t in weights.values():\n        t.zero_()\n    return weights\n"
    )
    records = sweep(params, SPEC, ROWS, gammas=[0.0, 1.0], draws=2, noise=name, seed=0)
    assert [(r["gamma"], r["draw"]) for r in records] == [(0.0, 0), (1.0, 0), (1.0, 1)]
    assert records[0]["change"] == 0.0
    norm = sum(float(t.double().square().sum()) for t in kept.values()) ** 0.5
    assert records[1]["change"] == pytest.approx(norm)
    assert all(torch.equal(params[n], kept[n]) for n in kept)


def test_chance_is_given_by_the_seed_and_the_draw_alone(mine):
    name = mine(
        "seen = []\ndef change(weights, size, seed):\n    seen.append((size, seed))\n    return weights\n"
    )
    for model in (0, 1):  # two budgets of one seed
        sweep(init(SPEC, [model]), SPEC, ROWS[:4], gammas=[0.1, 0.2], draws=2, noise=name, seed=7)
    seen = own_function(name).__globals__["seen"]
    assert seen[:4] == seen[4:]
    assert [size for size, _ in seen[:4]] == [0.1, 0.2, 0.1, 0.2]
    assert seen[0][1] == seen[1][1] != seen[2][1]


@pytest.mark.parametrize(
    ("returned", "said"),
    [
        ("None", "returned NoneType, but it must return the weights by name"),
        ("{}", r"returned no tensor model\.embed_tokens\.weight"),
        (
            "{n: t[:1] for n, t in weights.items()}",
            r"of the shape \(1, 16\).*this one of the shape \(64, 16\)",
        ),
    ],
)
def test_a_function_that_returns_something_else_is_refused(mine, returned, said):
    name = mine(f"def change(weights, size, seed):\n    return {returned}\n")
    with pytest.raises(OvbookError, match=said):
        changed(init(SPEC, [0]), name, 0.1, 0)


# --- the examples


def test_cutting_singular_values_lowers_the_rank_and_keeps_the_largest():
    from own_perturbation import low_rank

    weights = {n: t[0] for n, t in init(SPEC, [0]).items()}
    poorer = low_rank(weights, cut=0.5, seed=0)
    for name, matrix in weights.items():
        before, after = torch.linalg.svdvals(matrix), torch.linalg.svdvals(poorer[name])
        kept = len(before) - round(0.5 * len(before))
        torch.testing.assert_close(after[:kept], before[:kept], rtol=1e-4, atol=1e-6)
        assert float(after[kept:].abs().max()) < 1e-5


def test_dropping_draws_from_the_seed_alone():
    from own_perturbation import dropped

    weights = {"w": torch.ones(40, 50), "norm": torch.ones(3)}
    one, again, other = (dropped(weights, share=0.3, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(one["w"], again["w"])
    assert not torch.equal(one["w"], other["w"])
    assert 1 - float(one["w"].mean()) == pytest.approx(0.3, abs=0.05)
    assert one["norm"].tolist() == [1, 1, 1]


@pytest.mark.slow
def test_a_perturbation_goes_over_the_suite_in_processes_of_their_own():
    from own_perturbation import damage, experiment, growth

    p = parameters(scale="smoke", seeds=2, budgets=[8_192, 16_384])
    runs = experiment(p, "own_perturbation:low_rank", sizes=(0.1, 0.6))
    assert len(runs) == 4
    table = execute(runs, workers=2).table(Perturb)
    by_size = damage(table).set_index(["gamma", "tokens"])["mean"]
    assert all(by_size[0.6, tokens] > abs(by_size[0.1, tokens]) for tokens in p.budgets), (
        "less rank hurts more"
    )
    slopes = growth(table)
    assert slopes["n"].tolist() == [2, 2]
    assert (slopes["low"] <= slopes["slope"]).all()
    assert (slopes["slope"] <= slopes["high"]).all()


@pytest.fixture(scope="module")
def words():
    """A tokenizer of forty words, as `tokenizers` writes it."""
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    names = ["<pad>", "<bos>", "<eos>", "<unk>", *(f"w{i}" for i in range(36))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(names)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(w, special=True) for w in names[:4]])
    return tokenizer.to_str()


SENTENCES = " ".join(f"w{i % 36}" for i in range(1000))


@pytest.mark.parametrize("arch", ["olmo", "olmo2", "neox"])
def test_checkpoints_of_the_decoders_kinds_are_shaken(arch, words, tmp_path):
    from own_model import Model, any_other, ours, rows_of, shaken

    from ovbook.stats import increase_over_base

    spec = parse_model(f"{arch}:16x1", vocab=40, context=128)
    for tokens, seed in ((1_000, 0), (2_000, 1)):
        save_checkpoint(tmp_path / f"at {tokens}", init(spec, [seed]), spec, words)
    models = [Model(str(tmp_path / f"at {tokens}"), tokens) for tokens in (1_000, 2_000)]
    table = shaken(models, SENTENCES, gammas=(0.0, 0.5), draws=2)
    assert len(table) == 2 * 3
    assert increase_over_base(table).query("gamma > 0")["increase"].abs().min() > 0
    rows = rows_of(models[0], SENTENCES)
    assert tuple(rows.shape) == (7, 128)
    base = table.query("tokens == 1000 and gamma == 0")["loss"].item()
    weights, loss, _ = any_other(models[0], rows)
    assert loss(weights) == pytest.approx(base, abs=1e-4), (
        "transformers and our decoder score the same text alike"
    )
    assert ours(models[0], rows)[1](ours(models[0], rows)[0]) == pytest.approx(base)


def test_any_other_model_goes_through_transformers(words, tmp_path):
    from own_model import Model, any_other, shaken
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=40,
        hidden_size=16,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        max_position_embeddings=128,
        tie_word_embeddings=True,
    )
    LlamaForCausalLM(config).save_pretrained(tmp_path / "llama")
    (tmp_path / "words.json").write_text(words)
    PreTrainedTokenizerFast(tokenizer_file=str(tmp_path / "words.json")).save_pretrained(tmp_path / "llama")
    model = Model(str(tmp_path / "llama"), 1_000)
    with pytest.raises(OvbookError, match="AutoModelForCausalLM"):
        shaken([model], SENTENCES)
    table = shaken([model], SENTENCES, gammas=(0.0, 2.0), draws=2, read=any_other)
    losses = table.set_index(["gamma", "draw"])["loss"]
    assert losses[2.0, 0] != losses[0.0, 0] != losses[2.0, 1]


def test_revisions_say_their_tokens():
    from own_model import Model, released

    olmo = released("allenai/OLMo-1B-hf", ["step1000-tokens4B"])
    assert olmo == [Model("allenai/OLMo-1B-hf", 4_000_000_000, "step1000-tokens4B")]
    assert released("EleutherAI/pythia-14m", ["step512"])[0].tokens == 512 * 2_097_152


@pytest.fixture
def folder(tmp_path):
    """A folder of text, some twelve thousand tokens long."""
    (tmp_path / "texts").mkdir()
    for n in range(3):
        (tmp_path / "texts" / f"{n}.txt").write_text(TEXT * 150)
    return tmp_path / "texts"


def test_a_folder_of_text_goes_through_chapter_2(folder):
    from own_corpus import budgets_within, shake, verdicts

    budgets = budgets_within(str(folder), count=2, batch=4, vocab=270)
    assert budgets[1] >= 2 * budgets[0]
    settings = {
        "model": "olmo:16x1",
        "batch": 4,
        "rows": 2,
        "draws": 2,
        "gammas": [0.0, 0.2],
        "relative": [0.0],
    }
    table, p = shake(folder, vocab=270, scale="smoke", budgets=budgets, **settings)
    assert set(table["tokens"]) == set(budgets)
    assert table["epochs"].max() <= 1, "the largest budget is one pass over the text"
    assert {v.verdict for v in verdicts(table, p)} == {"not tested at this scale"}
    longer, q = shake(
        folder, vocab=270, scale="laptop", seeds=2, budgets=[*budgets, 4 * budgets[1]], **settings
    )
    assert all("the text was repeated (×" in v.reason for v in verdicts(longer, q))


def test_a_text_that_is_too_short_for_the_budgets_is_named(folder):
    from own_corpus import budgets_within

    with pytest.raises(OvbookError, match="give more text, a smaller batch or a smaller count"):
        budgets_within(str(folder), count=9, vocab=270)


# --- the page


def test_the_page_shows_all_that_the_examples_offer():
    shown = re.findall(
        r"\{literalinclude\} \.\./examples/(\S+\.py)\n:language: python\n:pyobject: (\w+)\n", PAGE.read_text()
    )
    offered = [
        (module.name, node.name)
        for module in (ROOT / "examples").glob("*.py")
        for node in ast.parse(module.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    ends = {("own_model.py", "main"), ("own_corpus.py", "main")}  # a handle for the command line, no more
    assert sorted(shown) == sorted(set(offered) - ends)


def test_the_output_on_the_page_is_of_the_suite_as_it_is():
    """The captured output was printed by ``own_perturbation.main`` for the scale's present budgets and seeds."""
    text = (ROOT / "examples" / "own_perturbation.txt").read_text()
    laptop = SCALES["laptop"]
    assert {int(n) for n in re.findall(r"^(\d+) +[\d.-]+ \[", text, re.MULTILINE)} == set(laptop["budgets"])
    slopes = re.findall(r"^([\d.]+) +(-?[\d.]+) +(-?[\d.]+) +(-?[\d.]+) +(\d+)$", text, re.MULTILINE)
    assert [(size, int(n)) for size, *_, n in slopes] == [
        (size, laptop["seeds"]) for size in ("0.1", "0.2", "0.3")
    ]
    assert all(float(low) <= float(slope) <= float(high) for _, slope, low, high, _ in slopes)
