"""The picture that the server draws."""

import numpy as np

from diagnostics.dashboard import firstlight, frames
from diagnostics.dashboard.frames import Sketch
from diagnostics.dashboard.theme import THEMES
from diagnostics.dashboard.wire import Frame, Watch
from diagnostics.engine.lab.profiler import profile_batch
from diagnostics.store.records import METRIC_INDEX
from diagnostics.subject.config import RunConfig

CONFIG = RunConfig(activation="sigmoid", depth=12, width=8)


def _frame(view: str = "signal", **values: float) -> Frame:
    batch = profile_batch(CONFIG)
    for key, value in values.items():
        batch.values[0, 0, METRIC_INDEX[key]] = value
    return frames.compose(None, (), Sketch(CONFIG, batch), Watch(view=view))


def test_a_layer_is_a_box_and_a_point_from_vanishing_to_sound() -> None:
    found = firstlight.picture(_frame())
    assert found and len(found.boxes) == len(found.points) == 13
    assert found.boxes[0].colours == {name: theme.scale[0] for name, theme in THEMES.items()}
    assert found.boxes[-1].colours == {name: theme.scale[3] for name, theme in THEMES.items()}
    heights = [point.y for point in found.points]
    assert None not in heights and heights == sorted(heights, key=lambda y: -(y or 0))
    assert all(0 <= (y or 0) <= 100 for y in heights)
    assert all(0 < point.x < 100 for point in found.points)


def test_boxes_show_the_signal_whatever_view_the_chart_has() -> None:
    one, other = (firstlight.picture(_frame(view)) for view in ("signal", "activation"))
    assert one and other and one.boxes == other.boxes and one.points != other.points


def test_what_has_no_logarithm_has_no_point() -> None:
    for value in (0.0, np.nan, np.inf):
        found = firstlight.picture(_frame(signal_grad_norm=value))
        assert found and found.points[0].y is None and found.points[1].y is not None


def test_without_a_frame_there_is_none() -> None:
    assert firstlight.picture(None) is None
