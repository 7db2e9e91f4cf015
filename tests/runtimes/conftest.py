"""Inductor cannot link in a folder with a space in its name; its tests skip there, saying so."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _inductor_links(request):
    about_inductor = "torch-compile" in request.node.name or "pt2e" in request.node.nodeid
    if about_inductor and any(character.isspace() for character in torch.__file__):
        pytest.skip(f"Inductor cannot link where PyTorch lies in {torch.__file__}")
