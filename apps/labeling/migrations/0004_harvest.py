import uuid

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0001_initial"),
        ("datasets", "0008_pieces"),
        ("labeling", "0003_review"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="HarvestPlan",
            fields=[
                ("id", models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("is_automatic", models.BooleanField(default=False, verbose_name="freeze when finished")),
                ("rule", models.CharField(choices=[("majority", "What most people said"), ("adjudicated", "Accepted answers only"), ("best", "The best annotator's answer"), ("single", "The first answer")], default="majority", max_length=16)),
                ("form", models.CharField(blank=True, max_length=16)),
                ("question", models.CharField(blank=True, max_length=64)),
                ("begun_at", models.DateTimeField(null=True)),
                ("failure", models.CharField(blank=True, max_length=500)),
                ("is_done", models.BooleanField(default=False)),
                ("created_by", models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL)),
                ("project", models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name="harvest_plan", to="labeling.labelproject")),
                ("version", models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to="datasets.datasetversion")),
                ("workspace", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.workspace")),
            ],
            options={"verbose_name": "harvest plan"},
        ),
    ]
