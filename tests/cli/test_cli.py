"""The command line as a person types it."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from diagnostics.cli.commands import commands
from diagnostics.store.records import PatientZero, Summary
from diagnostics.store.settings import SETTINGS
from diagnostics.store.store import Store
from diagnostics.subject.config import FIELDS
from diagnostics.subject.watched import WatchedModel

pytestmark = pytest.mark.thorough


def gd(line: str) -> Result:
    return CliRunner().invoke(commands, line.split())


def rows(result: Result) -> list[dict[str, object]]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


SMALL = "depth=3 width=16 activation=relu init=he_normal steps=30"


def test_profile_shows_vanishing_signals_beside_flat_weight_gradients() -> None:
    line = "dataset=gaussian activation=relu init=glorot_normal depth=30 width=256 seed=0"
    found = pd.DataFrame(rows(gd(f"profile {line} --json")))
    assert found.layer.tolist() == list(range(1, 32))
    signal, weight = found.signal_grad_norm[:30], found.weight_grad_norm[:30]
    assert np.log10(signal[0] / signal[29]) == pytest.approx(-4.36, abs=0.6)
    assert abs(np.log10(weight[1] / weight[29])) < 1
    assert np.log10(found.theory_signal_grad_norm[0]) == pytest.approx(-4.36, abs=0.01)
    assert found.theory_activation_std[:30].tolist() == pytest.approx(
        found.activation_std[:30].tolist(), rel=0.5
    )


def test_profile_is_a_table_for_people() -> None:
    assert "signal_grad_norm" in gd("profile depth=2 width=4").stdout


def test_a_list_tells_names_and_where_a_run_diverged(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GD_STORE", store.url)
    for name, tensor in (("trial 1", "loss"), ("", "weight")):
        run = store.create_run(WatchedModel(model="Net", layers=()), name=name)
        store.finish(run, Summary("diverged", 9, None, None, PatientZero(6, 2, tensor)))
    listed = gd("runs").stdout.splitlines()
    assert "first non-finite: weight of layer 2 at step 6  model=Net" in listed[0]
    assert "first non-finite: loss at step 6  “trial 1”  model=Net" in listed[1]
    assert [row.get("name") for row in rows(gd("runs --json"))] == [None, "trial 1"]


def test_train_ends_with_a_summary_and_the_run_is_in_the_store(
    tmp_path: Path, store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GD_STORE", store_url)
    (summary,) = rows(gd(f"train {SMALL} --json"))
    assert (summary["state"], summary["steps"]) == ("finished", 30)
    assert isinstance(summary["loss"], float) and isinstance(summary["accuracy"], float)
    assert [row["run"] for row in rows(gd("runs --json"))] == [summary["run"]]
    for kind, read in (("csv", pd.read_csv), ("parquet", pd.read_parquet)):
        for name, option in ((f"out.{kind}", ""), ("out", f"--format {kind}")):
            target = tmp_path / name
            (told,) = rows(gd(f"export {summary['run']} {option} --output {target} --json"))
            assert told["rows"] == len(read(target)) == 30 * 4


def test_the_probe_changes_nothing() -> None:
    (watched,) = rows(gd(f"train {SMALL} --json"))
    (alone,) = rows(gd(f"train {SMALL} --no-probe --json"))
    assert watched["loss"] == alone["loss"]


def test_a_diverged_run_names_layer_tensor_and_step() -> None:
    line = "train activation=relu init=he_normal lr=1 depth=3 width=128 steps=300 --json"
    (summary,) = rows(gd(line))
    zero = summary["patient_zero"]
    assert summary["state"] == "diverged" and isinstance(zero, dict)
    assert zero["layer"] >= 1 and zero["tensor"] and 1 <= zero["step"] == summary["steps"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("activation=relu init=glorot_normal depth=30", ["vanishing"]),
        ("activation=relu init=he_normal depth=30", []),
        ("activation=sigmoid init=glorot_normal depth=20", ["vanishing"]),
        pytest.param(
            "activation=tanh init=normal width=256 depth=10",
            ["exploding", "saturated", "vanishing"],
            marks=pytest.mark.slow,
        ),
        ("activation=relu init=he_normal lr=1 depth=3 width=128", ["diverged"]),
    ],
)
def test_diagnose_says_what_is_going_on(words: str, expected: list[str]) -> None:
    found = rows(gd(f"diagnose {words} --steps 20 --json"))
    assert sorted(str(diagnosis["rule"]) for diagnosis in found) == expected
    assert all(diagnosis["sentence"] and "evidence" in diagnosis for diagnosis in found)


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("train depth=0", "depth=0"),
        ("train dpeth=3", "Did you mean depth"),
        ("profile lr=fast", "lr=fast"),
        ("serve --port 0", "GD_PORT=0"),
        ("export nope", "'nope'"),
        ("export nope --compare x --output x.csv", "csv can't hold it"),
        ("runs --store nonsense", "nonsense"),
        ("runs --store postgresql+psycopg://lab@127.0.0.1:1/lab", "refused"),
        ("train --data-dir /proc/nowhere", "/proc/nowhere"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_code_2(line: str, part: str) -> None:
    result = gd(line)
    assert result.exit_code == 2 and part in result.stderr
    assert "Traceback" not in result.output


def test_help_tells_every_field_and_setting() -> None:
    words = gd("train --help").stdout
    assert all(f"{field}=" in words for field in FIELDS)
    words = gd("serve --help").stdout
    assert all(setting.variable in words for setting in SETTINGS.values())
