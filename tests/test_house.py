"""Rules of the house that no other tool checks."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import paretune

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "paretune"
FILES = sorted(SOURCE.rglob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))
PACKAGES = sorted(
    ".".join(file.parent.relative_to(SOURCE.parent).parts)
    for file in SOURCE.rglob("__init__.py")
    if not any(part.startswith("_") for part in file.parent.relative_to(SOURCE).parts)
)
HEAVY = (
    "altair",
    "nncf",
    "onnx",
    "onnxruntime",
    "openvino",
    "sklearn",
    "sqlalchemy",
    "tensorflow",
    "timm",
    "torch",
    "torchao",
    "transformers",
    "vl_convert",
)
# Only one of the two environments of the tests has these, and pytest imports every test in both.
IN_ONE_ENVIRONMENT = {"datasets", "tensorflow", "timm", "torchvision", "transformers"}
LINES = 300
FORBIDDEN = {
    r"/work/|/tmp/w/": "a path of one machine",
    r"\b(TODO|FIXME|XXX)\b": "unfinished work",
    r"pypi\.org|pythonhosted|download\.pytorch": "the name of a registry's host",
    r"except (Base)?Exception:\s+pass": "a swallowed exception",
    r"\bNotImplementedError\b": "a stub",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_importing_a_package_imports_nothing_heavy(package):
    script = f"import sys, {package}\nprint(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_every_package_imports_where_no_heavy_library_is_installed(tmp_path):
    for name in HEAVY:
        (tmp_path / f"{name}.py").write_text("raise ModuleNotFoundError('absent by design')\n")
    script = "".join(f"import {package}\n" for package in PACKAGES)
    env = os.environ | {"PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", paretune.__all__)
def test_every_public_name_exists(name):
    assert getattr(paretune, name)
    assert name in dir(paretune)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="nonsense"):
        _ = paretune.nonsense


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_a_source_file_is_short_and_documented(file):
    text = file.read_text()
    assert len(text.splitlines()) <= LINES
    if not text.strip():
        return
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "the module has no docstring"
    assert _undocumented(tree.body) == []


@pytest.mark.parametrize("file", TESTS, ids=lambda file: str(file.relative_to(ROOT)))
def test_a_test_can_be_imported_in_either_environment(file):
    for node in ast.parse(file.read_text()).body:
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        assert not IN_ONE_ENVIRONMENT & {name.split(".")[0] for name in names}


def _undocumented(body: list[ast.stmt], inside: str = "") -> list[str]:
    """Public classes, functions and methods without a docstring."""
    found = []
    for node in body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            if node.name.startswith("_") or _is_overload(node):
                continue
            name = f"{inside}{node.name}"
            if not ast.get_docstring(node):
                found.append(name)
            if isinstance(node, ast.ClassDef):
                found += _undocumented(node.body, f"{name}.")
    return found


def _is_overload(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any(getattr(decorator, "id", "") == "overload" for decorator in node.decorator_list)


def _texts() -> list[Path]:
    """Every text of the project that a reader sees."""
    folders = ("src", "tests", "docs", "benchmarks", ".ci")
    kinds = {".py", ".md", ".toml", ".yml", ".html", ".css", ".js", ""}
    found = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    found += ROOT.glob("*.md")
    found += [ROOT / name for name in ("Makefile", "mkdocs.yml", "pyproject.toml")]
    return sorted(p for p in found if p.is_file() and p.suffix in kinds and p != Path(__file__))


def test_no_text_holds_what_does_not_belong():
    found = []
    for path in _texts():
        text = path.read_text(encoding="utf-8")
        for pattern, what in FORBIDDEN.items():
            for match in re.finditer(pattern, text):
                line = text.count("\n", 0, match.start()) + 1
                found.append(f"{path.relative_to(ROOT)}:{line}: {what}")
    assert found == []
