"""The examination of a model file, in a process of its own that may be killed (``python -m twin.inference.examine``).

It limits its own memory, CPU time and files first, then reads the file, and prints one line of JSON.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path
from typing import Any

from twin.errors import InvalidInput


def limit(memory: int, seconds: int) -> None:
    """Gives this process at most ``memory`` bytes of address space, ``seconds`` of CPU, and no file to write."""
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def examine(path: Path) -> dict[str, Any]:
    """What the file is; raises `twin.errors.InvalidInput` when it must not be run."""
    from twin.inference.model_file import read_model_file
    from twin.inference.operators import ALLOWED, DOMAINS

    file = read_model_file(path.read_bytes())
    if file.external_tensors:
        raise InvalidInput(
            f"The model keeps {file.external_tensors} tensors in other files.",
            remedy="Export it as one file, without external data.",
        )
    if foreign := sorted(file.opsets.keys() - DOMAINS):
        raise InvalidInput(
            f"The model uses operators of {', '.join(foreign)}, which this server does not run.",
            remedy="Use the standard ONNX operators.",
        )
    if file.functions:
        raise InvalidInput("The model defines functions of its own.", remedy="Inline them before the export.")
    if refused := sorted(name for domain, name in file.operators - ALLOWED):
        raise InvalidInput(
            f"The model uses operators that are not allowed: {', '.join(refused[:5])}.",
            remedy="Express the model without loops, branches, random numbers and text.",
        )
    check_contract(path, file.metadata)
    return {"digest": file.digest, "size": file.size}


def check_contract(path: Path, metadata: Any) -> None:
    """Returns when the model has the tensors its contract names and gives its golden outputs again."""
    import numpy as np

    from twin.inference.contract import read_contract
    from twin.inference.onnx import OnnxEngine

    contract = read_contract(metadata)
    model = OnnxEngine().load(path)
    wanted = (None, contract.window, len(contract.inputs))
    inputs, outputs = model.signature.inputs, model.signature.outputs
    if inputs != {contract.input: wanted}:
        raise InvalidInput(
            f"The model takes {_told(inputs)}; its contract promises one tensor {contract.input} of"
            f" [any, {wanted[1]}, {wanted[2]}].",
            remedy="Export the model with the tensor that its contract names.",
        )
    if outputs.get(contract.output) not in ((None,), (None, 1)):
        raise InvalidInput(
            f"The model gives {_told(outputs)}; its contract promises {contract.output} of [any].",
            remedy="Export the model with the tensor that its contract names.",
        )
    golden = contract.golden
    got = model.predict({contract.input: golden.inputs.astype(np.float64)})[contract.output].reshape(-1)
    if got.shape != golden.outputs.shape or not np.isfinite(got).all():
        raise InvalidInput("The model does not answer its golden inputs.", remedy="Export the model again.")
    worst = float(np.abs(got - golden.outputs).max())
    if worst > golden.tolerance:
        raise InvalidInput(
            f"The model's answers to its golden inputs are off by {worst:.3g}; {golden.tolerance:g} is allowed.",
            remedy="Export the model again, and compare it with the model it was made from.",
        )
    if got.min() < contract.minimum - golden.tolerance or got.max() > contract.maximum + golden.tolerance:
        raise InvalidInput(
            f"The model's answers leave {contract.minimum:g} to {contract.maximum:g}.",
            remedy="Correct the range in its contract.",
        )


def _told(tensors: Any) -> str:
    told = [
        f"{name} [{', '.join('any' if size is None else str(size) for size in shape)}]"
        for name, shape in tensors.items()
    ]
    return " and ".join(told) or "no tensor"


def main(arguments: list[str]) -> int:
    """Examines the file named first, under the memory (bytes) and CPU seconds named next."""
    path, memory, seconds = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    limit(memory, seconds)
    try:
        answer = {"ok": True, **examine(path)}
    except InvalidInput as error:
        answer = {"ok": False, "message": error.message, "remedy": error.remedy}
    except MemoryError:
        answer = {"ok": False, "message": "The model needs more memory than a model may take.", "remedy": ""}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
