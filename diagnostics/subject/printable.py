"""What somebody sent, within a sentence or a line of a log."""


def printable(text: str) -> str:
    """A text without what would end a line, colour a terminal, or have no bytes."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
