# Python's own venv and pip only. Every path is relative, so a folder name may hold spaces.
PYTHON ?= python3
PIP = .venv/bin/python -m pip --disable-pip-version-check
SECOND_PIP = .venv-timm/bin/python -m pip --disable-pip-version-check
PINNED = pyproject.toml constraints.txt

.PHONY: install demo test lint format docs wheel second clean

install: .venv/.installed

demo: install
	rm -rf demo
	.venv/bin/paretune demo --out demo

# A file at a time on every core, then what must have the machine to itself. Either may be asked
# for nothing (5), not both.
test: .venv/.installed-dev
	@.venv/bin/python -m pytest -n auto --dist loadfile -m "not alone" $(PYTEST_ARGS); beside=$$?; \
	.venv/bin/python -m pytest -m alone $(PYTEST_ARGS); alone=$$?; \
	case $$beside$$alone in 00|05|50) ;; *) exit 1;; esac

lint: .venv/.installed-dev
	.venv/bin/python -m ruff check .
	.venv/bin/python -m ruff format --check .
	.venv/bin/python -m mypy
	.venv/bin/lint-imports

format: .venv/.installed-dev
	.venv/bin/python -m ruff check --fix .
	.venv/bin/python -m ruff format .

docs: .venv/.installed-dev
	NO_MKDOCS_2_WARNING=1 .venv/bin/python -m mkdocs build --strict

# A wheel, installed without PyTorch where the source folder is not in sight.
wheel: .venv/.installed
	rm -rf dist build/wheel
	$(PIP) wheel --quiet --no-deps --wheel-dir dist .
	$(PYTHON) -m venv build/wheel
	build/wheel/bin/python -m pip install --quiet -c constraints.txt dist/paretune-*.whl
	cd build && wheel/bin/python -c "import paretune, importlib.util as u; \
	    assert u.find_spec('torch') is None; print('paretune', paretune.__version__)"
	cd build && wheel/bin/paretune --help > /dev/null
	cd build && wheel/bin/paretune devices

# PyTorch with torchvision and timm, and TensorFlow: 6 GB, for the tests that need them.
second: .venv-timm/.installed
	.venv-timm/bin/python -m pytest -m "timm or tensorflow" $(PYTEST_ARGS)

clean:
	rm -rf build dist site demo .pytest_cache .mypy_cache .ruff_cache .import_linter_cache

# Each stamp is younger than what was installed from.
.venv/bin/python:
	$(PYTHON) -c "import sys; sys.exit(None if sys.version_info >= (3, 11) else \
	    'Paretune needs Python 3.11 or newer: make install PYTHON=python3.11')"
	$(PYTHON) -m venv .venv

.venv/.installed: $(PINNED) | .venv/bin/python
	$(PIP) install -c constraints.txt torch
	$(PIP) install -c constraints.txt -e ".[torch,search,hf,zoo,text]"
	touch $@

.venv/.installed-dev: .venv/.installed
	$(PIP) install -c constraints.txt -e ".[dev,docs]"
	touch $@

.venv-timm/.installed: pyproject.toml constraints-timm.txt
	$(PYTHON) -m venv .venv-timm
	$(SECOND_PIP) install -c constraints-timm.txt -e ".[timm,search,text]" tensorflow-cpu pytest pytest-timeout
	touch $@
