"""Models are kept under their digest and loaded once."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.inference.models import a_contract, a_model, write
from twin.errors import InvalidInput, NotFound
from twin.inference.registry import ModelRegistry


def test_a_model_outlives_the_file_it_came_from_and_the_process(tmp_path: Path) -> None:
    source = write(a_model(), tmp_path / "mean.onnx")
    added = ModelRegistry(tmp_path / "models").add(source)
    source.unlink()
    found = ModelRegistry(tmp_path / "models").find(added.digest)
    assert found.contract.name == "mean"
    batch = np.full((5, 3, 2), 20.0)
    np.testing.assert_allclose(found.model.predict({"readings": batch})["score"], 0.2, rtol=1e-6)


def test_one_version_is_loaded_once(tmp_path: Path) -> None:
    registry = ModelRegistry(tmp_path / "models")
    path = write(a_model(), tmp_path / "mean.onnx")
    assert registry.add(path) is registry.add(path)
    other = write(a_model(contract=a_contract(version="2")), tmp_path / "two.onnx")
    assert registry.add(other) is not registry.add(path)


def test_nothing_of_a_refused_model_is_kept(tmp_path: Path) -> None:
    bad = tmp_path / "bad.onnx"
    bad.write_bytes(b"no model")
    with pytest.raises(InvalidInput):
        ModelRegistry(tmp_path / "models").add(bad)
    assert list((tmp_path / "models").iterdir()) == []


def test_a_kept_file_that_was_changed_is_not_run(tmp_path: Path) -> None:
    added = ModelRegistry(tmp_path / "models").add(write(a_model(), tmp_path / "mean.onnx"))
    write(a_model(contract=a_contract(version="2")), tmp_path / "models" / f"{added.digest}.onnx")
    with pytest.raises(InvalidInput, match="was changed"):
        ModelRegistry(tmp_path / "models").find(added.digest)


def test_a_model_that_is_gone_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="Attach its file again"):
        ModelRegistry(tmp_path / "models").find("0" * 64)
