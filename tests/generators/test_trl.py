"""Exports as TRL reads them: its own trainers take conversations and pairs as they are."""

import pytest

from manifests.exchange import LINES, export
from manifests.rows import Message, Preference, row_id
from manifests.run import run
from manifests.stage import Recipe
from manifests.store import Store
from tests.generators.talks import talk, talks
from tests.generators.test_reward_head import tiny

ASKED = (Message("system", "Be brief."), Message("user", "how many bees"))
PAIR = Preference(
    id=row_id("preference", "pairs", "bees"),
    prompt=ASKED,
    chosen=(Message("assistant", "25 bees"),),
    rejected=(Message("assistant", "many boats"),),
    scores={"preferences/gap": 1.5},
)
EMPTY = {"output_dir": "", "report_to": [], "use_cpu": True, "bf16": False, "max_steps": 1, "max_length": 16}


@pytest.fixture
def exported(tmp_path):
    datasets = pytest.importorskip("datasets")

    def made(layout, row):
        store = Store(str(tmp_path / "s"))
        run(Recipe("import", ()), talks(row), store=store, tag="rows")
        folder = tmp_path / layout
        export(store, "rows", folder, layout=layout)
        form, suffix = ("json", "jsonl") if layout in LINES else ("parquet", "parquet")
        files = sorted(map(str, folder.rglob(f"*.{suffix}")))
        return datasets.load_dataset(form, data_files=files, split="train", cache_dir=str(tmp_path / "cache"))

    return made


@pytest.mark.parametrize("layout", ["trl", "jsonl", "parquet", "hf"])
def test_a_pair_is_in_the_conversational_form_of_preferences(exported, layout):
    [row] = exported(layout, PAIR)
    assert row["prompt"] == [{"role": one.role, "content": one.content} for one in ASKED]
    assert row["chosen"] == [{"role": "assistant", "content": "25 bees"}]
    assert row["rejected"] == [{"role": "assistant", "content": "many boats"}]


def test_a_trainer_of_preferences_takes_an_export_and_learns_from_the_replies_alone(exported, tmp_path):
    trl = pytest.importorskip("trl")
    transformers = pytest.importorskip("transformers")
    model, tokenizer = tiny_model(transformers, tmp_path / "model")
    arguments = trl.DPOConfig(**EMPTY | {"output_dir": str(tmp_path / "out")})
    trainer = trl.DPOTrainer(
        model=model, args=arguments, train_dataset=exported("trl", PAIR), processing_class=tokenizer
    )
    [row] = trainer.train_dataset
    assert tokenizer.decode(row["prompt_ids"]).split()[-3:] == ["how", "many", "bees"]
    assert tokenizer.decode(row["chosen_ids"]).split()[:2] == ["25", "bees"]
    assert tokenizer.decode(row["rejected_ids"]).split()[:2] == ["many", "boats"]


def test_a_trainer_of_conversations_takes_an_export(exported, tmp_path):
    trl = pytest.importorskip("trl")
    transformers = pytest.importorskip("transformers")
    model, tokenizer = tiny_model(transformers, tmp_path / "model")
    arguments = trl.SFTConfig(**EMPTY | {"output_dir": str(tmp_path / "out")})
    rows = exported("trl", talk("u how many bees", "a 25 bees"))
    trainer = trl.SFTTrainer(model=model, args=arguments, train_dataset=rows, processing_class=tokenizer)
    [row] = trainer.train_dataset
    assert tokenizer.decode(row["input_ids"]).split()[:5] == ["how", "many", "bees", "25", "bees"]


def tiny_model(transformers, folder):
    """A folder that a trainer loads its model from, and its tokenizer."""
    tiny(folder, 1, head=False)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    tokenizer.add_special_tokens({"eos_token": "boats"})
    transformers.LlamaForCausalLM(transformers.LlamaConfig.from_pretrained(folder)).save_pretrained(folder)
    return str(folder), tokenizer
