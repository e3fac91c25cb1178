r"""Text of pages that wkhtmltopdf made, many times faster than a library that reads any PDF.

It writes each piece of text between BT and ET, by numbers of glyphs of four digits, and a table from these to
characters with each font. What is written otherwise is not found: then ask the library.

>>> cmap = read_cmap(b"1 beginbfrange\n<0001> <0003> [<0041> <0031> <0032> ]\nendbfrange")
>>> page = b"BT /F6 16 Tf 8 -15 Td <0001> Tj 12 0 Td <00020003> Tj ET BT /F7 9 Tf <0001> Tj ET"
>>> list(iter_pieces(page, {"F6": cmap}))
['A12', '']
>>> read_cmap(b"1 beginbfrange\n<0005> <0006> <0041>\nendbfrange 1 beginbfchar\n<0009> <0042>\nendbfchar")
{5: 'A', 6: 'B', 9: 'B'}
"""

import re

PIECE = re.compile(rb"\bBT\b(.*?)\bET\b", re.DOTALL)
FONT_OR_GLYPHS = re.compile(rb"/(\w+) [\d.]+ Tf|<([0-9A-Fa-f]+)>")
SECTION = re.compile(rb"beginbf(?:range|char)(.*?)endbf(?:range|char)", re.DOTALL)
# First and last glyph with their characters, or with the first of these; or a single glyph with its character.
ENTRY = re.compile(rb"<(\w+)>\s*(?:<(\w+)>\s*)?(?:\[([^]]*)\]|<(\w+)>)")


def read_cmap(table):
    """Characters by the numbers of glyphs of a font.

    :param bytes table: the font's ``ToUnicode``
    """
    characters = {}
    for section in SECTION.findall(table):
        for first, last, listed, start in ENTRY.findall(section):
            numbers = range(int(first, 16), int(last or first, 16) + 1)
            if listed:
                codes = [int(code, 16) for code in re.findall(rb"<(\w+)>", listed)]
            else:
                codes = range(int(start, 16), int(start, 16) + len(numbers))
            characters.update(zip(numbers, map(chr, codes), strict=False))
    return characters


def iter_pieces(content, cmaps):
    """Yield the pieces of text of a page.

    :param bytes content: the page's drawing commands
    :param dict cmaps: the result of :func:`read_cmap` by the name of the font
    """
    for commands in PIECE.findall(content):
        cmap, piece = {}, []
        for font, glyphs in FONT_OR_GLYPHS.findall(commands):
            if font:
                cmap = cmaps.get(font.decode(), {})
            else:
                piece += [cmap.get(int(glyphs[place : place + 4], 16), "") for place in range(0, len(glyphs), 4)]
        yield "".join(piece)
