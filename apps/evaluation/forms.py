"""The forms of the pages: measure a checkpoint; a round."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from apps.accounts.models import User, Workspace
from apps.core.errors import Problem
from apps.datasets.models import DatasetVersion
from apps.evaluation import sampling, services
from apps.evaluation.models import Rule, Split, Statistic
from apps.training.models import Checkpoint

MOST_CHOICES = 200
ANY_SPLIT = ("", _("The best there is: test, validation, kept out, sample"))


class CheckpointField(forms.ModelChoiceField):  # type: ignore[type-arg]  # not subscriptable at run time
    def label_from_instance(self, obj: Any) -> str:
        mark = _("best") if obj.is_best else _("final") if obj.is_final else ""
        return (
            f"{obj.run.code} {obj.run.name}, "
            + str(_("step %(step)s")) % {"step": obj.step}
            + (f" ({mark})" if mark else "")
        )


def checkpoints_of(user: Any, workspace: Workspace) -> Any:
    rows = Checkpoint.objects.visible_to(user).that_write().filter(workspace=workspace, is_removed=False)
    return rows.select_related("run__dataset_version__dataset", "run__job", "workspace").order_by("-created_at")


def versions_of(user: Any, workspace: Workspace) -> Any:
    rows = DatasetVersion.objects.visible_to(user).filter(workspace=workspace).of_form(*sampling.JUDGED_FORMS)
    return rows.select_related("dataset", "workspace").order_by("-created_at")


class Refusable(forms.Form):
    """A form on which a Problem of the services is shown beside its field."""

    ALIASES: dict[str, str] = {}

    def refuse(self, problem: Problem) -> None:
        self.is_valid()
        field = self.ALIASES.get(problem.field.split(".")[0], problem.field)
        self.add_error(field if field in self.fields else None, f"{problem.message} {problem.hint}".strip())


class ReportForm(Refusable):
    checkpoint = CheckpointField(queryset=Checkpoint.objects.none(), label=_("Checkpoint"), empty_label=None)
    dataset_version = forms.ModelChoiceField(
        queryset=DatasetVersion.objects.none(),
        label=_("Dataset version"),
        required=False,
        empty_label=_("The one it learned from"),
    )
    split = forms.ChoiceField(choices=[ANY_SPLIT, *Split.choices], label=_("Rows"), required=False)
    max_rows = forms.IntegerField(
        label=_("At most so many rows"), initial=200, min_value=1, max_value=services.MOST_ROWS
    )
    max_tokens = forms.IntegerField(
        label=_("Length of an answer"), initial=128, min_value=1, max_value=services.MOST_TOKENS
    )

    def __init__(self, *args: Any, user: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["checkpoint"].queryset = checkpoints_of(user, workspace)  # type: ignore[attr-defined]
        self.fields["dataset_version"].queryset = versions_of(user, workspace)  # type: ignore[attr-defined]


class RoundForm(Refusable):
    ALIASES = {"checkpoints": "first", "rubric": ""}

    name = forms.CharField(label=_("Name"), max_length=80, help_text=_("Raters read it: do not name a model in it."))
    first = CheckpointField(queryset=Checkpoint.objects.none(), label=_("Checkpoint A"), empty_label=None)
    second = CheckpointField(
        queryset=Checkpoint.objects.none(), label=_("Checkpoint B"), required=False, empty_label=_("None"),
        help_text=_("Two are compared on the same prompts."),
    )  # fmt: skip
    dataset_version = forms.ModelChoiceField(
        queryset=DatasetVersion.objects.none(),
        label=_("Prompts from"),
        required=False,
        empty_label=_("The data that A learned from"),
    )
    split = forms.ChoiceField(choices=[ANY_SPLIT, *Split.choices], label=_("Rows"), required=False)
    sample_size = forms.IntegerField(
        label=_("Prompts"), initial=100, min_value=2, max_value=services.MOST_ITEMS, help_text=_("Drawn by a seed.")
    )
    max_tokens = forms.IntegerField(
        label=_("Length of an answer"), initial=200, min_value=1, max_value=services.MOST_TOKENS
    )
    raters = forms.ModelMultipleChoiceField(
        queryset=User.objects.none(),
        label=_("Raters"),
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Each rates every answer; three are usual."),
    )
    statistic = forms.ChoiceField(
        choices=Statistic.choices, initial=Statistic.QUADRATIC, label=_("Agreement is measured by"),
        help_text=_("It decides the verdict: unweighted Fleiss is strict on six levels, quadratic weights forgive one point."),
    )  # fmt: skip
    threshold = forms.FloatField(label=_("It must be above"), initial=0.6, min_value=0, max_value=0.99)
    rule = forms.ChoiceField(choices=Rule.choices, initial=Rule.ALL, label=_("For"))

    def __init__(self, *args: Any, user: Any, workspace: Workspace, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in ("first", "second"):
            self.fields[name].queryset = checkpoints_of(user, workspace)  # type: ignore[attr-defined]
        self.fields["dataset_version"].queryset = versions_of(user, workspace)  # type: ignore[attr-defined]
        self.fields["raters"].queryset = services.may_rate(workspace)  # type: ignore[attr-defined]

    def values(self) -> dict[str, Any]:
        """For services.create_round and edit_round."""
        given = dict(self.cleaned_data)
        first, second = given.pop("first"), given.pop("second")
        version = given.pop("dataset_version") or first.run.dataset_version
        raters = list(given.pop("raters"))
        return {
            **given,
            "checkpoints": [first, second] if second else [first],
            "dataset_version": version,
            "raters": raters,
        }


def rubric_of(data: Any, rubric: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rubric as its fields were sent: `<key>.name`, `<key>.question`, `<key>.0` to `<key>.5`; what was not sent stays."""
    return [
        {
            "key": one["key"],
            "name": data.get(f"{one['key']}.name", one["name"]),
            "question": data.get(f"{one['key']}.question", one["question"]),
            "anchors": [data.get(f"{one['key']}.{level}", text) for level, text in enumerate(one["anchors"])],
        }
        for one in rubric
    ]
