"""Libraries that report to their makers are kept from it, before any of them is imported.

A user's model is nobody else's business, and what is timed must have the machine to itself.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from types import ModuleType

#: ONNX Runtime (since 1.29 on Linux, names and hashes of models) and the Hugging Face hub.
VARIABLES = ("ORT_DISABLE_TELEMETRY", "HF_HUB_DISABLE_TELEMETRY")
#: What OpenVINO and NNCF report with, from a process that they fork as they are imported; both do
#: without where it is not installed.
PACKAGE = "openvino_telemetry"


def silence() -> None:
    """Keep this process, and those that it starts, from reporting; what the user has set stays."""
    for name in VARIABLES:
        os.environ.setdefault(name, "1")
    # As Python documents it, None here makes an import fail; types of the library do not know it.
    missing = cast("ModuleType", None)
    sys.modules.setdefault(PACKAGE, missing)
