"""Whether all processes of a training watch, which is found out before anybody waits for another.

They meet at the store that torch gave them when they found each other: no collective is called
that some process might never come to.
"""

import hashlib
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import torch
from torch import distributed as dist
from torch import nn

from diagnostics.engine.measure import gate
from diagnostics.engine.watch.anatomy import Anatomy
from diagnostics.subject.watched import Unwatchable

PATIENCE = timedelta(seconds=15)

ALONE, TOGETHER, APART = b"alone", b"together", b"apart"

PIECES = (
    "In FSDP each process has a piece of the model: all of them must enter `watch`, and only this "
    "one did."
)

STAGES = (
    "Each process has another model, as in pipeline parallelism: its gradients can't be put "
    "together. Watch one whole model."
)

MESH = (
    "Its parameters lie in pieces in more than one way, as in tensor parallelism beside FSDP, or "
    "among some processes only: watching can put together what fully_shard has cut along one "
    "dimension of all processes."
)

CLOSED = "gradient-diagnostics/closed"
"""How many meetings process 0 has closed; whoever comes is at the next one."""


def meet(model: nn.Module, anatomy: Anatomy) -> bool:
    """Whether what processes see is put together; each must ask.

    Raises:
        Unwatchable: they can't be watched together, nor one of them alone.
    """
    if not (dist.is_available() and dist.is_initialized() and dist.get_world_size() > 1):
        return False
    meshes = _meshes(anatomy) if _is_sharded(model) else set()
    verdict = _verdict(_mark(anatomy))
    if verdict == APART:
        raise Unwatchable(STAGES)
    if verdict == ALONE and meshes:
        raise Unwatchable(PIECES)
    if verdict == TOGETHER:
        gate.SHARED.update(meshes)
    return verdict == TOGETHER


def _is_sharded(model: nn.Module) -> bool:
    return any(type(module).__name__.startswith("FSDP") for module in model.modules())


def _meshes(anatomy: Anatomy) -> set[Any]:
    """Those that parameters are spread over. Raises ``Unwatchable``."""
    found = set()
    for parameter in _parameters(anatomy):
        mesh: Any = getattr(parameter, "device_mesh", None)
        if mesh is not None:
            *others, last = parameter.placements
            plain = last.is_shard() and all(place.is_replicate() for place in others)
            if mesh.size() != dist.get_world_size() or not plain:
                raise Unwatchable(MESH)
            found.add(mesh)
    return found


def _parameters(anatomy: Anatomy) -> Iterable[Any]:
    owned = (p for layer in anatomy.layers for p in layer.linear.parameters())
    return (*owned, *anatomy.others)


def _mark(anatomy: Anatomy) -> bytes:
    """The same for the same model."""
    shapes = [(layer.name, *map(tuple, _shapes(layer.linear))) for layer in anatomy.layers]
    return hashlib.sha256(repr(shapes).encode()).digest()


def _shapes(module: nn.Module) -> Iterable[torch.Size]:
    return (parameter.shape for parameter in module.parameters())


def _verdict(mark: bytes) -> bytes:
    """What process 0 makes of those who have come in time; who hears nothing from it is alone."""
    store: Any = dist.distributed_c10d._get_default_store()
    place = f"gradient-diagnostics/{store.add(CLOSED, 0)}"
    store.set(f"{place}/{dist.get_rank()}", mark)
    if dist.get_rank() == 0:
        store.set(place, _judged(store, place))
        store.add(CLOSED, 1)
    return bytes(store.get(place)) if _comes(store, [place]) else ALONE


def _judged(store: Any, place: str) -> bytes:
    places = [f"{place}/{rank}" for rank in range(dist.get_world_size())]
    if not _comes(store, places):
        return ALONE
    return TOGETHER if len({bytes(store.get(one)) for one in places}) == 1 else APART


def _comes(store: Any, places: list[str]) -> bool:
    try:
        store.wait(places, PATIENCE)
    except RuntimeError:
        return False
    return True
