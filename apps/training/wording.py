"""What the scripts of the training pages say; templates hand it to static/js/words.js as page-words."""

from django.utils.translation import gettext_lazy as _

RUN = {
    "loss": _("Loss"),
    "eval_loss": _("Evaluation loss"),
    "phase_and_step": _("{phase}, {step}"),
    "done_about": _("{time} left, done about {clock}"),
    "at": _("at step {step}"),
    "best_now": _("best so far"),
    "best_was": _("best was {value}"),
    "trend": _("{change} in {steps} steps"),
    "pause_log": _("Pause the log"),
    "resume_log": _("Go on with the log"),
    "nan": _("not a number"),
}
CHAT = {
    "sending": _("Asking"),
    "waiting": _("Waiting for a chat slot"),
    "waiting_more": _("The model is loaded as soon as a worker is free."),
    "loading": _("Loading the model, about 10 s"),
    "loading_more": _("The next questions are answered at once."),
    "no_answer": _("No answer"),
}
LAUNCH = {
    "to_fix_one": _("1 setting to fix before launch"),
    "to_fix_many": _("{count} settings to fix before launch"),
    "steps_in": _("{steps}, {epochs} epochs"),
    "of_all": _("{part} of {all} ({share} %)"),
    "about": _("about {size}"),
}

METHODS = {
    "lora": _("LoRA"),
    "qlora": _("QLoRA"),
    "dora": _("DoRA"),
    "rslora": _("rsLoRA"),
    "prompt": _("Prompt tuning"),
    "frozen": _("Top blocks"),
    "full": _("Full fine-tune"),
}
