"""What this machine is, and how quiet it was while something was measured on it."""

from paretune.engine.machine._cores import physical_core_ids
from paretune.engine.machine._detect import ISA_CAP, detect, free_memory_mb
from paretune.engine.machine._isa import ISA_CAPS, cap_named
from paretune.engine.machine.conditions import Watch, process_tree_seconds

__all__ = [
    "ISA_CAP",
    "ISA_CAPS",
    "Watch",
    "cap_named",
    "detect",
    "free_memory_mb",
    "physical_core_ids",
    "process_tree_seconds",
]
