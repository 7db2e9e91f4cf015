"""Windows that PyTorch clips to the map become global pooling, and nothing else does."""

import numpy as np
import onnxruntime
import torch
from torch import nn

from paretune.sources import forms, load_model
from paretune.sources.pooling import with_global_pooling


def net(window: int, *, ceil: bool = True) -> nn.Module:
    torch.manual_seed(0)
    pool = nn.AvgPool2d(window, ceil_mode=ceil)
    return nn.Sequential(nn.Conv2d(3, 8, 3, 2, 1), pool, nn.Flatten(), nn.LazyLinear(4)).eval()


def test_a_clipped_window_gives_the_same_answer_elsewhere(tmp_path):
    module, image = net(2560), torch.randn(2, 3, 17, 17)
    with torch.inference_mode():
        expected = module(image).numpy()
    model = load_model(module, input_shape=(3, 17, 17))
    file = forms.as_onnx(model, tmp_path)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    (answer,) = session.run(None, {session.get_inputs()[0].name: image.numpy()})
    np.testing.assert_allclose(answer, expected, atol=1e-5)
    assert isinstance(module[1], nn.AvgPool2d), "the user's own module is left as it is"


def test_a_window_that_fits_is_left_alone():
    image = (torch.randn(1, 3, 16, 16),)
    for module in (net(2), net(2, ceil=False)):
        module(*image)
        assert with_global_pooling(module, image) is module
