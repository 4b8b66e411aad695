"""Text of any origin, made safe for a terminal."""

from __future__ import annotations

from rich.text import Text

from keras_lvseg.errors import printable


def terminal_text(text: str, style: str = "") -> Text:
    r"""Return text for a rich console with control characters escaped and markup taken literally.

    File names and patient IDs are arbitrary text. They may hold escape sequences, line breaks and brackets.

    Args:
        text: Any text.
        style: A style of rich, such as "bold".

    Returns:
        The text on one line.

    Example:
        >>> print(terminal_text("a\x1b[2J[bold]\n.dcm"))
        a\x1b[2J[bold]\n.dcm
    """
    return Text(printable(text), style)
