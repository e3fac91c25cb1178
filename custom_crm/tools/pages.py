"""Rows of a printed table on pages, for where the printing engine can't repeat the table's head by itself."""

from math import ceil


def text_lines(text, width):
    """How many lines a text takes at so many letters a line.

    >>> text_lines("", 10), text_lines("одна", 10), text_lines("двенадцать букв", 10), text_lines("две\\nстроки", 10)
    (1, 1, 2, 2)
    """
    return sum(max(1, ceil(len(line) / width)) for line in (text or "").split("\n"))


def split_rows(heights, first, other, tail):
    """Numbers of rows on each page, at least one a page.

    :param heights: height of each row
    :param first: room on the first page
    :param other: room on each other page
    :param tail: height of what stands below the table, on the page of its last row

    >>> split_rows([1] * 10, first=20, other=30, tail=10)
    [10]
    >>> split_rows([1] * 40, first=20, other=30, tail=5), split_rows([2] * 10, first=20, other=30, tail=10)
    ([20, 20], [9, 1])
    >>> split_rows([50, 1, 50], first=20, other=30, tail=10), split_rows([], first=20, other=30, tail=10)
    ([1, 1, 1], [0])
    """
    pages, room = [0], first
    for position, height in enumerate(heights, start=1):
        needed = height + (tail if position == len(heights) else 0)
        if pages[-1] and needed > room:
            pages.append(0)
            room = other
        pages[-1] += 1
        room -= height
    return pages
