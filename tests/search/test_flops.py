"""FLOPs of what the counter does not see by itself, and of what cannot be copied as it is."""

import pytest
import torch
from torch import nn

from paretune.search.flops import flops
from tests.search.keeping import Keeping

BATCH, TOKENS, WIDTH = 2, 5, 16
PROJECTED = 4 * 2 * TOKENS * WIDTH * WIDTH
ATTENDED = 2 * 2 * TOKENS * TOKENS * WIDTH


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.attend = nn.MultiheadAttention(WIDTH, 2, batch_first=True)

    def forward(self, x):
        return self.attend(x, x, x, need_weights=False)[0]


def layer():
    return nn.TransformerEncoderLayer(WIDTH, 2, 32, batch_first=True)


@pytest.mark.parametrize(("made", "beside"), [(Attention, 0), (layer, 2 * 2 * TOKENS * WIDTH * 32)])
def test_attention_counts_whichever_kernel_computes_it(made, beside):
    x = torch.randn(BATCH, TOKENS, WIDTH)
    assert flops(made().eval(), [x]) == PROJECTED + ATTENDED + beside
    # Backward twice as much, but for the gradients of the inputs, which three projections read.
    both = flops(made(), [x], backward=True)
    assert both == 3 * (PROJECTED + ATTENDED + beside) - 3 * PROJECTED // 4
    assert torch.backends.mha.get_fastpath_enabled()


def test_a_module_is_counted_that_kept_something_of_a_pass_with_gradients():
    module, x = Keeping(nn.Linear(4, 10)), torch.randn(2, 4)
    module.eval()
    module.net.train()
    module(x)
    assert flops(module, [x]) == 2 * 4 * 10
    assert [part.training for part in module.modules()] == [False, True]
