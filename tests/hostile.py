"""Requests that no honest client makes, bounded in number: for every operation of the API and every form of every page."""

import base64
import copy
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from django.core.files.uploadedfile import SimpleUploadedFile

LONG = "A" * 20_000
DEEP = b'{"a":' * 3000 + b"1" + b"}" * 3000
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BODIES = [
    (JSON, b""), (JSON, b"null"), (JSON, b"[]"), (JSON, b"[1]"), (JSON, b'"x"'), (JSON, b"0"), (JSON, b"{"), (JSON, DEEP),
    (JSON, b'{"name": NaN}'), (JSON, b"\xff\xfe"), (JSON, b'{"name": "\\ud800"}'), (JSON, b'{"name": "\\u0000"}'),
    (JSON, b'{"\\u0000": 1}'), (JSON, b"1" * 5000), ("text/plain", b"x"), ("", b"x"), (FORM, b"name=%00"),
    ("multipart/form-data", b"x"), ("multipart/form-data; boundary=x", b"--x\r\n"), ("application/json; charset=utf-16", b"{}"),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, 0, -1, 2**31, 2**63, 10**30, 1.5, "", "x", " ", LONG, [], {}, [[]], [{"a": 1}], [None], ["x"], {"a": {}},
]  # fmt: skip
WORDS = ["\0", "", "x", "-1", "9" * 30, "1e999", "NaN", "\u0663", LONG]
BAD_CURSORS = [b"p=\0", b"p=abc", b"o=" + b"9" * 30, b"r=1&p=9999-99-99", b"p=", b"\xff", b"p=" + b"9" * 30]
QUERY = [*(quote(word) for word in WORDS[:-1]), "%ED%A0%80", "%FF", "A" * 3000]
CURSORS = [quote(base64.b64encode(text).decode()) for text in BAD_CURSORS] + ["x", "%00"]
PLACES = ["%00", "x", "%ED%A0%80", "9" * 30, "-1", "..", "A" * 3000, "00000000-0000-0000-0000-00000000000g", "%0A"]


@dataclass(frozen=True)
class Order:
    """One request."""

    method: str
    url: str
    what: str
    extra: dict[str, Any] = field(default_factory=dict, compare=False)


def shape(schema: dict[str, Any], part: dict[str, Any], known: dict[str, Any], name: str = "") -> Any:
    """A value that a part of the description allows; `known` has better ones by name."""
    while "$ref" in part or "allOf" in part or "oneOf" in part:
        part = (part.get("allOf") or part.get("oneOf") or [part])[0]
        part = schema["components"]["schemas"][part["$ref"].rsplit("/", 1)[1]] if "$ref" in part else part
    if name in known:
        return copy.deepcopy(known[name])
    if part.get("enum"):
        return part["enum"][0]
    kind = part.get("type", "")
    if kind == "object":
        inner = {n: p for n, p in part.get("properties", {}).items() if not p.get("readOnly")}
        return {n: shape(schema, p, known, n) for n, p in inner.items()}
    if kind == "array":
        return [shape(schema, part.get("items", {}), known)]
    return {"integer": 1, "number": 0.5, "boolean": False, "string": "word"}.get(kind, {"a": 1})


def places(value: Any, way: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place within a value, the whole itself not among them."""
    if way:
        yield way
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, item in inner:
        yield from places(item, (*way, name))


def with_value(body: Any, way: tuple[Any, ...], value: Any) -> Any:
    made = copy.deepcopy(body)
    spot = made
    for name in way[:-1]:
        spot = spot[name]
    spot[way[-1]] = value
    return made


def bodies(method: str, url: str, body: dict[str, Any]) -> Iterator[Order]:
    """For a door that takes a body: what is no body, each place of it with each value, and both kinds of form."""
    for kind, raw in BODIES:
        yield Order(method, url, f"{kind} {raw[:20]!r}", {"data": raw, "content_type": kind})
    yield Order(method, url, "as it should be", {"data": json.dumps(body), "content_type": JSON})
    for way, value in itertools.product(places(body), VALUES):
        text = json.dumps(with_value(body, way, value))
        yield Order(method, url, f"{way} = {str(value)[:20]!r}", {"data": text, "content_type": JSON})
    for name in body:
        rest = {n: v if isinstance(v, str) else json.dumps(v) for n, v in body.items()}
        for word in WORDS if method == "post" else ():
            yield Order(method, url, f"form {name} = {word[:20]!r}", {"data": {**rest, name: word}})
        if method == "post":
            file = SimpleUploadedFile("a\0b.jsonl", b"\0")
            yield Order(method, url, f"form {name} = a file", {"data": {**rest, name: file}})


def queries(url: str, names: Iterator[str] | list[str]) -> Iterator[Order]:
    for name in dict.fromkeys(names):
        for word in [*QUERY, *(CURSORS if name == "cursor" else ())]:
            yield Order("get", f"{url}?{name}={word}", "")


def paths(address: str, url: str) -> Iterator[str]:
    """The url of an address with each of its named places in turn replaced by what nobody has."""
    parts = re.split(r"<\w+:\w+>", address)
    pattern = "(.+?)".join(re.escape(part) for part in parts)
    found = re.fullmatch(pattern, url)
    assert found is not None, (address, url)
    for place, word in itertools.product(range(len(found.groups())), PLACES):
        start, end = found.span(place + 1)
        yield f"{url[:start]}{word}{url[end:]}"


class Forms(HTMLParser):
    """The forms of a page with their fields, and the names in its own links' queries."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address, self.forms, self.names = address, list[tuple[str, str, dict[str, str]]](), list[str]()
        self._at: dict[str, str] | None = None
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for way in ("href", "hx-get"):
            self.names += [name for name, _value in parse_qsl(urlsplit(given.get(way, "")).query, True)]
        if "hx-post" in given and tag != "form":
            self.forms.append(("post", given["hx-post"], {}))
        if tag == "form":
            self._at = {}
            action = given.get("hx-post") or given.get("action") or self.address
            method = "post" if "hx-post" in given else given.get("method", "get").lower()
            self.forms.append((method, action, self._at))
        if tag in ("input", "select", "textarea", "button") and self._at is not None and given.get("name"):
            self._at.setdefault(given["name"], given.get("value", ""))
            self._select = given["name"] if tag == "select" else self._select
        if tag == "option" and self._at is not None and self._select and not self._at.get(self._select):
            self._at[self._select] = given.get("value", "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._at = None


def form_orders(url: str, fields: dict[str, str]) -> Iterator[Order]:
    """A form with each of its fields in turn as no browser sends it, or without it."""
    rest = {name: value for name, value in fields.items() if name != "csrfmiddlewaretoken"}
    yield Order("post", url, "as it is", {"data": rest})
    for name, word in itertools.product(rest, WORDS):
        yield Order("post", url, f"{name} = {word[:20]!r}", {"data": {**rest, name: word}})
    for name in rest:
        yield Order("post", url, f"without {name}", {"data": {n: v for n, v in rest.items() if n != name}})
        yield Order("post", url, f"{name} = a file", {"data": {**rest, name: SimpleUploadedFile("a.json", b"\0")}})
