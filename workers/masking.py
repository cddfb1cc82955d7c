"""From a conversation to tokens, and which of them the model is taught.

The loss is on the assistant's tokens only, including the token that ends its turn, so that the model learns to stop. The place
of an answer is found in the rendered text (the text with the conversation up to the question, plus the opening of the answer,
is a prefix of it) and carried to tokens by their character offsets. No torch.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

IGNORED = -100  # the label that the loss skips (torch.nn.CrossEntropyLoss, ignore_index)

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)

Message = dict[str, str]
Span = tuple[int, int]


class Render(Protocol):
    """The chat template: messages to text, with the opening of an answer when asked."""

    def __call__(self, messages: Sequence[Message], opening: bool) -> str: ...


@dataclass(frozen=True)
class Encoded:
    """Token ids with the characters each came from."""

    ids: list[int]
    offsets: list[Span]


@dataclass(frozen=True)
class MaskedRow:
    """One training row. `labels[i]` is `input_ids[i]` where it is taught, else -100."""

    input_ids: list[int]
    labels: list[int]
    full_length: int  # before the cut at max_length

    @property
    def is_truncated(self) -> bool:
        return self.full_length > len(self.input_ids)

    @property
    def taught(self) -> int:
        """How many tokens bear loss. The first token of a row never can: nothing predicts it."""
        return sum(label != IGNORED for label in self.labels[1:])


@dataclass(frozen=True)
class Masker:
    """Renders, encodes and masks rows. `end_tokens` are the texts of the tokens that can end a turn."""

    render: Render
    encode: Callable[[list[str]], list[Encoded]]
    end_tokens: tuple[str, ...]
    max_length: int

    def mask(self, conversations: Sequence[Sequence[Message]]) -> list[MaskedRow]:
        """One row for each conversation; a row without a taught token has `taught == 0`."""
        texts, spans = [], []
        for messages in conversations:
            text, found = answer_spans(self.render, messages, self.end_tokens)
            texts.append(text)
            spans.append(found)
        return [self._row(encoded, found) for encoded, found in zip(self.encode(texts), spans, strict=True)]

    def _row(self, encoded: Encoded, spans: Sequence[Span]) -> MaskedRow:
        labels = labels_of(encoded, spans)
        return MaskedRow(encoded.ids[: self.max_length], labels[: self.max_length], len(encoded.ids))


def answer_spans(render: Render, messages: Sequence[Message], end_tokens: Sequence[str]) -> tuple[str, list[Span]]:
    """The rendered conversation and the character spans of the assistant's answers, each with its end token.

    When the template closes the last answer with no end token, the first of `end_tokens` is appended to the text.
    """
    text = render(messages, False)
    spans: list[Span] = []
    for index, message in enumerate(messages):
        if message["role"] == "assistant":
            span = _span_of(render, text, messages, index, spans[-1][1] if spans else 0, end_tokens)
            if span is not None:
                spans.append(span)
    is_last_answer = bool(spans) and messages[-1]["role"] == "assistant"
    if is_last_answer and end_tokens and not text[: spans[-1][1]].endswith(tuple(end_tokens)):
        text = text[: spans[-1][1]] + end_tokens[0]
        spans[-1] = (spans[-1][0], len(text))
    return text, spans


def labels_of(encoded: Encoded, spans: Sequence[Span]) -> list[int]:
    """The label of each token: its id when it begins inside a span (both in order), else -100."""
    labels, current = [], 0
    for token, (start, stop) in zip(encoded.ids, encoded.offsets, strict=True):
        while current < len(spans) and start >= spans[current][1]:
            current += 1
        inside = current < len(spans) and stop > start and spans[current][0] <= start
        labels.append(token if inside else IGNORED)
    return labels


def _span_of(
    render: Render, text: str, messages: Sequence[Message], index: int, after: int, end_tokens: Sequence[str]
) -> Span | None:
    """Where answer `index` stands in `text`, from behind its opening to behind its end token. None when it cannot be found."""
    opened, closed = render(messages[:index], True), render(messages[: index + 1], False)
    start = len(opened) if text.startswith(opened) else None
    if start is not None and text.startswith(closed):
        return start, start + _length_with_end(text[start : len(closed)], end_tokens)
    content = messages[index]["content"].strip()  # the template treats this answer differently: look for its words
    found = text.find(content, after if start is None else start)
    if not content or found < 0:
        return None
    stop = found + len(content)
    return (found if start is None else start), stop + _end_after(text[stop:], end_tokens)


def _length_with_end(answer: str, end_tokens: Sequence[str]) -> int:
    """Length of an answer without what follows its end token (a newline that is never generated)."""
    trimmed = answer.rstrip()
    return len(trimmed) if trimmed.endswith(tuple(end_tokens)) else len(answer)


def _end_after(rest: str, end_tokens: Sequence[str]) -> int:
    """How far the end token reaches when it follows at once (white space may stand between), else 0."""
    trimmed = rest.lstrip()
    for token in end_tokens:
        if trimmed.startswith(token):
            return len(rest) - len(trimmed) + len(token)
    return 0
