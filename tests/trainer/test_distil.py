from dataclasses import replace

import pytest
import torch
from torch.nn.functional import kl_div

from manifests.errors import BadRecipe
from tests.trainer.small import CONFIG, SETTINGS, trained
from trainer.checkpoint import checkpoints
from trainer.distil import divergence
from trainer.mix import open_mix
from trainer.model import Hybrid
from trainer.taught import distil
from trainer.teacher import Predictions, Teacher


def logits(seed, tokens=6, vocabulary=40):
    return 2 * torch.randn(tokens, vocabulary, generator=torch.Generator().manual_seed(seed))


def top_of(teacher, count):
    best, places = teacher.log_softmax(-1).topk(count, -1)
    return places, best


def whole(student, teacher):
    return kl_div(student.log_softmax(-1), teacher.log_softmax(-1), log_target=True, reduction="none").sum(-1)


@pytest.mark.parametrize("rest", ["bucket", "teacher", "both"])
def test_with_all_tokens_on_top_the_divergence_is_the_whole_one(rest):
    student, teacher = logits(0).requires_grad_(), logits(1)
    found = divergence(student, *top_of(teacher, 40), rest)
    assert torch.allclose(found, whole(student, teacher), atol=1e-5)
    gradients = [torch.autograd.grad(one.sum(), student)[0] for one in (found, whole(student, teacher))]
    assert torch.allclose(*gradients, atol=1e-5)


def test_a_bucket_is_the_divergence_with_all_lower_tokens_as_one():
    student, teacher = logits(0), logits(1)
    places, best = top_of(teacher, 5)
    p, q = (torch.softmax(one, -1) for one in (teacher, student))
    p, q = (torch.cat([one.gather(1, places), 1 - one.gather(1, places).sum(-1, keepdim=True)], 1) for one in (p, q))
    found = divergence(student, places, best)
    assert torch.allclose(found, (p * (p / q).log()).sum(-1), atol=1e-5)
    assert bool((found <= whole(student, teacher)).all())


def test_only_without_the_bucket_a_student_may_say_anything_below_the_top():
    student = logits(1).clone()
    places, best = top_of(logits(1), 5)
    student.scatter_add_(1, torch.arange(40).expand(6, 40), torch.ones(6, 40))
    below = torch.ones(6, 40).scatter(1, places, 0.0)
    loud = logits(1) + 5 * below
    assert divergence(loud, places, best, "both").abs().max() < 1e-5
    assert divergence(loud, places, best).min() > 0.05
    assert divergence(student, places, best).abs().max() < 1e-4


def test_predictions_are_those_of_the_teacher_for_each_text_alone_and_made_once(store, tmp_path):
    teacher = trained(store, tmp_path / "teacher")
    [source] = open_mix(store, {"texts": 1})
    made = Predictions(store, source, Teacher(teacher), top=16, length=64)
    made.make()
    model = Hybrid(CONFIG)
    model.load_state_dict(teacher.weights(), strict=False)
    for row in (0, 7, source.rows - 1):
        size = min(64, source.size(row))
        tokens = torch.from_numpy(source.tokens(row, 0, size).astype("int64"))[None]
        expected = model(tokens)[0].log_softmax(-1).topk(16, -1)
        top, log_probs = made.of(row, 0, size)
        assert torch.allclose(torch.from_numpy(log_probs.copy()).float(), expected.values, atol=1e-2)
        assert (torch.from_numpy(top.copy()) == expected.indices).float().mean() > 0.9
    cached = Teacher(teacher)
    Predictions(store, source, cached, top=16, length=64).make()
    assert cached._model is None


def test_a_student_comes_near_to_its_teacher_and_goes_on_where_it_stopped(store, tmp_path):
    teacher = trained(store, tmp_path / "teacher", replace(SETTINGS, steps=40, learning_rate=5e-3))
    small, settings = replace(CONFIG, mlp_width=24), replace(SETTINGS, steps=20, learning_rate=5e-3)

    def learn(name, settings, **options):
        return distil(store, {"texts": 1}, small, settings, tmp_path / name, teacher=teacher, **options)

    done = learn("student", settings, save_every=10)
    losses = [line["loss"] for line in done.metrics()]
    assert losses[-1] < losses[0] / 3
    assert done.job.objective["teacher"] == teacher.weights_digest
    half = checkpoints(tmp_path / "student")[0]
    (tmp_path / "again").mkdir()
    half.path.rename(tmp_path / "again" / half.path.name)
    assert learn("again", settings).weights_digest == done.weights_digest
    with pytest.raises(BadRecipe, match="another job"):
        learn("again", settings, own=0.5)


def test_a_teacher_of_another_vocabulary_is_refused(store, tmp_path):
    teacher = trained(store, tmp_path / "teacher", replace(SETTINGS, steps=1))
    with pytest.raises(BadRecipe, match="a student learns from one with its tokenizer"):
        distil(store, {"texts": 1}, replace(CONFIG, vocabulary=400), SETTINGS, tmp_path / "no", teacher=teacher)
