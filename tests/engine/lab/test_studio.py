"""Pictures are true, and training does not notice them."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from diagnostics.engine.lab import album, data, network
from diagnostics.engine.lab.data import Dataset
from diagnostics.engine.lab.histograms import Histogram, by_magnitude, by_value
from diagnostics.engine.lab.network import Network
from diagnostics.engine.lab.studio import Studio
from diagnostics.engine.lab.trainer import train
from diagnostics.engine.sinks import MemorySink
from diagnostics.runs.control import Control
from diagnostics.store.pictures import BINS, SIDE, Picture
from diagnostics.store.records import SCALAR_INDEX, Command
from tests.engine.helpers import config

NONE = np.empty((0, 0), bool)
ANY = [
    "dataset=spirals depth=3 width=16 activation=tanh",
    "dataset=spirals depth=3 width=16 norm=batch dropout=0.3 activation=relu",
    "dataset=moons depth=3 width=16 norm=layer norm_position=after residual=true",
    "dataset=circles depth=2 width=8 optimizer=adam accumulate=3 clip=norm",
    "dataset=digits depth=3 width=16 norm=batch norm_position=after activation=prelu",
    "architecture=rnn width=16 norm=batch dropout=0.2",
    "architecture=rnn width=16 residual=true dataset=gaussian init=lsuv",
    "dataset=gaussian depth=3 width=2 init=lsuv",
]
MEASURED = [i for key, i in SCALAR_INDEX.items() if not key.endswith("_time")]


def _shots(words: str, *commands: Command) -> list[Picture]:
    sink, control = MemorySink(), Control()
    for command in commands:
        control.send(command)
    train(config(words), sink, control, pictures=True)
    return [shot for shot in sink.pictures if isinstance(shot, Picture)]


def _built(words: str) -> tuple[Dataset, Network, Studio]:
    made = config(words)
    samples = data.load(made)
    torch.manual_seed(made.seed)
    built = network.build(made, samples)
    return samples, built, Studio(made, samples, built)


@pytest.mark.parametrize("words", ANY)
def test_training_with_pictures_is_the_same_to_the_last_bit(
    words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture at every step, and all that is measured of layers and losses stays as it was."""
    monkeypatch.setattr(album, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(album, "LARGEST_SHARE", np.inf)
    with_them, without = MemorySink(), MemorySink()
    ends = [
        train(config(f"{words} steps=25"), sink, Control(), pictures=pictures)
        for sink, pictures in ((with_them, True), (without, False))
    ]
    assert len([shot for shot in with_them.pictures if isinstance(shot, Picture)]) == 25
    assert ends[0] == ends[1]
    one, other = with_them.batch(), without.batch()
    assert np.array_equal(one.values, other.values, equal_nan=True)
    assert np.array_equal(one.scalars[:, MEASURED], other.scalars[:, MEASURED], equal_nan=True)


@pytest.mark.parametrize("words", ANY)
def test_a_picture_leaves_no_trace_on_the_network(words: str) -> None:
    samples, built, studio = _built(words)
    before = {key: value.clone() for key, value in built.state_dict().items()}
    state = torch.random.get_rng_state()
    studio.take(1, samples.train_x[:32], samples.train_y[:32], NONE)
    assert torch.equal(state, torch.random.get_rng_state())
    assert all(torch.equal(value, before[key]) for key, value in built.state_dict().items())
    assert all(module.training for module in built.modules())
    assert all(parameter.grad is None for parameter in built.parameters())
    assert not any(module._forward_hooks for module in built.modules())


def test_the_plane_is_what_the_network_answers() -> None:
    _, built, studio = _built("dataset=spirals depth=3 width=16 norm=batch activation=relu")
    shot = studio.take(1, *_batch("dataset=spirals"), NONE)
    assert studio.ground is not None
    reach = float(studio.ground.reach[0])
    place = {"lowest": (0, 0), "rightmost of the lowest": (0, SIDE - 1), "some": (20, 7)}
    for row, column in place.values():
        x, y = ((2 * i + 1 - SIDE) / SIDE * reach for i in (column, row))
        with torch.no_grad():
            answer = F.softmax(built.eval()(torch.tensor([[x, y]])), dim=1)[0]
        assert shot.guesses[row * SIDE + column] == answer.argmax()
        assert shot.sure[row * SIDE + column] == pytest.approx(float(answer.max()), rel=1e-3)


def _batch(words: str, count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    samples = data.load(config(words))
    return samples.train_x[:count], samples.train_y[:count]


def test_points_of_both_sets_lie_in_the_plane() -> None:
    samples, _, studio = _built("dataset=moons depth=2 width=4")
    assert studio.ground is not None
    points, held = studio.ground.inputs, studio.ground.heldout
    assert np.abs(points).max() < studio.ground.reach[0]
    assert (len(points), held.sum()) == (400, 100)
    assert np.array_equal(points[held], samples.heldout_x[:100].numpy())


@pytest.mark.parametrize("words", ["depth=2 width=16", "architecture=rnn width=16"])
def test_digits_are_held_out_ones_of_eight_classes_with_the_networks_guess(words: str) -> None:
    samples, built, studio = _built(words)
    assert studio.ground is not None
    assert studio.ground.labels.tolist() == list(range(8)) and studio.ground.heldout.all()
    assert (studio.ground.inputs.min(), studio.ground.inputs.max()) == (0, 16)
    shot = studio.take(1, samples.train_x[:32], samples.train_y[:32], NONE)
    first = (samples.heldout_y == 3).nonzero()[0]
    with torch.no_grad():
        assert shot.guesses[3] == built.eval()(samples.heldout_x[first]).argmax()


def test_gaussian_data_have_no_ground_even_in_two_dimensions() -> None:
    samples, _, studio = _built("dataset=gaussian width=2 depth=2")
    shot = studio.take(1, samples.train_x[:8], samples.train_y[:8], NONE)
    assert studio.ground is None and len(shot.guesses) == 0 and shot.counts.sum() > 0


def test_layers_are_those_of_a_plain_pass() -> None:
    """Activations, signals and weights, beside torch's own hooks and gradients."""
    samples, built, studio = _built("dataset=spirals depth=3 width=16 activation=relu")
    x, y = samples.train_x[:64], samples.train_y[:64]
    shot = studio.take(1, x, y, NONE)
    block = list(built.blocks)[1]
    seen: list[torch.Tensor] = []
    block.linear.register_forward_hook(lambda *call: seen.append(call[2]))
    z_loss = F.cross_entropy(built(x), y)
    (delta,) = torch.autograd.grad(z_loss, seen)
    h = torch.relu(seen[0]).detach()
    assert np.allclose(shot.mean[1], h.mean(0).numpy())
    assert shot.apart[1, 0].tolist() == [int((h == 0).sum()), 0]
    assert shot.counts[1].sum(axis=-1).tolist() == [
        int((h != 0).sum()), int((delta != 0).sum()), block.linear.weight.numel(),
    ]  # fmt: skip
    low, width = shot.edges[1, 1]
    first = int(shot.counts[1, 1].nonzero()[0][0])
    smallest = np.log10(float(delta[delta != 0].abs().double().min()))
    assert low + first * width <= smallest < low + (first + 1) * width


def _edges(found: Histogram) -> np.ndarray:
    return found.low + found.width * np.arange(BINS + 1)


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
def test_bins_hold_what_lies_between_their_edges(scale: float) -> None:
    values = np.random.default_rng(0).normal(2, 1, 5000) * scale
    found = by_value(values)
    assert np.array_equal(found.counts, np.histogram(values, _edges(found))[0])
    assert (found.counts > 0).sum() > BINS / 4
    logs = by_magnitude(values)
    assert np.array_equal(logs.counts, np.histogram(np.log10(np.abs(values)), _edges(logs))[0])


@pytest.mark.parametrize("count", [by_value, by_magnitude])
def test_zeros_and_what_is_no_number_are_counted_apart(count: type[Histogram]) -> None:
    values = np.array([0, 0, 1, 1, -1, np.nan, np.inf, -np.inf, 1e-45], np.float32)
    found = count(values)
    assert (found.zeros, found.nonfinite, found.counts.sum()) == (2, 3, 4)
    nothing = count(np.full(3, np.nan))
    assert (nothing.counts.sum(), nothing.nonfinite) == (0, 3)


def test_pictures_are_taken_at_the_first_step_and_the_last() -> None:
    assert [int(shot.step[0]) for shot in _shots("depth=2 width=4 steps=9")] == [1, 9]


def test_a_pause_is_a_picture_as_well() -> None:
    one, stop = Command("step"), Command("stop")
    found = _shots("depth=2 width=4 steps=50", one, one, Command("resume"), Command("pause"), stop)
    assert int(found[-1].step[0]) >= 2


def test_a_run_that_diverged_says_what_is_no_number() -> None:
    shot = _shots("activation=relu init=he_normal dataset=spirals depth=3 width=64 lr=1000")[-1]
    assert np.isnan(shot.sure).any() or shot.apart[..., 1].any()


@pytest.mark.parametrize(("works", "taken"), [(0.125, [1, 26, 51]), (0.0, [1, 5, 9])])
def test_pictures_of_large_networks_are_taken_less_often(
    works: float, taken: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the work that each is: that others had the processor says nothing of the next."""
    clock, worked = [0.0], [0.0]
    monkeypatch.setattr(album.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(album.time, "thread_time", lambda: worked[0])

    class Slow:
        ground = None

        def take(self, *given: object) -> object:
            clock[0] += 0.125
            worked[0] += works
            return given[0]

    sink, batch = MemorySink(), _batch("dataset=moons")
    kept = album.Album(Slow(), sink)  # type: ignore[arg-type]
    for step in range(1, 60):
        kept.look(step, batch, NONE)
        clock[0] += 0.25
    assert sink.pictures[:3] == taken and kept.seconds == 0
