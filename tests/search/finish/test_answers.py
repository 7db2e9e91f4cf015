import torch

from paretune.search.finish._answers import Answers


def test_what_has_no_room_is_not_kept():
    answers = Answers(2 * 40)
    assert answers.room(80)
    answers.remember(0, torch.zeros(10))
    assert not answers.room(80)
    answers.remember(1, torch.zeros(20))
    answers.remember(2, torch.ones(10))
    assert answers.of(1) is None
    assert torch.equal(answers.of(2), torch.ones(10))
