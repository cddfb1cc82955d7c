from django import forms
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

# (status, its word, whether it was stopped early), as components/job_status.html shows them; core knows no jobs.
STATES = [
    ("queued", "Queued", False),
    ("running", "Running", False),
    ("cancelling", "Cancelling", False),
    ("succeeded", "Succeeded", False),
    ("succeeded", "Succeeded", True),
    ("failed", "Failed", False),
    ("cancelled", "Cancelled", False),
]


class SampleForm(forms.Form):
    """Every kind of field, some of them refused."""

    name = forms.CharField(label="Name", max_length=8, help_text="Letters, digits and hyphens")
    rate = forms.FloatField(label="Learning rate", min_value=0)
    note = forms.CharField(label="Note", required=False, widget=forms.Textarea(attrs={"rows": 2}))
    role = forms.ChoiceField(label="Role", choices=[("owner", "Owner"), ("viewer", "Viewer")])
    preset = forms.ChoiceField(label="Preset", choices=[("a", "Balanced"), ("b", "Careful")], widget=forms.RadioSelect)
    early = forms.BooleanField(label="Stop early", required=False, help_text="After 5 evaluations without gain")

    def clean(self) -> None:
        raise forms.ValidationError("That e-mail and password do not match.")


@login_required
def styleguide(request: HttpRequest) -> HttpResponse:
    """Every component in every state."""
    form = SampleForm({"name": "support-lora-r16", "rate": "-1", "role": "viewer", "preset": "a", "early": "on"})
    jobs = [
        {"status": name, "get_status_display": word, "result": {"stopped": stopped}} for name, word, stopped in STATES
    ]
    return render(request, "core/styleguide.html", {"form": form, "jobs": jobs})
