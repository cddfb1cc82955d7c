"""The words and the reach that the rows of datasets share."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import ScopedQuerySet


class State(models.TextChoices):
    """Where a dataset stands, as its newest upload and versions tell."""

    READY = "ready", _("Ready")
    IMPORTING = "importing", _("Importing")
    FAILED = "failed", _("Import failed")
    MAPPING = "mapping", _("Columns to be chosen")


class Layout(models.TextChoices):
    """What the rows of the file looked like (workers.formats.layouts)."""

    MESSAGES = "messages", _("Chat messages")
    SHAREGPT = "sharegpt", _("ShareGPT conversations")
    ALPACA = "alpaca", _("Alpaca instructions")
    PROMPT_COMPLETION = "prompt_completion", _("Prompt and completion")
    PREFERENCE = "preference", _("Chosen and rejected answers")
    KTO_MESSAGES = "kto_messages", _("Conversations, wanted or not")
    KTO = "kto", _("Answers, wanted or not")
    TEXT = "text", _("Plain text")
    CLASSIFICATION = "classification", _("Texts and classes")
    NER = "ner", _("Entities as spans")
    NER_TAGS = "ner_tags", _("Entities as tags of words")
    TABULAR = "tabular", _("Table of values")
    IMAGE = "image", _("Images")


class Form(models.TextChoices):
    """What kind of thing the rows of a version are (workers.formats.forms)."""

    CHAT = "chat", _("Chat")
    PREFERENCE = "preference", _("Preference pairs")
    KTO = "kto", _("Wanted and unwanted answers")
    TEXT = "text", _("Plain text")
    CLASSIFICATION = "classification", _("Text classification")
    NER = "ner", _("Entities in text")
    TABULAR = "tabular", _("Table")
    IMAGE = "image", _("Images")


class Scoped(ScopedQuerySet):
    SEE = "datasets.view"
