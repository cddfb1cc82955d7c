import apps.labeling.models.reviews
import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("labeling", "0002_queue"), migrations.swappable_dependency(settings.AUTH_USER_MODEL)]

    operations = [
        migrations.AlterField(
            model_name='assignment',
            name='status',
            field=models.CharField(choices=[('leased', 'Being labelled'), ('submitted', 'Submitted'), ('skipped', 'Skipped'), ('lapsed', 'Abandoned'), ('review', 'Decided by a reviewer')], default='leased', max_length=10),
        ),
        migrations.CreateModel(
            name='Comment',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('text', models.CharField(max_length=4000)),
                ('resolved_at', models.DateTimeField(null=True)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('parent', models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='replies', to='labeling.comment')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='labeling.labelproject')),
                ('resolved_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('task', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='comments', to='labeling.task')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'comment',
                'ordering': ['created_at'],
            },
        ),
        migrations.CreateModel(
            name='Gold',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('explanation', models.CharField(blank=True, max_length=2000)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='golds', to='labeling.labelproject')),
                ('task', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='gold', to='labeling.task')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'gold task',
                'ordering': ['created_at'],
            },
        ),
        migrations.CreateModel(
            name='ReviewPlan',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('mode', models.CharField(choices=[('none', 'Nothing by itself'), ('disagreements', 'Tasks that people answered differently'), ('all', 'Every answered task'), ('share', 'A share by chance')], default='disagreements', max_length=16)),
                ('share', models.PositiveSmallIntegerField(default=10, verbose_name='share, in percent')),
                ('gold_every', models.PositiveSmallIntegerField(default=0, verbose_name='one gold in so many tasks')),
                ('gold_training', models.PositiveSmallIntegerField(default=0, verbose_name='gold tasks to train on first')),
                ('gold_least', models.PositiveSmallIntegerField(default=5, verbose_name='judged after so many gold answers')),
                ('gold_floor', models.PositiveSmallIntegerField(default=0, verbose_name='on hold under, in percent')),
                ('gold_counts', models.BooleanField(default=False, verbose_name='gold rows are frozen too')),
                ('seed', models.CharField(default=apps.labeling.models.reviews.new_seed, editable=False, max_length=32)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='review_plan', to='labeling.labelproject')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'review plan',
            },
        ),
        migrations.CreateModel(
            name='GoldAnswer',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('is_right', models.BooleanField()),
                ('is_training', models.BooleanField(default=False)),
                ('annotator', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('assignment', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, related_name='gold_answer', to='labeling.assignment')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('gold', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='answers', to='labeling.gold')),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='gold_answers', to='labeling.labelproject')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'answer to a gold task',
                'indexes': [models.Index(fields=['project', 'annotator'], name='label_gold_person')],
            },
        ),
        migrations.CreateModel(
            name='Hold',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('right', models.PositiveIntegerField()),
                ('judged', models.PositiveIntegerField()),
                ('lifted_at', models.DateTimeField(null=True)),
                ('annotator', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='holds', to='labeling.labelproject')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'hold',
                'ordering': ['-created_at'],
                'constraints': [models.UniqueConstraint(condition=models.Q(('lifted_at__isnull', True)), fields=('project', 'annotator'), name='one_hold_per_person')],
            },
        ),
        migrations.CreateModel(
            name='Verdict',
            fields=[
                ('id', models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('said', models.CharField(choices=[('accepted', 'Accepted'), ('overruled', 'Another answer was accepted'), ('returned', 'Returned')], max_length=10)),
                ('note', models.CharField(blank=True, max_length=2000)),
                ('result', models.JSONField(null=True)),
                ('is_open', models.BooleanField(default=False)),
                ('assignment', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='labeling.assignment')),
                ('created_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='verdicts', to='labeling.labelproject')),
                ('workspace', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='accounts.workspace')),
            ],
            options={
                'verbose_name': 'verdict',
                'ordering': ['created_at'],
                'indexes': [models.Index(fields=['project', 'said'], name='label_verdict_said')],
                'constraints': [models.UniqueConstraint(condition=models.Q(('is_open', True)), fields=('assignment',), name='one_open_return_per_assignment')],
            },
        ),
    ]
