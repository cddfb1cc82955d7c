"""Tables in, training rows out. Pure: no Django, no torch. Readers hold a few megabytes, whatever the size of the file.

facts = inspect_file(path, name="support.csv")
table = Table(path, facts)
for item in table.rows():            # Row or Problem
    made = map_row(item, mapping) if isinstance(item, Row) else item
"""

from workers.formats.chat import ROLES, Message, TrainingRow, row_id
from workers.formats.detection import Detected, columns_of, detect_layout, guess_columns
from workers.formats.encodings import ENCODINGS, Encoding, detect_encoding
from workers.formats.first_look import preview
from workers.formats.layouts import LAYOUTS, ColumnMapping, map_row, read_mapping
from workers.formats.problems import FileRefused, Problem
from workers.formats.rows import Row
from workers.formats.table import FORMATS, FileFacts, Table, inspect_file

__all__ = [
    "ENCODINGS",
    "FORMATS",
    "LAYOUTS",
    "ROLES",
    "ColumnMapping",
    "Detected",
    "Encoding",
    "FileFacts",
    "FileRefused",
    "Message",
    "Problem",
    "Row",
    "Table",
    "TrainingRow",
    "columns_of",
    "detect_encoding",
    "detect_layout",
    "guess_columns",
    "inspect_file",
    "map_row",
    "preview",
    "read_mapping",
    "row_id",
]
