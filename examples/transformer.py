"""Watch a small transformer that learns to turn a sequence around, with warm-up."""

import torch
from torch import Tensor, nn

from diagnostics import watch

SYMBOLS, LENGTH, WIDTH, STEPS, WARM_UP = 16, 12, 32, 150, 30


class Reverser(nn.Module):
    """An encoder over symbols and their places."""

    def __init__(self) -> None:
        super().__init__()
        self.symbols = nn.Embedding(SYMBOLS, WIDTH)
        self.places = nn.Parameter(torch.randn(LENGTH, WIDTH))
        layer = nn.TransformerEncoderLayer(WIDTH, 4, 4 * WIDTH, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=3)
        self.out = nn.Linear(WIDTH, SYMBOLS)

    def forward(self, x: Tensor) -> Tensor:
        seen: Tensor = self.out(self.encoder(self.symbols(x) + self.places))
        return seen


def main() -> None:
    torch.manual_seed(0)
    model = Reverser()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    warm = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: min(1.0, (n + 1) / WARM_UP))
    with watch(model, optimizer, name="transformer") as w:
        for _ in range(STEPS):
            x = torch.randint(SYMBOLS, (32, LENGTH))
            logits = model(x)
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), x.flip(1).flatten())
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            warm.step()
            w.step(loss=loss)


if __name__ == "__main__":
    main()
