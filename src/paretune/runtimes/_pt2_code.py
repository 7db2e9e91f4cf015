"""What of an exported program's graph PyTorch looks up by name or evaluates as an expression.

Three kinds of text in a graph reach the interpreter when it is loaded or run: operator names,
followed attribute by attribute from `torch`, `operator` or `math`; symbolic sizes, which sympy
evaluates; and guards on inputs, which are compiled as Python. Only the plain forms that the
exporter writes pass here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

_OPERATOR = re.compile(
    r"torch\.ops\.[a-z]\w*\.([a-zA-Z]\w*|_[a-z]\w*|__(and|or|xor|lshift|rshift)__)(\.\w+)?"
    r"|torch\._?sym_\w+"
    r"|_operator\.(getitem|add|sub|mul|mod|neg|pow|pos|abs|truediv|floordiv|eq|ne|lt|le|gt|ge"
    r"|and_|or_|not_|xor|lshift|rshift)"
    r"|math\.(ceil|floor|trunc|sqrt|pow|log|log2|exp)"
)
#: Operators of PyTorch itself that read files or run text handed to them.
_HARMFUL = re.compile(r"torch\.ops\.(aten|prim)\.(from_file|save|load)\b")
_SYMBOL = re.compile(r"[a-z]{1,4}\d+")
#: Functions of torch.utils._sympy.functions and of sympy itself that sizes are made of.
_FUNCTIONS = frozenset(
    """FloorDiv ModularIndexing Where PythonMod Mod CleanDiv CeilToInt FloorToInt CeilDiv LShift
    RShift PowByNatural FloatPow FloatTrueDiv IntTrueDiv IsNonOverlappingAndDenseIndicator
    TruncToFloat TruncToInt RoundToInt RoundDecimal ToFloat Identity Symbol Integer Float Rational
    Add Mul Pow Max Min Abs Eq Ne Lt Le Gt Ge Equality Unequality StrictLessThan LessThan
    StrictGreaterThan GreaterThan And Or Not Piecewise floor ceiling oo int_oo true false
    """.split()  # noqa: SIM905 - a list of fifty quoted words hides what it says
)
_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.Call, ast.keyword,
    ast.Name, ast.Load, ast.Constant, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
)  # fmt: skip

_GUARD_ATTRIBUTES = frozenset(
    (
        "ceil", "device", "dtype", "floor", "shape", "size", "sqrt", "storage_offset", "stride",
        "sym_max", "sym_min", "trunc",
    )
)  # fmt: skip


def foreign(graph: Any) -> str:
    """The first text in a serialised exported program that is none of the plain forms.

    Args:
        graph: `models/model.json` of the archive, parsed.

    Returns:
        The text, empty where there is none.
    """
    for key, value in _walk(graph):
        if key == "target" and isinstance(value, str):
            if "." in value and not is_operator(value):
                return value
        elif key == "expr_str" and not is_size(value):
            return str(value)
        elif key == "guards_code":
            for line in value or ():
                if not is_guard(line):
                    return str(line)
    return ""


def is_operator(target: str) -> bool:
    """Whether a node's target is one of the operators that graphs consist of."""
    return bool(_OPERATOR.fullmatch(target)) and not _HARMFUL.match(target)


def is_size(text: str) -> bool:
    """Whether a symbolic size is arithmetic over symbols, numbers and sympy's own functions."""
    return all(
        isinstance(node, _NODES)
        and (not isinstance(node, ast.Name) or _known(node.id))
        and (not isinstance(node, ast.Call) or isinstance(node.func, ast.Name))
        and (not isinstance(node, ast.Constant) or _plain(node.value))
        for node in _parsed(text)
    )


def is_guard(text: str) -> bool:
    """Whether a guard compares sizes of inputs, such as `L['x'].size()[0] >= 2`."""
    return all(
        isinstance(node, (*_NODES, ast.Attribute, ast.Subscript))
        and (not isinstance(node, ast.Name) or node.id in ("L", "Mod", "math", "torch"))
        and (not isinstance(node, ast.Attribute) or node.attr in _GUARD_ATTRIBUTES)
        for node in _parsed(text)
    )


def _known(name: str) -> bool:
    return name in _FUNCTIONS or bool(_SYMBOL.fullmatch(name))


def _plain(value: object) -> bool:
    """Numbers, truth values, and strings that are nothing but the name of a symbol."""
    return isinstance(value, (int, float)) or (
        isinstance(value, str) and bool(_SYMBOL.fullmatch(value))
    )


def _parsed(text: Any) -> Iterator[ast.AST]:
    """Every node of an expression; a node that nothing allows where it is none."""
    try:
        yield from ast.walk(ast.parse(text, mode="eval"))
    except (SyntaxError, TypeError, ValueError):
        yield ast.Pass()


def _walk(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key with its value, at any depth."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            yield from _walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _walk(inner)
