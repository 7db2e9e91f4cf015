"""What Inductor needs of the machine is told in one sentence."""

import pytest
import torch

from paretune.core import UnsupportedError
from paretune.runtimes._torch_compile import need_compiler


def test_a_folder_with_a_space_is_refused_with_the_mend(monkeypatch):
    monkeypatch.setattr(torch, "__file__", "/home/some one/torch/__init__.py")
    with pytest.raises(UnsupportedError, match=r"space in its name .*install it elsewhere"):
        need_compiler()


def test_a_missing_compiler_is_told_with_the_mend(monkeypatch):
    from torch._inductor import cpp_builder

    def none() -> str:
        raise RuntimeError("no compiler found")

    monkeypatch.setattr(torch, "__file__", "/opt/torch/__init__.py")
    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", none)
    with pytest.raises(UnsupportedError, match=r"no compiler found\): install g\+\+"):
        need_compiler()
