"""The characters of a model: from text to tokens, and from tokens to symbols that can be seen.

A newline or a space is nothing to look at, and not every font or terminal has every character: whatever
cannot be shown becomes its number, such as U+4E2D.
"""

import unicodedata

from microgpt_tools.errors import UserError

SYMBOLS = {" ": "␣", "\n": "⏎", "\t": "⇥"}
LONGEST_ERROR_LIST = 100  # characters


def encode(text, characters, option):
    """The tokens of a text without BOS; UserError, naming the option, for characters that are unknown."""
    token_of = {character: token for token, character in enumerate(characters)}
    for character in text:
        if character not in token_of:
            known = "".join(filter(str.isprintable, characters))[:LONGEST_ERROR_LIST]
            shown = repr(character) if character.isprintable() else f"U+{ord(character):04X}"
            raise UserError(f"{option}: the model does not know the character {shown}; it knows: {known}")
    return [token_of[character] for character in text]


def visible(character, can_show):
    """A symbol for a character; can_show(text) says whether the font or terminal has what it needs."""
    symbol = SYMBOLS.get(character, character)
    if unicodedata.combining(symbol):
        symbol = "◌" + symbol
    if symbol.isprintable() and not symbol.isspace() and can_show(symbol):
        return symbol
    return f"U+{ord(character):04X}"


class Labels:
    """Tokens and texts as one kind of output shows them."""

    def __init__(self, characters, can_show):
        self.characters = characters
        self.can_show = can_show

    def token(self, token, bos="BOS"):
        if token == len(self.characters):
            return bos
        return visible(self.characters[token], self.can_show)

    def text(self, text, most):
        """A text, or its end, in at most `most` characters."""
        shown = [visible(character, self.can_show) for character in text]
        if len("".join(shown)) <= most:
            return "".join(shown)
        dots = "…" if self.can_show("…") else "..."
        while len(dots + "".join(shown)) > most:
            del shown[0]
        return dots + "".join(shown)
