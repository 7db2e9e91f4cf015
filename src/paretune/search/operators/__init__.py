"""What blocks may become: one file an operator, found by name."""

from paretune.search.operators._registry import get, operators, register
from paretune.search.operators.base import Operator, Params

__all__ = ["Operator", "Params", "get", "operators", "register"]
