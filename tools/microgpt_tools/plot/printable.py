"""Text from outside (folder names, config values, samples) made fit to stand in a picture or a page.

A folder may have any bytes in its name and a sample any character; SVG and HTML may not: control
characters become their pictures (U+2400 and following), what has no picture becomes U+FFFD.
"""

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def printable(text, keep=""):
    return "".join(character if character in keep else _fit(character) for character in str(text))


def shorten(text, longest):
    """The text, or its beginning and end with an ellipsis between: both may tell names apart."""
    if len(text) <= longest:
        return text
    head = (longest - 1) // 2
    return f"{text[:head]}…{text[len(text) - (longest - 1 - head):]}"


def _fit(character):
    code = ord(character)
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\N{SYMBOL FOR DELETE}"
    is_mark = code in range(0x202A, 0x202F) or code in range(0x2066, 0x206A)  # they reverse what follows
    is_surrogate = 0xD800 <= code < 0xE000  # an undecodable byte of a name
    if 0x80 <= code < 0xA0 or is_mark or is_surrogate or code & 0xFFFE == 0xFFFE:
        return REPLACEMENT
    return character
