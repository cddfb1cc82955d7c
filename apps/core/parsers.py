"""Bodies as every database and page can carry them."""

import io
import json
import math
from collections.abc import Mapping
from typing import IO, Any, NoReturn

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, QueryDict, UnreadablePostError
from django.utils.translation import gettext as _
from rest_framework.exceptions import ParseError
from rest_framework.parsers import DataAndFiles, JSONParser, MultiPartParser

from apps.core.errors import Problem, TooLarge


class SafeJSONParser(JSONParser):
    """UTF-8 JSON of bounded size and depth, without NaN, infinity, NUL or lone surrogates: each is answered with 4xx.

    The framework's own reads a body of any size into memory, fails on deep nesting, and lets through what PostgreSQL refuses.
    """

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise TooLarge(f"The JSON body is larger than {limit // 1024**2} MiB.", hint="Send large data as a file.")
        try:
            text = body.decode("utf-8")
            value = self.read(text)
            _refuse_unstorable(value)
        except RecursionError as exc:
            raise ParseError("JSON parse error - it is nested too deeply") from exc
        except ValueError as exc:
            raise ParseError(f"JSON parse error - {exc}") from exc
        return value

    def read(self, text: str) -> Any:
        """Raises ValueError for numbers that are none."""
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)


class NumberNamingParser(SafeJSONParser):
    """Lets NaN and infinity through to a door that checks every number itself and can say which field has it."""

    def read(self, text: str) -> Any:
        return json.loads(text)


class SafeMultiPartParser(MultiPartParser):
    """Forms whose texts and names have no NUL; what is in their files is not looked at."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> "DataAndFiles[Any, Any]":
        found = super().parse(stream, media_type, parser_context)
        if has_nul(found.data):
            raise ParseError("Form parse error - text contains a NUL character")
        return found


def has_nul(form: QueryDict) -> bool:
    """PostgreSQL has no NUL; no field of a form means one."""
    return any("\0" in text for name, texts in form.lists() for text in (name, *texts) if isinstance(text, str))


def json_of(request: HttpRequest) -> Any:
    """The JSON body of a request that no DRF view takes. Raises Problem."""
    try:
        return SafeJSONParser().parse(io.BytesIO(request.body))
    except ParseError as exc:
        raise Problem(str(exc.detail), code="invalid_json") from exc
    except RequestDataTooBig as exc:
        raise TooLarge(_("The request is too large.")) from exc
    except UnreadablePostError as exc:
        raise Problem(_("The request broke off.")) from exc


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number


def _refuse_unstorable(value: Any) -> None:
    """Raise ValueError for text with a NUL character or with half of a surrogate pair, at any depth."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting += [*item.keys(), *item.values()]
        elif isinstance(item, list):
            waiting += item
        elif isinstance(item, str):
            if "\0" in item:
                raise ValueError("text contains a NUL character")
            item.encode("utf-8")  # UnicodeEncodeError, a ValueError, for half of a surrogate pair
