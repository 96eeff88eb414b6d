"""Let Optuna search for a learning rate, and prune by diagnosis what is ill.

Each trial is a run of its own in the lab; one that is said to be ill is given up at once.
"""

import optuna
import torch
from torch import nn

from diagnostics import watch

TRIALS, STEPS, LOOK_EVERY = 6, 120, 20


def illness(w: watch) -> str:
    """The gravest of what keeps a network from learning; empty where nothing does."""
    return next((found.title for found in w.diagnoses() if found.severity == "ill"), "")


def trained(trial: optuna.Trial) -> float:
    """The last loss of a network; raises ``TrialPruned`` for one that is ill."""
    torch.manual_seed(trial.number)
    x = torch.randn(2048, 10)
    y = x[:, :4].argmax(1)
    lr = trial.suggest_float("lr", 1e-2, 300, log=True)
    model = nn.Sequential(
        nn.Linear(10, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(),
        nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 4),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), lr=lr)
    said, last = "", float("nan")
    with watch(model, optimizer, name=f"trial {trial.number}, lr {lr:.2g}") as w:
        for step in range(1, STEPS + 1):
            rows = torch.randint(len(x), (128,))
            loss = nn.functional.cross_entropy(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            w.step(loss=loss)
            last = loss.item()
            if step % LOOK_EVERY == 0 and (said := illness(w)):
                break  # the run is stopped, not failed
    if said:
        trial.set_user_attr("diagnosis", said)
        raise optuna.TrialPruned(said)
    return last


def main() -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.optimize(trained, n_trials=TRIALS)
    for trial in study.trials:
        told = trial.user_attrs.get("diagnosis", f"loss {trial.value}")
        print(f"lr {trial.params['lr']:.2g}: {told}")


if __name__ == "__main__":
    main()
