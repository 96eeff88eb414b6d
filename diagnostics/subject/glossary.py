"""The words of the page that not everybody knows, each explained once, in words that all know.

The page explains a word where it stands; ``docs/glossary.md`` is made of this table.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType


@dataclass(frozen=True)
class Term:
    """A word with its explanation.

    Attributes:
        spellings: a regular expression of how it is written, in any letters; the label where empty.
        source: where it comes from, empty where it is common knowledge.
    """

    key: str
    label: str
    help: str
    source: str = ""
    spellings: str = ""

    @cached_property
    def _found(self) -> re.Pattern[str]:
        return re.compile(self.spellings or rf"\b{re.escape(self.label)}\b", re.IGNORECASE)

    def stands_in(self, text: str) -> bool:
        """Whether a text uses it."""
        return bool(self._found.search(text))


def _table(*terms: Term) -> Mapping[str, Term]:
    return MappingProxyType({term.key: term for term in terms})


GLOSSARY = _table(
    Term("gradient", "Gradient", "How much the loss would change with each number of the network. "
         "Training steps against it: where it is 0, nothing is learned.",
         spellings=r"\bgradients?\b"),
    Term("signal", "Signal gradient ∂L/∂z", "How much the loss would change with what enters a "
         "layer's activations. It is what travels back through the network, so it tells what "
         "reaches a layer.", "Glorot & Bengio 2010", r"\bsignal\b|∂L/∂z"),
    Term("weight_gradient", "Weight gradient ∂L/∂W", "How much the loss would change with a "
         "layer's weights: the signal gradient times what the layer below sends. It can look well "
         "while the signal vanishes.", "Glorot & Bengio 2010, section 4.2.2",
         r"\bweight gradients?\b|∂L/∂W"),
    Term("decade", "Decade", "A factor of ten. Three decades less is 1/1000; −0.6 decades a layer "
         "is a quarter at each layer.", spellings=r"\bdecades?\b"),
    Term("log", "Log scale", "An axis on which each step of the same length multiplies by the "
         "same number, so that 1 and one millionth can both be seen.",
         spellings=r"\blog scale\b|\bpowers? of ten\b"),
    Term("activation", "Activation", "What a unit puts out: h = φ(z), a bent function of its "
         "weighted inputs z.", spellings=r"\bactivations?\b|φ"),
    Term("dormant", "Dormant unit", "A unit that puts out next to nothing beside the others of its "
         "layer, less than 1/40 of their mean. Unlike a dead one it may still get a gradient.",
         "Sokar et al. 2023", r"\bdormant\b"),
    Term("attention", "Attention", "Each token (query) gives every other (key) a logit, how well "
         "they fit; softmax makes shares of them, by which it mixes what the others say. Its "
         "entropy tells over how many it spreads itself: 1 over all alike, 0 where it looks at "
         "one alone.", "Zhai et al. 2023", r"\battention\b"),
    Term("expert", "Expert, router", "One of several small networks side by side, of which each "
         "token passes through a few. A router chooses them; an expert that is never chosen "
         "learns nothing.", "Shazeer et al. 2017", r"\bexperts?\b|\brouters?\b"),
    Term("root_v", "√v", "What Adam divides a gradient g by: the root of v, the running mean of g² "
         "of each weight by itself. Gradients that suddenly grow are divided by a v that does not "
         "know them yet, and the step is too large.", "Wortsman et al. 2023", "√v"),
    Term("std", "Standard deviation (std)", "How far numbers typically lie from their mean. That "
         "of activations is taken over all samples of a batch and all units of a layer.",
         spellings=r"\bstd\b|\bstandard deviation\b"),
    Term("norm", "Norm", "The length of a list of numbers: the root of the sum of their squares.",
         spellings=r"\bnorms?\b(?! (?:over|before|after))|‖"),
    Term("update_ratio", "Update : weight", "How much a step changes a layer's weights, as a share "
         "of the weights. Near 1/1000 a layer learns; far below it stands still, far above it "
         "forgets.", spellings=r"\bupdate ?: ?weight\b"),
    Term("saturated", "Saturated", "At an end of an activation's range, where its slope is almost "
         "0, so that almost no gradient comes through.", "Glorot & Bengio 2010",
         r"\bsaturat\w+|\bends? of the range\b"),
    Term("dead", "Dead unit", "A unit that puts out 0 for every sample. No gradient passes it, so "
         "it seldom learns again.", "Lu et al. 2019", r"\bdead\b|\bdie[sd]?\b|\bdying\b"),
    Term("sparse", "Sparse", "Mostly 0. With ReLU half of all activations usually are, which does "
         "no harm as long as they are others for other samples.",
         "Glorot, Bordes & Bengio 2011", r"\bspars\w+"),
    Term("ladder", "Ladder", "A gradient on its way into a step: as computed on a batch, as "
         "accumulated over several, as clipped, and what the optimizer makes of it.",
         spellings=r"\bladder\b|\baccumulated, (?:before )?clip\w+"),
    Term("accumulation", "Accumulation", "Adding up the gradients of several batches before one "
         "step, as if the batch were larger.", spellings=r"\baccumulat\w+"),
    Term("clipping", "Clipping", "Limiting gradients before a step, so that no step is too "
         "large.", "Pascanu, Mikolov & Bengio 2013", r"\bclip\w*"),
    Term("agc", "AGC", "Adaptive gradient clipping: the limit of a unit's gradient is a share of "
         "its weights.", "Brock et al. 2021"),
    Term("glorot", "Glorot (Xavier)", "First weights with variance 2/(n_in + n_out), which keep "
         "signals alike in both directions through tanh. n_in and n_out count a layer's inputs "
         "and outputs.", "Glorot & Bengio 2010", r"\bglorot\b"),
    Term("he", "He (Kaiming)", "First weights with variance 2/n_in, which make up for the half "
         "that a ReLU stops.", "He et al. 2015", r"(?-i:\bHe\b)"),
    Term("lecun", "LeCun", "First weights with variance 1/n_in, which keep the spread of a linear "
         "layer; SELU is made for them.", "LeCun et al. 1998; Klambauer et al. 2017"),
    Term("lsuv", "LSUV", "Layer-sequential unit variance: a random rotation, then each layer is "
         "scaled until its outputs on data have variance 1.", "Mishkin & Matas 2016"),
    Term("gain", "Gain", "A factor by which all first weights are multiplied."),
    Term("max_norm", "Max-norm", "A limit on the length of each unit's weights: what is longer "
         "after a step is shortened.", "Srivastava et al. 2014"),
    Term("dropout", "Dropout", "In training a random share of activations is set to 0, so that no "
         "unit can rely on another.", "Srivastava et al. 2014"),
    Term("weight_decay", "Weight decay", "A pull of all weights to 0 at each step.",
         "Krogh & Hertz 1992"),
    Term("heldout", "Held-out", "Samples that are never trained with. How well they are done tells "
         "what was understood rather than learned by heart.", spellings=r"\bheld[- ]out\b"),
    Term("batch", "Batch", "The samples that one step looks at together.",
         spellings=r"\bbatch(?:es)?\b(?! norm)"),
    Term("batch_norm", "Batch and layer norm", "Shifting and scaling what passes a layer to mean 0 "
         "and spread 1: of each unit over the batch, or of each sample over the units.",
         "Ioffe & Szegedy 2015; Ba et al. 2016", r"\b(?:batch|layer) ?norm\w*|\bnormaliz\w+"),
    Term("residual", "Residual connection", "A layer adds to its input instead of replacing it, so "
         "that gradients have a road around it.", "He et al. 2016", r"\bresidual\b"),
    Term("loss", "Loss", "How wrong the network is: the cross-entropy of its guesses. Guessing "
         "among ten classes costs 2.3 nats, being sure and right costs 0.",
         spellings=r"\bloss\b|\bnats\b"),
    Term("kurtosis", "Kurtosis", "How heavy the tails of a distribution are: 3 for a bell curve, "
         "much more where few numbers are far larger than the rest.", "Sun et al. 2024"),
    Term("subnormal", "Subnormal", "A number so near to 0 that its type has fewer digits left for "
         "it: below 1.2·10⁻³⁸ in float32 and bfloat16, below 6·10⁻⁵ in float16. A little smaller, "
         "and it is 0.", "IEEE 754-2019; Micikevicius et al. 2018",
         r"\bsubnormal\b|\bnormal range\b"),
    Term("theory", "Theory", "What mean-field theory predicts of a network this wide, from its "
         "activation and the variance of its first weights. The shaded band holds nineteen of "
         "twenty networks.", "Schoenholz et al. 2017",
         r"\btheory\b|\bpredicted\b"),
    Term("pinned", "Pinned", "A run that is kept, dotted, behind the one in sight, to compare."),
    Term("region", "Grey region", "The layers that the sentence above the picture speaks of.",
         spellings=r"\bgrey region\b"),
    Term("band", "Healthy band", "The grey band behind a line: where numbers of a healthy network "
         "usually lie.", spellings=r"\bhealthy (?:band|near)\b"),
)  # fmt: skip
"""In the order of the page: gradients first."""


def terms_of(*texts: str) -> list[Term]:
    """The terms that texts use, in the order of the table."""
    return [term for term in GLOSSARY.values() if any(map(term.stands_in, texts))]


def document() -> str:
    """``docs/glossary.md``."""
    rows = (f"| **{t.label}** | {t.help} | {t.source} |" for t in GLOSSARY.values())
    return "\n".join(
        (
            "# Glossary",
            "",
            "The page explains each of these words at a `?` where it stands. Made of",
            "`diagnostics/subject/glossary.py` by `python -m diagnostics.subject.glossary`.",
            "",
            "| word | what it means | source |",
            "| --- | --- | --- |",
            *rows,
            "",
        )
    )


if __name__ == "__main__":
    from pathlib import Path

    Path("docs/glossary.md").write_text(document())
