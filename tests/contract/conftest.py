"""The referee, for every contract test."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def contract() -> ModuleType:
    """The checker of exchanges against GitHub's published description."""
    path = Path(__file__).parent / "github" / "openapi_contract.py"
    spec = importlib.util.spec_from_file_location("openapi_contract", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["openapi_contract"] = module
    spec.loader.exec_module(module)
    return module
