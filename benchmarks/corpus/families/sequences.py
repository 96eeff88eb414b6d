"""Models of sequences: words, rows of pixels, recurrent or attending."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.corpus.families.tasks import WORDS


class Recurrent(nn.Module):
    """A recurrent network that answers after the last step."""

    def __init__(
        self, cell: type[nn.RNNBase], inputs: int, width: int = 32, layers: int = 1, **more: object
    ) -> None:
        super().__init__()
        outputs, self.words = (4, True) if inputs == WORDS else (10, False)
        self.core = cell(inputs, width, num_layers=layers, batch_first=True, **more)
        self.head = nn.Linear(width * (2 if more.get("bidirectional") else 1), outputs)

    def forward(self, x: Tensor) -> Tensor:
        given = F.one_hot(x, WORDS).float() if self.words else x
        return self.head(self.core(given)[0][:, -1])


class Steps(nn.Module):
    """The same by cells in a loop, as it is taught."""

    def __init__(self, width: int = 32, gain: float = 0.0) -> None:
        super().__init__()
        self.read, self.keep = nn.Linear(WORDS, width), nn.Linear(width, width)
        self.head = nn.Linear(width, 4)
        if gain:
            nn.init.orthogonal_(self.keep.weight, gain)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(len(x), self.keep.in_features)
        for step in F.one_hot(x, WORDS).float().unbind(1):
            h = torch.tanh(self.read(step) + self.keep(h))
        return self.head(h)


class Attention(nn.Module):
    """Causal attention by one matrix product for all heads."""

    def __init__(self, width: int, heads: int = 2) -> None:
        super().__init__()
        self.heads, self.qkv, self.out = heads, nn.Linear(width, 3 * width), nn.Linear(width, width)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        shape = (*x.shape[:2], self.heads, -1)
        q, k, v = (part.reshape(shape).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        h = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        return self.out(h.transpose(1, 2).flatten(2))


class Block(nn.Module):
    """A transformer's block, normalized before or after its parts."""

    def __init__(self, width: int, post: bool = False, zero: bool = False) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = Attention(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.post = post
        if zero:
            for last in (self.attention.out, self.down):
                nn.init.zeros_(last.weight)

    def forward(self, x: Tensor, causal: bool) -> Tensor:
        if self.post:
            x = self.norm1(x + self.attention(x, causal))
            return self.norm2(x + self.down(F.gelu(self.up(x))))
        x = x + self.attention(self.norm1(x), causal)
        return x + self.down(F.gelu(self.up(self.norm2(x))))


class Transformer(nn.Module):
    """Words in; a next word each, or one answer."""

    def __init__(self, blocks: int = 2, width: int = 32, answers: int = 0, **block: bool) -> None:
        super().__init__()
        self.words, self.places = nn.Embedding(WORDS, width), nn.Embedding(60, width)
        self.blocks = nn.ModuleList(Block(width, **block) for _ in range(blocks))
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, answers or WORDS)
        self.answers = answers
        nn.init.normal_(self.words.weight, std=0.02)
        nn.init.normal_(self.places.weight, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        h = self.words(x) + self.places(torch.arange(x.shape[1]))
        for block in self.blocks:
            h = block(h, causal=not self.answers)
        h = self.norm(h)
        return self.head(h.mean(1) if self.answers else h)


class Encoder(nn.Module):
    """torch's own encoder over rows of pixels, as a vision transformer has it."""

    def __init__(self, layers: int = 2, width: int = 24, first: bool = True) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(
            width, 2, 48, dropout=0.1, batch_first=True, norm_first=first
        )
        self.stem, self.place = nn.Linear(8, width), nn.Parameter(torch.randn(8, width) * 0.02)
        self.encoder = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head = nn.Linear(width, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.stem(x) + self.place).mean(1))


class Bag(nn.Module):
    """Embeddings, averaged; a hidden layer behind."""

    def __init__(self, width: int = 24, act: type[nn.Module] = nn.ReLU) -> None:
        super().__init__()
        self.words = nn.EmbeddingBag(WORDS, width)
        self.hidden, self.act, self.head = nn.Linear(width, width), act(), nn.Linear(width, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.hidden(self.words(x))))


class TextConv(nn.Module):
    """Convolutions over words."""

    def __init__(self, width: int = 24) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, width)
        self.convs = nn.ModuleList(nn.Conv1d(width, width, k, padding=k // 2) for k in (1, 3, 5))
        self.head = nn.Linear(3 * width, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = self.words(x).transpose(1, 2)
        return self.head(torch.cat([F.relu(c(h)).mean(2) for c in self.convs], 1))
