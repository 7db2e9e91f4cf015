import subprocess
import sys

import pytest
import torch
from torch import nn

from paretune.compress._travel import Export, obstacle
from paretune.core import InputError, Model, TensorSpec
from tests.pipeline import nets


def test_a_module_of_an_importable_class_can_be_sent():
    assert obstacle(nets.digits()) == ""
    assert obstacle(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())) == ""


def test_a_module_of_a_class_inside_a_function_cannot_be_sent():
    class Local(nn.Module):
        pass

    assert "Local" in obstacle(nn.Sequential(Local()))
    assert "serialize" in obstacle(nn.Sequential(torch.jit.script(nn.ReLU())))


def test_a_module_of_the_running_scripts_own_class_cannot_be_sent():
    script = (
        "from torch import nn\n"
        "from paretune.compress._travel import obstacle\n"
        "class Net(nn.Module):\n"
        "    pass\n"
        "print(obstacle(nn.Sequential(Net())))\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout == "Net is defined in the script that runs\n"


def test_what_can_be_neither_sent_nor_exported_is_refused_with_the_mend():
    class Untraceable(nn.Module):
        def forward(self, x):
            return x if float(x.sum()) > 0 else -x

    spec = TensorSpec(name="x", shape=(None, 3), dtype="float32")
    model = Model(
        name="odd",
        source="test",
        inputs=(spec,),
        outputs=(spec,),
        task="other",
        digest="odd",
        module=Untraceable(),
    )
    with pytest.raises(InputError, match=r"define its class in a file that can be imported"):
        Export(model, "it is local")
