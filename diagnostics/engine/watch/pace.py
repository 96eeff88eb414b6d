"""Whether the step that begins is measured: decided by one process, or agreed upon by several."""

from diagnostics.engine.watch.observer import Observer
from diagnostics.engine.watch.together import Together


def go_on_alone(observer: Observer, due: bool, measured: bool, compiled: bool) -> None:
    """A step is over, and this process decides.

    Args:
        due: whether the budget allows another.
        measured: whether the last one was.
        compiled: whether it was lost, since it was found to be compiled.
    """
    if not observer.measuring:
        if compiled or (due and (measured or observer.at_a_start())):
            observer.attach()
    elif not (observer.waiting or due):
        observer.detach()
    elif not observer.waiting:
        observer.forget()


def go_on_together(observer: Observer, together: Together) -> None:
    """The next step to be measured was agreed upon when the last was put together.

    Until an optimizer has stepped the same step goes on, whatever one process sees of it.
    """
    if observer.measuring and not observer.ended:
        return
    if together.rest > 1:
        if observer.measuring:
            observer.detach()
    elif observer.measuring:
        observer.forget()
    together.rest -= 1
    if not (together.rest or observer.measuring):
        observer.attach()
