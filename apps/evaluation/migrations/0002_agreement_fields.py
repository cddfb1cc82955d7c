"""Figures of closed rounds under the names that figures of agreement have now; what they say stays."""

from django.db import migrations

NEW = {"items": "n_items", "raters": "n_raters", "why": "undefined"}
OLD = {new: old for old, new in NEW.items()}


def forwards(apps, _editor):
    for row in apps.get_model("evaluation", "Round").objects.exclude(result={}).only("pk", "result").iterator(200):
        each_figure(row.result, lambda found: {**renamed(found, NEW), "undefined": found.get("why") or None})
        row.save(update_fields=["result"])


def backwards(apps, _editor):
    for row in apps.get_model("evaluation", "Round").objects.exclude(result={}).only("pk", "result").iterator(200):
        each_figure(row.result, lambda found: {**renamed(found, OLD), "why": found.get("undefined") or ""})
        row.save(update_fields=["result"])


def each_figure(result, change):
    for group in [*result.get("agreement", {}).values(), *(pair["criteria"] for pair in result.get("pairs", []))]:
        for name, found in group.items():
            group[name] = change(found)


def renamed(found, names):
    return {names.get(name, name): value for name, value in found.items()}


class Migration(migrations.Migration):
    dependencies = [("evaluation", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
