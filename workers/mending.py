"""Try mended rows of a quarantine again, in a process with limits.

    python -m workers.mending < task.json

The task: {"rows": [{"line", "raw"}], "format", "delimiter", "columns", "mapping"}, or instead of "rows" a "file" of such objects, one a
line, as the quarantine is downloaded. Prints {"accepted": [row], "refused": [{"line", "code", "reason", "raw"}]} or {"refused_file": ...}.
"""

import csv
import io
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from workers.preview import limit_this_process

MOST_ROWS = 10_000  # of one request


def mend(task: Mapping[str, Any]) -> dict[str, Any]:
    """What comes of the rows. Raises FileRefused for a wrong mapping or a file that holds no such rows."""
    from workers.formats import Problem, map_row, read_mapping  # heavy; imported under the limits

    mapping = read_mapping(task["mapping"], [])
    accepted, refused = list[dict[str, Any]](), list[dict[str, Any]]()
    for line, raw in _rows(task):
        row = parse(raw, line, task["format"], task.get("delimiter") or ",", task.get("columns") or [])
        made = row if isinstance(row, Problem) else map_row(row, mapping)
        if isinstance(made, Problem):
            refused.append(made.as_dict() | {"raw": raw})
        else:
            accepted.append({**made._asdict(), "messages": [message._asdict() for message in made.messages]})
    return {"accepted": accepted, "refused": refused}


def parse(raw: str, line: int, format: str, delimiter: str, columns: Sequence[str]) -> Any:
    """The Row that a text stands for in a file of this format, or its Problem. JSON may stretch over several lines."""
    from workers.formats.json_rows import read_json_array
    from workers.formats.problems import FileRefused, Problem
    from workers.formats.text_rows import read_passages

    if format == "images":
        reason = "An image cannot be mended as text. Mend it in the archive, and upload that as the next version."
        return Problem(line, "not_mendable", reason, raw)
    try:
        data = raw.encode("utf-8", "surrogatepass")
        if format in ("csv", "tsv"):
            items = list(_csv(data, delimiter, columns))
        elif format in ("txt", "lines"):
            items = [item for item in read_passages(_stream(data)) if item]
        else:
            items = list(read_json_array(_stream(b"[" + data.strip() + b"]")))
    except FileRefused as refusal:
        return Problem(line, refusal.code, _row_words(refusal.message), raw)
    items = [item for item in items if item is not None]
    if len(items) != 1:
        many = f"These are {len(items)} rows; one is expected." if items else "The row is empty."
        return Problem(line, "not_one_row", many, raw)
    return items[0]._replace(line=line, raw=raw) if not isinstance(items[0], Problem) else items[0].moved(line)


def _row_words(message: str) -> str:
    """A refusal of a whole file, said of its one row."""
    return message.replace("The file ends", "The row ends").replace(", before the closing “]”", "")


def _csv(data: bytes, delimiter: str, columns: Sequence[str]) -> Iterator[Any]:
    from workers.formats.csv_rows import read_csv

    header = io.StringIO(newline="")
    csv.writer(header, delimiter=delimiter).writerow(columns)
    yield from read_csv(_stream(header.getvalue().encode() + data), delimiter)


def _stream(data: bytes) -> io.BufferedReader:
    return io.BufferedReader(io.BytesIO(data))


def _rows(task: Mapping[str, Any]) -> Iterator[tuple[int, str]]:
    if "file" not in task:
        for row in task["rows"]:
            yield int(row["line"]), str(row["raw"])
        return
    from workers.formats import FileFacts, FileRefused, Row, Table
    from workers.formats.encodings import Encoding

    hint = "Upload the downloaded quarantine again, with “raw” mended and “line” as it is."
    for count, item in enumerate(Table(Path(task["file"]), FileFacts("jsonl", Encoding("utf-8"))).rows(), 1):
        if (
            not isinstance(item, Row)
            or type(item.values.get("line")) is not int
            or not isinstance(item.values.get("raw"), str)
        ):
            raise FileRefused(
                "not_a_quarantine", f"Line {item.line} is no row of a quarantine.", hint=hint, line=item.line
            )
        if count > MOST_ROWS:
            raise FileRefused("too_many_rows", f"The file has more than {MOST_ROWS} rows.", hint="Mend them in parts.")
        yield item.values["line"], item.values["raw"]


def main() -> int:
    """Read the task, print the answer."""
    task = json.load(sys.stdin)
    limit_this_process()
    from workers.formats import FileRefused

    try:
        answer = mend(task)
    except FileRefused as refusal:
        answer = {"refused_file": refusal.as_dict()}
    except MemoryError:
        answer = {
            "refused_file": FileRefused("too_heavy", "The rows need more memory to read than they may.").as_dict()
        }
    print(json.dumps(answer, ensure_ascii=True))
    return 0


if __name__ == "__main__":
    sys.exit(main())
