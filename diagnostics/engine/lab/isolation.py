"""torch as it is while the lab computes, whatever a process has made of it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import torch


@contextmanager
def isolated(seed: int) -> Iterator[None]:
    """torch seeded and on one thread inside; the caller's random state and threads as before.

    What a process has as defaults, as notebooks do that train on a GPU or in another type, does
    not count.

    Sums depend on the number of threads in their last bits, so one thread is what makes the same
    seed give the same numbers everywhere; small networks are as fast on one.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]), _usual():
            torch.default_generator.manual_seed(seed)  # a GPU's is the caller's
            yield
    finally:
        torch.set_num_threads(threads)


@contextmanager
def _usual() -> Iterator[None]:
    """float32 on the processor, where that is not what a process has anyway."""
    dtype = torch.get_default_dtype()
    with ExitStack() as stack:
        if torch.get_default_device().type != "cpu":
            stack.enter_context(torch.device("cpu"))
        if dtype is not torch.float32:
            stack.callback(torch.set_default_dtype, dtype)
            torch.set_default_dtype(torch.float32)
        yield
