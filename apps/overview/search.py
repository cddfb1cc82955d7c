"""What the palette finds: objects and actions whose name holds the words."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from apps.accounts.models import Workspace, WorkspaceRow, workspaces_where
from apps.datasets.models import Dataset
from apps.evaluation.models import Round
from apps.feedback.models import Signal
from apps.labeling.models import LabelProject
from apps.registry.models import Model, ModelVersion
from apps.rollout.models import Rollout
from apps.serving.models import Deployment
from apps.training.models import BaseModel, Run

if TYPE_CHECKING:
    from django_stubs_ext import StrPromise

PER_GROUP = 6
Group = dict[str, Any]


def find(user: Any, workspace: Workspace, text: str) -> list[Group]:
    """Groups with at least one hit. Without words: the newest objects and every action the person may do."""
    groups = [
        _runs(user, workspace, text),
        _datasets(user, workspace, text),
        _models(user, workspace, text),
        *(_named(user, workspace, text, place) for place in PLACES),
        _signals(user, workspace, text),
        _actions(user, workspace, text),
    ]
    return [group for group in groups if group["items"]]


def _item(url: str, label: str, where: str, icon: str, **more: str) -> dict[str, str]:
    return {"url": url, "label": label, "where": where, "icon": icon, **more}


def _runs(user: Any, workspace: Workspace, text: str) -> Group:
    rows = Run.objects.visible_to(user).filter(workspace=workspace).select_related("job")
    number = text.lower().removeprefix("run-")
    is_number = number.isascii() and number.isdigit() and len(number) < 9
    rows = rows.filter(number=int(number)) if is_number else rows.filter(name__icontains=text)
    found = rows.order_by("-created_at")[:PER_GROUP]
    items = [_item(r.get_absolute_url(), str(r), _state(r), "train") for r in found]
    return {"label": _("Runs"), "items": items}


def _state(run: Run) -> str:
    done = run.job.percent if run.job.is_alive else None
    return f"{done} %" if done is not None else str(run.job.get_status_display())


def _datasets(user: Any, workspace: Workspace, text: str) -> Group:
    rows = Dataset.objects.visible_to(user).filter(workspace=workspace, name__icontains=text)
    found = rows.order_by("-changed_at")[:PER_GROUP]
    items = [_item(d.get_absolute_url(), d.name, _("Dataset"), "data") for d in found]
    return {"label": _("Data"), "items": items}


def _models(user: Any, workspace: Workspace, text: str) -> Group:
    rows = BaseModel.objects.visible_to(user).filter(workspace=workspace, name__icontains=text)
    items = [_item(reverse("training:models"), m.name, _("Base model"), "models") for m in rows[:PER_GROUP]]
    return {"label": _("Base models"), "items": items}


@dataclass(frozen=True)
class Place:
    """Objects that are found by a name."""

    label: "StrPromise"
    model: type[WorkspaceRow]
    icon: str
    fields: tuple[str, ...]
    where: Callable[[Any], str]
    joins: tuple[str, ...] = ()


PLACES: tuple[Place, ...] = (
    Place(gettext_lazy("Label projects"), LabelProject, "label", ("name",), lambda row: row.get_status_display()),
    Place(gettext_lazy("Rounds"), Round, "evaluate", ("name",), lambda row: row.get_status_display()),
    Place(gettext_lazy("Models"), Model, "models", ("name", "description"), lambda row: _("Model")),
    Place(
        gettext_lazy("Model versions"),
        ModelVersion,
        "models",
        ("model__name", "version"),
        lambda row: row.get_status_display(),
        joins=("model",),
    ),
    Place(gettext_lazy("Deployments"), Deployment, "serve", ("name",), lambda row: row.get_status_display()),
    Place(gettext_lazy("Rollouts"), Rollout, "rollout", ("name",), lambda row: row.get_status_display()),
)


def _named(user: Any, workspace: Workspace, text: str, place: Place) -> Group:
    rows = place.model._default_manager.visible_to(user).filter(workspace=workspace)  # type: ignore[attr-defined]
    for word in text.split():
        said = Q()
        for field in place.fields:
            said |= Q(**{f"{field}__icontains": word})
        rows = rows.filter(said)
    found = rows.select_related(*place.joins).order_by("-created_at")[:PER_GROUP]
    items = [_item(row.get_absolute_url(), str(row), str(place.where(row)), place.icon) for row in found]
    return {"label": place.label, "items": items}


def _signals(user: Any, workspace: Workspace, text: str) -> Group:
    """Feedback by its words; none without words: the newest says nothing by itself."""
    rows = Signal.objects.visible_to(user).filter(workspace=workspace).select_related("exchange")
    said = rows.filter(Q(correction__icontains=text) | Q(comment__icontains=text)) if text else rows.none()
    items = [
        _item(row.get_absolute_url(), (row.correction or row.comment)[:80], _("Feedback"), "star")
        for row in said.order_by("-created_at")[:PER_GROUP]
    ]
    return {"label": _("Feedback"), "items": items}


def _actions(user: Any, workspace: Workspace, text: str) -> Group:
    pages = [
        ("training.launch", "training:launch", _("Launch a fine-tune"), "play"),
        ("datasets.upload", "datasets:new", _("Upload data"), "upload"),
        ("training.chat", "training:chat", _("Chat with a model"), "feedback"),
        ("training.add_model", "training:models", _("Add a base model"), "plus"),
        ("labeling.manage", "labeling:new", _("Make a label project"), "label"),
        ("evaluation.manage", "evaluation:new-round", _("Open a round of raters"), "evaluate"),
        ("registry.register", "registry:register", _("Register a model version"), "models"),
        ("serving.deploy", "serving:deploy", _("Deploy a version"), "serve"),
        ("rollout.manage", "rollout:new", _("Start a rollout"), "rollout"),
        ("feedback.view", "feedback:list", _("Sort feedback"), "star"),
        ("workspace.view", "accounts:members", _("Members and roles"), "people"),
        ("keys.manage", "accounts:keys", _("API keys"), "lock"),
        ("workspace.view", "account_change_password", _("Change password"), "shield"),
        ("workspace.view", "docs", _("API documentation"), "link"),
    ]
    may = {name for name, *_rest in pages if workspaces_where(user, name).filter(pk=workspace.pk).exists()}
    items = [_item(reverse(view), label, "", icon) for name, view, label, icon in pages if name in may]
    items.append(_item("#", _("Switch between light and dark"), "", "theme", press="[data-theme-switch]"))
    items.append(_item("#", _("Keys of this page"), "", "help", press="[data-opens-keys]", key="?"))
    return {"label": _("Actions"), "items": [item for item in items if text.lower() in item["label"].lower()]}
