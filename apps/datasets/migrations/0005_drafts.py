import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0001_initial"),
        ("datasets", "0004_receptions"),
        ("jobs", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Draft",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("state", models.CharField(choices=[("open", "Open"), ("frozen", "Frozen"), ("discarded", "Discarded")], default="open", max_length=10, verbose_name="state")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                ("changed_at", models.DateTimeField(auto_now=True)),
                ("base", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="datasets.datasetversion")),
                ("created_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("dataset", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="drafts", to="datasets.dataset")),
                ("job", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="jobs.job")),
                ("version", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="datasets.datasetversion")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.workspace")),
            ],
            options={
                "verbose_name": "draft",
                "ordering": ["-changed_at"],
                "constraints": [models.UniqueConstraint(condition=models.Q(("state", "open")), fields=("dataset", "created_by"), name="one_open_draft_per_person")],
            },
        ),
        migrations.CreateModel(
            name="DraftEdit",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField()),
                ("kind", models.CharField(choices=[("row", "Row edited"), ("delete", "Row deleted"), ("bulk", "Many rows")], max_length=10)),
                ("place", models.PositiveBigIntegerField(null=True)),
                ("row", models.JSONField(null=True)),
                ("operation", models.JSONField(default=dict)),
                ("asked", models.JSONField(default=dict)),
                ("places_key", models.CharField(blank=True, max_length=200)),
                ("row_count", models.PositiveBigIntegerField(default=1)),
                ("created_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("draft", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="edits", to="datasets.draft")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.workspace")),
            ],
            options={
                "verbose_name": "edit",
                "ordering": ["draft", "number"],
                "constraints": [models.UniqueConstraint(fields=("draft", "number"), name="one_edit_per_number")],
            },
        ),
    ]
