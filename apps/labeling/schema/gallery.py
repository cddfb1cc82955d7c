"""Ready labeling configs to start from, on three levels: words, what texts say, and pairs of a task and its answer."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

LEVELS = {
    1: _("Words: syntax and what is sensitive"),
    2: _("Meaning: entities, relations, classes"),
    3: _("Tasks and answers, conversations, pictures"),
}


@dataclass(frozen=True)
class Template:
    slug: str
    level: int
    label: "StrPromise"
    says: "StrPromise"
    xml: str


def _view(*parts: str) -> str:
    return "\n".join(["<View>", *(f"  {line}" for part in parts for line in part.splitlines()), "</View>"])


def _header(text: str) -> str:
    return f'<Header value="{text}"/>'


def _text(name: str, field: str, extra: str = "") -> str:
    return f'<Text name="{name}" value="${field}"{extra}/>'


def _asked(kind: str, attributes: str, option: str, *values: str) -> str:
    inner = [f'  <{option} value="{value}"/>' for value in values]
    return "\n".join([f"<{kind} {attributes}>", *inner, f"</{kind}>"])


def _choices(name: str, to: str, *values: str, more: str = 'choice="single" required="true"') -> str:
    return _asked("Choices", f'name="{name}" toName="{to}" {more}', "Choice", *values)


def _labels(name: str, to: str, *values: str, kind: str = "Labels") -> str:
    return _asked(kind, f'name="{name}" toName="{to}"', "Label", *values)


def _levels(name: str, to: str, *anchors: str) -> str:
    """0 to 5, each level with what it means."""
    options = [f'  <Choice value="{level}" hint="{anchor}"/>' for level, anchor in enumerate(anchors)]
    return "\n".join([f'<Choices name="{name}" toName="{to}" choice="single" required="true">', *options, "</Choices>"])


_BY_WORD = ' granularity="word"'
_TALK = '<Paragraphs name="conversation" value="$messages" layout="dialogue" nameKey="role" textKey="content"/>'
_ANSWER = (_TALK, _header("Answer"), _text("given", "answer"))
_PAIR = (_TALK, _header("Answer A"), _text("a", "answer_a"), _header("Answer B"), _text("b", "answer_b"))

GRAMMAR = _view(
    _labels("mistakes", "text", "Spelling", "Grammar", "Punctuation", "Word order", "Wrong word"),
    _text("text", "prompt", _BY_WORD),
    _header("Is the language correct?"),
    _choices("correct", "text", "correct", "small mistakes", "hard to read"),
)
SPEECH = _view(
    _labels("parts", "text", "Noun", "Verb", "Adjective", "Adverb", "Pronoun", "Preposition", "Conjunction", "Other"),
    _text("text", "prompt", _BY_WORD),
)
SENSITIVE = _view(
    _labels("sensitive", "text", "Name", "Address", "Phone", "E-mail", "Account or card", "Health", "Insult"),
    _text("text", "prompt", _BY_WORD),
    _header("May this text be learned from?"),
    _choices("use", "text", "as it is", "with these words masked", "not at all"),
)
SAFETY = _view(
    _text("text", "text"),
    _header("What is unsafe in it?"),
    _choices(
        "unsafe",
        "text",
        "hate",
        "threat",
        "sexual",
        "self-harm",
        "private data",
        "nothing",
        more='choice="multiple" required="true"',
    ),
)
INTENT = _view(
    _text("prompt", "prompt"),
    _header("What does the customer want?"),
    _choices("intent", "prompt", "refund", "exchange", "repair", "information", "something else"),
)
ENTITIES = _view(
    _labels("entities", "prompt", "Product", "Order number", "Date", "Defect", "Size"),
    _text("prompt", "prompt", _BY_WORD),
)
RELATIONS = _view(
    _labels("entities", "text", "Person", "Organisation", "Place", "Product", "Date"),
    _asked("Relations", "", "Relation", "works for", "is in", "made by", "happened on").replace(
        "<Relations >", "<Relations>"
    ),
    _text("text", "prompt", _BY_WORD),
)
TURNS = _view(
    _TALK,
    _header("Mark within the turns"),
    _labels(
        "moments", "conversation", "Question", "Complaint", "Promise", "Wrong fact", "Thanks", kind="ParagraphLabels"
    ),
)
SENTIMENT = _view(
    _text("text", "prompt"),
    _header("How does the writer feel?"),
    _choices("mood", "text", "positive", "neutral", "negative", "mixed"),
)
QA = _view(
    _text("question", "prompt"),
    _header("Answer the question"),
    '<TextArea name="answer" toName="question" rows="6" required="true"/>',
)
SUMMARY = _view(
    _text("text", "text"),
    _header("Sum it up in one to three sentences"),
    '<TextArea name="summary" toName="text" rows="4" required="true"/>',
)
TRANSLATION = _view(
    _text("source", "prompt"),
    _header("Translate it"),
    '<TextArea name="translation" toName="source" rows="6" required="true"/>',
    _header("Is anything lost?"),
    _choices("loss", "source", "nothing", "tone", "meaning", more='choice="single"'),
)
CORRECTION = _view(
    _TALK,
    _header("Write the answer as it should be"),
    '<TextArea name="answer" toName="conversation" value="$answer" rows="8" required="true"/>',
)
PAIRWISE = _view(
    *_PAIR,
    _header("Which answer is better?"),
    '<Pairwise name="better" toName="a,b" required="true"/>',
    _header("Why?"),
    _choices(
        "reasons",
        "conversation",
        "more correct",
        "more helpful",
        "clearer",
        "kinder",
        "safer",
        more='choice="multiple"',
    ),
)
RANKING = _view(
    _TALK,
    '<List name="answers" value="$answers" title="Answers"/>',
    _header("Put them in order, the best first"),
    '<Ranker name="order" toName="answers" required="true"/>',
)
QUALITY = _view(
    *_ANSWER,
    _header("Is this answer good enough to learn from?"),
    _choices("quality", "given", "good", "needs work", "bad"),
    _header("What is wrong with it?"),
    _choices("faults", "given", "wrong facts", "off topic", "rude", "too long", more='choice="multiple"'),
)
RATING = _view(
    *_ANSWER,
    _header("How helpful is it?"),
    '<Rating name="helpful" toName="given" maxRating="5" required="true"/>',
    _header("How friendly is it?"),
    '<Rating name="friendly" toName="given" maxRating="5"/>',
    _header("Note"),
    '<TextArea name="note" toName="given" rows="2" placeholder="Only if something stands out"/>',
)
RUBRIC = _view(
    *_ANSWER,
    _header("Correct"),
    _levels(
        "correct", "given", "False throughout", "Mostly false", "True and false in equal parts", "True, with a mistake that matters",
        "True, with a slip that does not matter", "True in every detail",
    ),
    _header("Helpful"),
    _levels(
        "helpful", "given", "Does not answer", "Answers something else", "Answers a small part", "Answers, but leaves work to the reader",
        "Answers all that was asked", "Answers all, and what would be asked next",
    ),
    _header("Overall, 0 to 5"),
    '<Number name="overall" toName="given" min="0" max="5" step="1" required="true"/>',
)  # fmt: skip
CHAT = _view(
    '<Chat name="chat" value="$messages"/>',
    _header("Answer"),
    _text("given", "answer"),
    _header("How well does the assistant follow the conversation?"),
    _levels(
        "follows", "chat", "Ignores it", "Loses the thread", "Forgets what was said", "Follows, but repeats itself", "Follows it well",
        "Follows it, and says what is missing",
    ),
    _header("What goes wrong?"),
    _choices("faults", "chat", "made up", "contradicts itself", "refuses without need", "too long", "wrong tone", more='choice="multiple"'),
)  # fmt: skip
IMAGE = _view(
    '<Image name="image" value="$image"/>',
    _header("What is in the picture?"),
    _choices("label", "image", "product", "damage", "document", "something else"),
)
BOXES = _view(
    '<Image name="image" value="$image"/>',
    _labels("boxes", "image", "Product", "Damage", "Text", kind="RectangleLabels"),
)

GALLERY = (
    Template("quality", 3, _("Good enough to learn from?"), _("Sort answers; keep the good ones"), QUALITY),
    Template("correction", 3, _("Improve the answer"), _("Rewrite the assistant's last turn"), CORRECTION),
    Template("qa", 3, _("Answer questions"), _("Question answering: people write the answer"), QA),
    Template("summary", 3, _("Summaries"), _("A few sentences for a long text"), SUMMARY),
    Template("translation", 3, _("Translations"), _("The same text in another language"), TRANSLATION),
    Template("pairwise", 3, _("Which answer is better?"), _("Preferences: two answers side by side"), PAIRWISE),
    Template("ranking", 3, _("Put answers in order"), _("Ranking: all answers, the best first"), RANKING),
    Template("rating", 3, _("Rate answers"), _("Stars for several criteria, and a note"), RATING),
    Template("rubric", 3, _("Rubric, 0 to 5"), _("Criteria whose every level is described"), RUBRIC),
    Template("chat", 3, _("Quality of conversations"), _("How a whole chat goes, and what goes wrong"), CHAT),
    Template("image", 3, _("Sort pictures"), _("One class for each picture"), IMAGE),
    Template("boxes", 3, _("Boxes in pictures"), _("What is where in a picture"), BOXES),
    Template("intent", 2, _("What does the customer want?"), _("One of a few classes for each prompt"), INTENT),
    Template("sentiment", 2, _("How does it sound?"), _("Positive, neutral, negative or mixed"), SENTIMENT),
    Template("entities", 2, _("Mark entities"), _("Spans in the prompt: products, dates, numbers"), ENTITIES),
    Template("relations", 2, _("Entities and relations"), _("Who works where, what was made by whom"), RELATIONS),
    Template("turns", 2, _("Mark in conversations"), _("Spans within the turns of a chat"), TURNS),
    Template("grammar", 1, _("Mistakes in the language"), _("Spelling, grammar, punctuation, word by word"), GRAMMAR),
    Template("speech", 1, _("Parts of speech"), _("Noun, verb, adjective: the syntax of a text"), SPEECH),
    Template("sensitive", 1, _("Sensitive words"), _("Names, addresses, numbers, insults to mask"), SENSITIVE),
    Template("safety", 1, _("Unsafe texts"), _("Hate, threats, private data: what is in it"), SAFETY),
)


def find(slug: str) -> Template:
    """The template, or the first one."""
    return next((template for template in GALLERY if template.slug == slug), GALLERY[0])


def grouped() -> list[tuple["StrPromise", list[Template]]]:
    """The templates level by level."""
    return [(label, [one for one in GALLERY if one.level == level]) for level, label in LEVELS.items()]


def fitted(template: Template, fields: Collection[str]) -> str:
    """The config for rows with these fields: what is asked about $prompt is asked about $text where there is no prompt."""
    has_text_only = "prompt" not in fields and "text" in fields
    return template.xml.replace('"$prompt"', '"$text"') if has_text_only else template.xml
