"""What somebody sent, within a sentence or a line of a log."""


def printable(text: str) -> str:
    """A text without what would end a line, colour a terminal, or have no bytes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Refusal(Exception):
    """Why something can't be: one sentence, whatever of somebody's words it quotes."""

    def __init__(self, sentence: str) -> None:
        super().__init__(printable(sentence))
