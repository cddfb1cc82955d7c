"""What a run can be taught to do. No torch: web pages use this table; `workers.objectives.<name>` holds the code of each.

An objective says which forms of rows it learns from, which head its model has, and whether what comes out writes text. To add one:
an entry here and a module beside this one with a `Task` (see `task.py`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Objective:
    """One entry of the table."""

    name: str
    label: str
    help: str
    forms: tuple[str, ...]  # of the dataset versions it learns from
    writes_text: bool = True  # what comes out can chat, be served and be judged by its answers
    needs_chat_template: bool = False
    methods: tuple[str, ...] = ()  # those that work with it; () means all
    models: tuple[str, ...] = ("causal",)  # kinds of base model that it starts from
    can_pack: bool = False  # several rows in one sequence
    fewest_rows: int = 1  # of a batch
    metric: str = "eval_loss"  # of an evaluation: it decides which checkpoint is the best and when to stop early
    higher_is_better: bool = False
    has_perplexity: bool = True  # exp(loss) means something: the loss is that of the next token
    points: Mapping[str, str] = field(
        default_factory=dict
    )  # more of the trainer's values, and the names of their curves

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` of the deciding metric is better than the best so far."""
        return best is None or (value > best if self.higher_is_better else value < best)


_PAIRS = {"rewards/accuracies": "pair_accuracy", "rewards/margins": "margin"}
_WHOLE = (
    "lora",
    "qlora",
    "dora",
    "rslora",
    "frozen",
    "full",
)  # prompt tuning has no head and no second look at the base
_ALL = (
    Objective(
        "chat",
        "Chat and instructions",
        "Learn the assistant's answers in conversations; the loss is on the answers only.",
        can_pack=True,
        forms=("chat", "preference"),  # of preference pairs the chosen answers are learned
        needs_chat_template=True,
    ),
    Objective(
        "dpo",
        "Preferences (DPO)",
        "Learn to prefer the chosen answer to the rejected one, held near the model as it was.",
        forms=("preference",),
        needs_chat_template=True,
        methods=_WHOLE,
        has_perplexity=False,
        points=_PAIRS,
    ),
    Objective(
        "kto",
        "Thumbs up and down (KTO)",
        "Learn from single answers that are wanted or not; no pairs are needed.",
        fewest_rows=2,  # an answer is compared with those to other prompts of its batch
        forms=("kto",),
        needs_chat_template=True,
        methods=_WHOLE,
        has_perplexity=False,
        points={"rewards/chosen": "wanted_reward", "rewards/rejected": "unwanted_reward", "rewards/margins": "margin"},
    ),
    Objective(
        "reward",
        "Reward model",
        "Learn one number for an answer: higher for the chosen than for the rejected one. It writes no text.",
        forms=("preference",),
        writes_text=False,
        needs_chat_template=True,
        methods=_WHOLE,
        metric="eval_pair_accuracy",
        higher_is_better=True,
        has_perplexity=False,
        points={"accuracy": "pair_accuracy", "margin": "margin", "mean_reward": "mean_reward"},
    ),
    Objective(
        "text_classification",
        "Text classification",
        "Learn the label of a text, or of a row of a table written as text. It writes no text.",
        forms=("classification", "tabular"),
        writes_text=False,
        methods=_WHOLE,
        metric="eval_macro_f1",
        higher_is_better=True,
        has_perplexity=False,
        points={"macro_f1": "macro_f1", "accuracy": "accuracy", "lowest_recall": "lowest_recall"},
    ),
    Objective(
        "token_classification",
        "Spans in texts",
        "Learn to mark spans in a text with their labels. It writes no text.",
        forms=("ner",),
        writes_text=False,
        methods=_WHOLE,
        metric="eval_span_f1",
        higher_is_better=True,
        has_perplexity=False,
        points={"span_f1": "span_f1", "span_precision": "span_precision", "span_recall": "span_recall"},
    ),
    Objective(
        "completion",
        "Completion",
        "Learn to continue: plain texts, or conversations as plain prompt and answer, with the loss on the answers.",
        can_pack=True,
        forms=("text", "chat"),
    ),
    Objective(
        "pretrain",
        "Continued pre-training",
        "Learn every token of plain texts; texts longer than a row are cut into several rows.",
        can_pack=True,
        forms=("text",),
    ),
)
OBJECTIVES: Mapping[str, Objective] = {objective.name: objective for objective in _ALL}
