"""Mathematics datasets as documents: every form that is known, and records that are broken."""

import json
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from corpus.maths_seeds import main, recipe
from corpus.problem_files import ProblemFiles
from corpus.problem_records import ProblemReading
from manifests.errors import BadSource
from manifests.rows import Document, Origin
from manifests.run import run
from manifests.stage import Rejected
from manifests.store import Store
from manifests.view import View

SEEDS = Path(__file__).parents[2].parent / "shared" / "data" / "math-seeds"
BEES = {"question": "Mia has 12 bees and buys half as many. How many?", "answer": "12/2 = <<12/2=6>>6\n#### 1,018"}


def read(record, file="train.jsonl"):
    return ProblemReading("document", "problems").row(record, Origin(file, 0, 0, "sha256:0"), "digest/0")


def rows(*paths):
    return [row for unit in ProblemFiles.find(list(map(str, paths))).units(Store("memory://x")) for row in unit.rows()]


def written(path, *records):
    path.write_text("".join([json.dumps(record, ensure_ascii=False) + "\n" for record in records]), "utf-8")
    return path


def test_a_row_of_gsm8k_is_a_problem_with_its_solution_and_its_answer():
    row = read(BEES)
    assert (row.text, row.language, row.licence, row.source) == (BEES["question"], "en", "MIT", "gsm8k")
    assert row.labels == {"answer": "1018", "dataset": "gsm8k", "split": "train", "solution": BEES["answer"]}


FORMS = {  # a record of each form, and what becomes of it: text, answer, dataset, split, licence
    "lila": (
        {"input": "2 + 3?", "output_program": ["a=2+3\nprint(a)"], "output_answer": ["5"], "split": "dev",
         "dataset": "addsub.json"},
        ("2 + 3?", "5", "addsub.json", "dev", "CC-BY-4.0"),
    ),
    "lila with a licence of its own": (
        {"input": "2 + 3?", "output_program": "print(5)", "output_answer": 5.0, "split": "test", "dataset": "asdiv",
         "license": "MIT"},
        ("2 + 3?", "5", "asdiv", "test", "MIT"),
    ),
    "svamp": (
        {"ID": "1", "Body": "A pot costs 7 yen.", "Question": "And 3?", "Equation": "( 3.0 * 7.0 )", "Answer": 21.0},
        ("A pot costs 7 yen. And 3?", "21", "svamp", "train", "MIT"),
    ),
    "svamp whose body is half a sentence": (
        {"Body": "If a pot costs 7 yen", "Question": "What do 3 cost?", "Answer": 21.5},
        ("If a pot costs 7 yen, what do 3 cost?", "21.5", "svamp", "train", "MIT"),
    ),
    "aqua": (
        {"question": "3 of 7?", "options": ["A)20", "B)21 yen", "C)22"], "rationale": "3*7", "correct": "B"},
        ("3 of 7?", "21 yen", "aqua", "train", "Apache-2.0"),
    ),
    "mgsm is always to measure with": (
        {"question": "ミアは蜂を飼っています。何匹ですか。", "answer": None, "answer_number": 1018},
        ("ミアは蜂を飼っています。何匹ですか。", "1018", "mgsm", "test", "CC-BY-4.0"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_a_record_of_each_form_becomes_a_problem(name):
    record, expected = FORMS[name]
    row = read(record)
    labels = [row.labels[label] for label in ("answer", "dataset", "split")]
    assert (row.text, *labels, row.licence) == expected


def test_a_program_of_lila_is_kept_to_be_run():
    assert read(FORMS["lila"][0]).labels["program"] == "a=2+3\nprint(a)"


BROKEN = {
    "problems/no_question": [
        {"question": " ", "answer": "#### 3"},
        {"question": None, "answer": "#### 3"},
        {"question": ["a"], "answer": "#### 3"},
        {"text": "a", "label": "b"},
        {},
    ],
    "problems/no_answer": [
        {"question": "a?", "answer": "I do not know."},
        {"question": "a?", "answer": None},
        {"input": "a?", "output_answer": []},
        {"question": "a?", "options": ["A)1"], "correct": "E"},
        {"question": "a?", "options": None, "correct": "A"},
        {"Body": "a.", "Question": "b?", "Answer": True},
    ],
    "problems/two_answers": [
        {"question": "a?", "answer": "#### 3\n#### 4"},
        {"input": "a?", "output_answer": ["3", "4"]},
    ],
}


@pytest.mark.parametrize(("reason", "record"), [(reason, one) for reason, each in BROKEN.items() for one in each])
def test_a_broken_record_is_refused_with_the_reason(reason, record):
    found = read(record)
    assert isinstance(found, Rejected)
    assert found.reason == reason


def test_a_lone_surrogate_costs_a_row_not_the_run(tmp_path):
    file = tmp_path / "train.jsonl"
    file.write_text('{"question": "a\\ud800?", "answer": "#### 3"}\n' + json.dumps(BEES), "utf-8")
    store = Store(str(tmp_path / "store"))
    made = run(recipe(), ProblemFiles.find([str(file)]), store=store).manifest
    assert [row.text for row in View(store, made)] == [BEES["question"]]


def test_a_problem_has_the_same_id_in_jsonl_and_in_parquet(tmp_path):
    written(tmp_path / "train.jsonl", BEES)
    pq.write_table(pa.Table.from_pylist([BEES]), tmp_path / "train-00000-of-00001.parquet")
    first, second = rows(tmp_path / "train.jsonl")[0], rows(tmp_path / "train-00000-of-00001.parquet")[0]
    assert (first.id, first.labels, first.text) == (second.id, second.labels, second.text)


def test_a_table_of_two_columns_is_read_and_its_broken_lines_are_refused(tmp_path):
    table = tmp_path / "mgsm_ja.tsv"
    table.write_bytes("蜂は何匹ですか。\t1,018\r\n一つだけ\n\xff\n".encode() + b"\xff\xfe\t3\n\n")
    found = rows(table)
    assert isinstance(found[0], Document)
    assert (found[0].text, found[0].labels["answer"], found[0].language) == ("蜂は何匹ですか。", "1018", "ja")
    assert [one.reason for one in found[1:]] == ["problems/bad_line"] * 4


def test_files_without_problems_are_refused_by_what_was_found_and_what_was_expected(tmp_path):
    with pytest.raises(BadSource, match=r"found columns text; expected input, output_answer \(lila\); Body"):
        rows(written(tmp_path / "a.jsonl", {"text": "a"}))
    with pytest.raises(BadSource, match="no such file"):
        rows(tmp_path / "none.tsv")


def test_the_program_leaves_test_problems_out_unless_they_are_asked_for(tmp_path):
    other = {**BEES, "question": "How many bees are left?"}
    files = [written(tmp_path / "train.jsonl", BEES, BEES), written(tmp_path / "test.jsonl", other)]
    store = Store(str(tmp_path / "store"))
    made = run(recipe(), ProblemFiles.find(list(map(str, files))), store=store).manifest
    assert [row.text for row in View(store, made)] == [BEES["question"]]
    kept = run(recipe(splits=("test",)), ProblemFiles.find(list(map(str, files))), store=store).manifest
    assert [row.text for row in View(store, kept)] == [other["question"]]


def test_parts_of_a_mixture_that_overlap_tests_can_be_left_out(tmp_path):
    lila = [
        {"input": f"{name}?", "output_answer": "5", "split": "train", "dataset": name}
        for name in ("GSM8k_structured.json", "addsub.json")
    ]
    store, files = Store(str(tmp_path / "store")), ProblemFiles.find([str(written(tmp_path / "lila.jsonl", *lila))])
    made = run(recipe(leave_out=("GSM8K",)), files, store=store).manifest
    assert [row.labels["dataset"] for row in View(store, made)] == ["addsub.json"]


def test_the_command_shows_what_it_reads(tmp_path):
    file = written(tmp_path / "train.jsonl", BEES)
    args = [str(file), "--store", str(tmp_path / "s"), "--workers", "1"]
    done = CliRunner().invoke(main, args)
    assert done.exit_code == 0, done.output


def test_the_stored_sets_are_read_whole():
    if not SEEDS.exists():
        pytest.skip("needs ../shared/data/math-seeds")
    names = ["gsm8k_train.jsonl", "gsm8k_test.jsonl", "svamp.json", "aqua_dev.jsonl", "aqua_test.jsonl"]
    found = rows(*[SEEDS / name for name in names], SEEDS / "mgsm_*.tsv")
    assert not [one for one in found if isinstance(one, Rejected)]
    assert Counter((one.labels["dataset"], one.labels.get("split", "")) for one in found) == {
        ("gsm8k", "train"): 7_473,
        ("gsm8k", "test"): 1_319,
        ("svamp", ""): 1_000,
        ("aqua", "dev"): 254,
        ("aqua", "test"): 254,
        ("mgsm", "test"): 500,
    }
    assert len({one.id for one in found}) == len(found)
