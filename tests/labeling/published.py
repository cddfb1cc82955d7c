"""Tables of ratings whose figures were published; the research notes name the papers beside them."""

from collections.abc import Sequence

COHEN_1960 = [[20, 5], [10, 15]]
COHEN_1968 = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
COHEN_1968_APART = [[0, 1, 3], [1, 0, 6], [3, 6, 0]]
ABSTRACTORS = [[13, 0, 0], [0, 20, 7], [0, 4, 56]]  # Gwet 2014
PREVALENCE = [[118, 5], [2, 0]]
BELOW_CHANCE = [[80, 10], [10, 0]]
_FLEISS_1971 = (
    "00060 03003 01401 00006 03030 20400 00402 20310 20040 00006 10050 11040 03300 10050 02031 "
    "00501 30012 51000 02040 10203 00006 01050 02013 20040 10041 05010 40002 02040 10500 00006"
)
FLEISS_1971 = [[int(count) for count in row] for row in _FLEISS_1971.split(" ")]
TEXTBOOK = [
    [0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1],
    [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7],
]  # fmt: skip
SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]
_KRIPPENDORFF_2011 = [
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
]


def rated(table: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """Items x two raters behind a table of counts."""
    return [(i, j) for i, row in enumerate(table) for j, count in enumerate(row) for _one in range(count)]


def spread(counts: Sequence[Sequence[int]]) -> list[list[int]]:
    """Items x raters behind counts by category; who said what does not matter to Fleiss."""
    return [[place for place, count in enumerate(row) for _one in range(count)] for row in counts]


def canonical() -> list[list[int | None]]:
    """Krippendorff's four observers of twelve units, with gaps; also Gwet's."""
    columns = [[None if value == "." else int(value) for value in line.split()] for line in _KRIPPENDORFF_2011]
    return [list(row) for row in zip(*columns, strict=True)]
