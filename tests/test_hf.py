"""Our decoder against transformers', and our folders in its hands."""

from __future__ import annotations

import json

import pytest
import torch

from ovbook.errors import OvbookError
from ovbook.models import (
    ModelSpec,
    Params,
    forward,
    generate,
    init,
    load_checkpoint,
    parameter_shapes,
    parse_model,
    save_checkpoint,
)

transformers = pytest.importorskip("transformers")

SPECS = {
    "olmo": ModelSpec(vocab=67, width=32, layers=2, heads=2, mlp=88, context=32),
    "olmo clipped and tied": ModelSpec(
        vocab=67, width=32, layers=2, heads=4, mlp=40, context=32, clip_qkv=0.3, tied=True
    ),
    "olmo2": ModelSpec(
        arch="olmo2", vocab=67, width=48, layers=3, heads=3, mlp=64, context=32, rope_theta=5e5, norm_eps=1e-6
    ),
    "neox": ModelSpec(arch="neox", vocab=67, width=64, layers=2, heads=2, mlp=96, context=32, rotary=0.25),
    "neox all rotary": ModelSpec(arch="neox", vocab=67, width=32, layers=2, heads=2, mlp=64, context=32),
}
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


def random_params(spec: ModelSpec, dtype: torch.dtype = torch.float32) -> Params:
    """Random everywhere, norms and biases too: weights of 1 and biases of 0 would hide a swapped one."""
    generator = torch.Generator().manual_seed(5)
    params = init(spec, [3], dtype=dtype)
    for name, tensor in params.items():
        if tensor.dim() == 2:
            params[name] = tensor + 0.3 * torch.randn(tensor.shape, generator=generator, dtype=dtype)
    return params


def tokenizer_json(vocab: int) -> str:
    from tokenizers import AddedToken, Tokenizer, models, pre_tokenizers

    words = ["<pad>", "<bos>", "<eos>", "<unk>", *(f"w{i}" for i in range(vocab - 4))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer.add_special_tokens([AddedToken(w, special=True) for w in words[:4]])
    return tokenizer.to_str()


def tokens_for(spec: ModelSpec, rows: int = 3, length: int = 24) -> torch.Tensor:
    return torch.randint(spec.vocab, (1, rows, length), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("dtype", TOLERANCE, ids=["float32", "float64"])
@pytest.mark.parametrize("name", SPECS)
def test_logits_are_those_of_transformers(name, dtype, tmp_path):
    spec = SPECS[name]
    params = random_params(spec, dtype)
    save_checkpoint(tmp_path / "model", params, spec, None)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model", dtype=dtype).eval()
    tokens = tokens_for(spec)
    with torch.no_grad():
        expected = theirs(tokens[0]).logits
    ours = forward(params, spec, tokens)[0]
    assert ours.dtype == dtype == expected.dtype
    assert (ours - expected).abs().max() < TOLERANCE[dtype]
    assert expected.std() > 0.1  # a comparison of nothing with nothing would pass too


@pytest.mark.parametrize("name", SPECS)
def test_parameters_are_exactly_those_of_transformers(name, tmp_path):
    spec = SPECS[name]
    save_checkpoint(tmp_path / "model", random_params(spec), spec, None)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    names = {n: tuple(t.shape) for n, t in theirs.named_parameters()}
    if "neox" in name and "lm_head.weight" in names:  # transformers 5 in memory; files keep Pythia's name
        names["embed_out.weight"] = names.pop("lm_head.weight")
    assert names == parameter_shapes(spec)


@pytest.mark.parametrize("name", SPECS)
def test_a_checkpoint_comes_back_as_it_went(name, tmp_path):
    spec, params = SPECS[name], random_params(SPECS[name])
    save_checkpoint(tmp_path / "model", params, spec, tokenizer_json(spec.vocab))
    back, spec_back = load_checkpoint(tmp_path / "model")
    assert spec_back == spec
    assert back.keys() == params.keys()
    assert all(torch.equal(back[n], params[n]) for n in params)


@pytest.mark.parametrize("name", ["olmo", "olmo2", "neox"])
def test_a_checkpoint_saved_by_transformers_loads(name, tmp_path):
    spec = SPECS[name]
    save_checkpoint(tmp_path / "ours", random_params(spec), spec, None)
    theirs = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "ours")
    theirs.save_pretrained(tmp_path / "theirs", max_shard_size="20KB")  # several files and an index
    assert (tmp_path / "theirs" / "model.safetensors.index.json").exists()
    params, back = load_checkpoint(tmp_path / "theirs", dtype=torch.float64)
    assert back == spec
    expected, _ = load_checkpoint(tmp_path / "ours")
    assert all(torch.equal(params[n], expected[n].double()) for n in expected)


def test_transformers_generates_what_we_generate(tmp_path):
    spec = parse_model("olmo:32x2", vocab=67, context=32)
    params = init(spec, [0])
    save_checkpoint(tmp_path / "model", params, spec, tokenizer_json(spec.vocab))
    tokenizer = transformers.AutoTokenizer.from_pretrained(tmp_path / "model")
    assert (tokenizer.bos_token_id, tokenizer.eos_token_id, tokenizer.pad_token_id) == (1, 2, 0)
    assert tokenizer.decode(tokenizer("w3 w5 what").input_ids) == "w3 w5 <unk>"
    model = transformers.AutoModelForCausalLM.from_pretrained(tmp_path / "model")
    assert model.generation_config.eos_token_id == 2
    inputs = tokenizer("<bos> w3 w5 w8", return_tensors="pt")
    theirs = model.generate(**inputs, max_new_tokens=10, do_sample=False)
    ours = generate(params, spec, inputs.input_ids[None], 10, stop=2)
    assert ours[0].tolist() == theirs.tolist()


def test_a_config_in_the_old_spelling_is_read(tmp_path):
    spec = SPECS["neox"]
    save_checkpoint(tmp_path / "model", random_params(spec), spec, None)
    config = json.loads((tmp_path / "model" / "config.json").read_text())
    del config["rope_parameters"], config["ovbook_init"]
    config["rotary_emb_base"] = 500
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    _, back = load_checkpoint(tmp_path / "model")
    assert (back.rotary, back.rope_theta, back.init) == (0.25, 500.0, "small")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model_type": "llama"}, "'llama' model: this decoder reads olmo, olmo2, gpt_neox"),
        ({"num_key_value_heads": 1}, "uses grouped key-value heads"),
        ({"rope_parameters": {"rope_type": "yarn"}}, "uses rotary scaling"),
        ({"intermediate_size": 9}, "mlp.gate_proj.weight has the shape"),
        ({"num_hidden_layers": 3}, "model.layers.2.self_attn.q_proj.weight is missing"),
    ],
)
def test_a_config_we_cannot_compute_is_refused(change, message, tmp_path):
    spec = SPECS["olmo"]
    save_checkpoint(tmp_path / "model", random_params(spec), spec, None)
    config = json.loads((tmp_path / "model" / "config.json").read_text()) | change
    (tmp_path / "model" / "config.json").write_text(json.dumps(config))
    with pytest.raises(OvbookError, match=message):
        load_checkpoint(tmp_path / "model")


def test_damage_is_one_sentence(tmp_path):
    spec = SPECS["olmo"]
    save_checkpoint(tmp_path / "model", random_params(spec), spec, None)
    weights = tmp_path / "model" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-100])
    with pytest.raises(OvbookError, match="is damaged and cannot be read"):
        load_checkpoint(tmp_path / "model")
    weights.unlink()
    with pytest.raises(OvbookError, match=r"it lacks model\.safetensors"):
        load_checkpoint(tmp_path / "model")


def test_a_stack_is_not_one_checkpoint(tmp_path):
    spec = SPECS["olmo"]
    with pytest.raises(OvbookError, match="one by one"):
        save_checkpoint(tmp_path / "model", init(spec, [0, 1]), spec, None)
    assert not (tmp_path / "model").exists()
