"""What this machine is, and how quiet it was while something was measured on it."""

from paretune.engine.machine._cores import physical_core_ids
from paretune.engine.machine._detect import detect
from paretune.engine.machine._isa import ISA_CAPS, cap_named
from paretune.engine.machine.conditions import Watch

__all__ = ["ISA_CAPS", "Watch", "cap_named", "detect", "physical_core_ids"]
