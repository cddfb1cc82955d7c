from django.conf import settings
from django.db import migrations, models
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.functions import TruncDate

import django.db.models.deletion
import uuid


def count_what_is_there(apps, schema_editor):
    """Parts of the people who have labelled already, with their figures."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    Project, Task, Assignment, Annotation, Share, WorkDay = (
        apps.get_model("labeling", name)
        for name in ("LabelProject", "Task", "Assignment", "Annotation", "Share", "WorkDay")
    )
    for project in Project.objects.all():
        common = {"project": project, "workspace_id": project.workspace_id}
        tasks = Task.objects.filter(project=project)
        full = Q(submitted__gte=project.overlap)
        said = Annotation.objects.filter(project=project)
        Share.objects.create(
            **common,
            is_console=True,
            begun=tasks.filter(submitted__gt=0).count(),
            finished=tasks.filter(full | Q(accepted__isnull=False)).count(),
            decided=tasks.filter(accepted__isnull=False).count(),
            submitted=said.filter(annotator=None).count(),
            seconds=said.filter(annotator=None).aggregate(all=Sum("lead_time"))["all"] or 0,
        )
        parts = Assignment.objects.filter(project=project, annotator__isnull=False).order_by().values("annotator")
        for row in parts.annotate(
            submitted=Count("pk", filter=Q(status="submitted")),
            skipped=Count("pk", filter=Q(status="skipped")),
            seconds=Sum("annotation__lead_time"),
            last=Max("finished_at"),
        ):
            share = Share.objects.create(
                **common,
                annotator_id=row["annotator"],
                submitted=row["submitted"],
                skipped=row["skipped"],
                seconds=row["seconds"] or 0,
                last_at=row["last"],
            )
            own = said.filter(annotator_id=row["annotator"], is_imported=False).order_by()
            days = own.annotate(day=TruncDate("created_at")).values("day").annotate(
                count=Count("pk"), seconds=Sum("lead_time"), began=Min("created_at"), last=Max("created_at")
            )
            WorkDay.objects.bulk_create(
                WorkDay(
                    share=share,
                    day=one["day"],
                    submitted=one["count"],
                    seconds=one["seconds"] or 0,
                    began_at=one["began"],
                    last_at=one["last"],
                )
                for one in days
            )


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0001_initial"),
        ("jobs", "0003_serve_queue"),
        ("labeling", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Share',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('is_console', models.BooleanField(default=False)),
                ('is_named', models.BooleanField(default=False, verbose_name='named for this project')),
                ('is_paused', models.BooleanField(default=False, verbose_name='gets no new task')),
                ('pause_note', models.CharField(blank=True, max_length=300)),
                ('quota_total', models.PositiveIntegerField(blank=True, null=True, verbose_name='tasks in total')),
                ('quota_day', models.PositiveIntegerField(blank=True, null=True, verbose_name='tasks a day')),
                ('ranges', models.JSONField(blank=True, default=list, verbose_name='tasks kept for this person')),
                ('cursor', models.PositiveIntegerField(default=0)),
                ('cursor_priority', models.FloatField(null=True)),
                ('steps', models.PositiveIntegerField(default=0)),
                ('returned_seen', models.DateTimeField(null=True)),
                ('submitted', models.PositiveIntegerField(default=0)),
                ('skipped', models.PositiveIntegerField(default=0)),
                ('finished', models.IntegerField(default=0)),
                ('begun', models.IntegerField(default=0)),
                ('decided', models.IntegerField(default=0)),
                ('seconds', models.FloatField(default=0)),
                ('last_at', models.DateTimeField(null=True)),
            ],
            options={
                'verbose_name': 'part in a label project',
                'ordering': ['created_at'],
            },
        ),
        migrations.CreateModel(
            name='WorkDay',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('submitted', models.PositiveIntegerField(default=0)),
                ('seconds', models.FloatField(default=0)),
                ('began_at', models.DateTimeField()),
                ('last_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'day of labeling',
                'ordering': ['day'],
            },
        ),
        migrations.RemoveIndex(
            model_name='task',
            name='label_task_queue',
        ),
        migrations.AddField(
            model_name='assignment',
            name='flag_note',
            field=models.CharField(blank=True, max_length=500),
        ),
        migrations.AddField(
            model_name='assignment',
            name='flagged',
            field=models.BooleanField(default=False),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='deadline',
            field=models.DateTimeField(blank=True, null=True, verbose_name='deadline'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='filling',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='jobs.job'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='is_filled',
            field=models.BooleanField(default=True),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='needs_skip_reason',
            field=models.BooleanField(default=False, verbose_name='a skip needs a reason'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='only_named',
            field=models.BooleanField(default=False, verbose_name='named people only'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='order',
            field=models.CharField(choices=[('rows', 'First come: the oldest row first'), ('priority', 'Highest priority first'), ('random', 'At random, in another order for each person')], default='rows', max_length=10, verbose_name='order of tasks'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='quota_day',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='tasks a person and day'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='quota_total',
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name='tasks a person'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='seed',
            field=models.PositiveIntegerField(default=1, verbose_name='seed of the random order'),
        ),
        migrations.AddField(
            model_name='labelproject',
            name='wanted_tasks',
            field=models.PositiveIntegerField(default=0),
        ),
        migrations.AddField(
            model_name='task',
            name='priority',
            field=models.FloatField(default=0),
        ),
        migrations.AddField(
            model_name='task',
            name='returned_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AlterField(
            model_name='task',
            name='accepted',
            field=models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='labeling.annotation'),
        ),
        migrations.AlterField(
            model_name='task',
            name='created_by',
            field=models.ForeignKey(blank=True, db_index=False, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='task',
            name='project',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='tasks', to='labeling.labelproject'),
        ),
        migrations.AlterField(
            model_name='task',
            name='workspace',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(fields=['project', 'annotator', 'status', 'finished_at'], name='label_own'),
        ),
        migrations.AddIndex(
            model_name='assignment',
            index=models.Index(condition=models.Q(('flagged', True)), fields=['project'], name='label_flagged'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('accepted__isnull', True), ('open_slots__gt', 0)), fields=['project', 'number'], name='label_task_open'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('accepted__isnull', True), ('open_slots__gt', 0)), fields=['project', '-priority', 'number'], name='label_task_priority'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('accepted__isnull', True), ('open_slots__gt', 0), ('returned_at__isnull', False)), fields=['project', 'returned_at'], name='label_task_returned'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('submitted__gt', 0)), fields=['project', 'number'], name='label_task_begun'),
        ),
        migrations.AddIndex(
            model_name='task',
            index=models.Index(condition=models.Q(('accepted__isnull', False)), fields=['accepted'], name='label_task_accepted'),
        ),
        migrations.AddField(
            model_name='share',
            name='annotator',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='share',
            name='created_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='share',
            name='project',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='labeling.labelproject'),
        ),
        migrations.AddField(
            model_name='share',
            name='workspace',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace'),
        ),
        migrations.AddField(
            model_name='workday',
            name='share',
            field=models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='days', to='labeling.share'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.UniqueConstraint(fields=('project', 'annotator'), name='one_label_share_per_person'),
        ),
        migrations.AddConstraint(
            model_name='share',
            constraint=models.UniqueConstraint(condition=models.Q(('is_console', True)), fields=('project',), name='one_label_share_of_console'),
        ),
        migrations.AddConstraint(
            model_name='workday',
            constraint=models.UniqueConstraint(fields=('share', 'day'), name='one_label_day'),
        ),
        migrations.RunPython(count_what_is_there, migrations.RunPython.noop),
    ]
