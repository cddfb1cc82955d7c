"""How sweeps look to programs, and what programs may send."""

from typing import Any

from rest_framework import serializers

from apps.training.models import Sweep, Trial
from apps.training.sweeping.proposing import STRATEGIES
from apps.training.sweeping.space import HOW, MOST_TRIALS


class NewSweepSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(max_length=60)
    base_model = serializers.CharField(max_length=120, help_text="id or slug")
    dataset_version = serializers.UUIDField()
    recipe = serializers.DictField(required=False, default=dict, help_text="settings that all trials share")
    space = serializers.DictField(help_text=f"for each setting that varies: {HOW}")
    strategy = serializers.ChoiceField(choices=list(STRATEGIES), default="tpe")
    trials_wanted = serializers.IntegerField(min_value=1, max_value=MOST_TRIALS, default=20)
    parallel = serializers.IntegerField(min_value=1, max_value=64, default=1)
    metric = serializers.RegexField(r"^[a-z0-9_]{1,40}$", default="eval_loss")
    direction = serializers.ChoiceField(choices=["minimize", "maximize"], default="minimize")
    pruning = serializers.ChoiceField(choices=["none", "median"], default="none")
    warmup_steps = serializers.IntegerField(min_value=0, max_value=10_000_000, default=0)
    startup_trials = serializers.IntegerField(min_value=1, max_value=MOST_TRIALS, default=5)
    seed = serializers.IntegerField(min_value=0, max_value=2**31 - 1, default=17)
    budget_minutes = serializers.IntegerField(
        min_value=0, max_value=10_000_000, default=0, help_text="of machine time; 0: no limit"
    )


class TrialSerializer(serializers.ModelSerializer[Trial]):
    class Meta:
        model = Trial
        fields = ["number", "run", "params", "status", "value", "pruned_at_step", "reason", "created_at"]


class SweepSerializer(serializers.ModelSerializer[Sweep]):
    class Meta:
        model = Sweep
        fields = [
            "id", "name", "status", "base_model", "dataset_version", "recipe", "space", "strategy", "trials_wanted", "parallel",
            "metric", "direction", "pruning", "warmup_steps", "startup_trials", "seed", "budget_minutes", "created_at",
        ]  # fmt: skip
