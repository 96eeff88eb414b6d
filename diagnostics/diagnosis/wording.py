"""Numbers and layers in words."""

from collections.abc import Sequence

import numpy as np

from diagnostics.subject.watched import Subject

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def times(power: float) -> str:
    """10^power as it stands before "the gradient": 0.6 ×, 4 × 10⁻⁸ of, 2 × 10⁷ times."""
    if -2 <= power < 3:
        return f"{10**power:.2g} ×" if power < 2 else f"{10**power:.0f} ×"
    return f"{number(power)} {'of' if power < 0 else 'times'}"


def number(power: float) -> str:
    """10^power: 0.6, 4 × 10⁻⁸."""
    if -2 <= power < 3:
        return f"{10**power:.2g}" if power < 2 else f"{10**power:.0f}"
    exponent = int(np.floor(power))
    mantissa = f"{10 ** (power - exponent):.0f}"
    if mantissa == "10":
        mantissa, exponent = "1", exponent + 1
    return f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPTS)}"


def share(power: float) -> str:
    """10^power of a whole, for powers up to 0: 0.7, 1/35, 1/2000, 4 × 10⁻⁸."""
    if power > -0.3 or power < -5:
        return number(power)
    parts = 10**-power
    digits = 2 if parts < 100 else 1
    return f"1/{float(f'{parts:.{digits}g}'):.0f}"


def called(number: int, subject: Subject) -> str:
    """layer 3, the output layer; with its path where it has one: layer 3 (encoder.0.linear1)."""
    if number > subject.hidden_layers and not subject.names:
        return "the output layer"
    name = f" ({subject.names[number - 1]})" if 0 < number <= len(subject.names) else ""
    return f"{subject.layer_word} {number}{name}"


def capital(words: str) -> str:
    """With a capital first letter, the others as they are."""
    return words[0].upper() + words[1:]


def layers(numbers: Sequence[int], subject: Subject) -> str:
    """layer 3, layers 1–6, 4 layers."""
    word = subject.layer_word
    if len(numbers) == 1:
        return called(numbers[0], subject)
    if numbers[-1] - numbers[0] + 1 == len(numbers):
        return f"{word}s {numbers[0]}–{numbers[-1]}"
    return f"{len(numbers)} {word}s"
