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
    "not_measured": _("Not known yet. Five steps on a training slot tell."),
    "measuring": _("Five steps are being measured ..."),
    "by_probe": _("By five measured steps of exactly this launch."),
    "by_runs": _("By {count} past runs of this model on these rows; five measured steps tell more."),
    "row_cut": _("{whole} tokens, cut at {length}."),
    "row_whole": _("{length} tokens."),
    "row_shown": _("The first {shown} are shown."),
    "row_label": _("Label: {label}."),
    "look_lengths": _(
        "Of the first {n} rows half have at most {p50} tokens, 95 % at most {p95}; the longest has {max}."
    ),
    "look_share": _("{share} % of the tokens bear loss."),
    "look_cut": _("{cut} of {n} rows are cut."),
    "look_untaught": _("{untaught} rows have nothing to learn from and will be left out."),
    "look_both": _("{both} rows of the validation split are in the train split as well: the measure will flatter."),
    "look_labels": _("Labels: {labels}."),
    "file_taken": _("{count} settings taken from the file."),
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

MEASURES = {
    "pair_accuracy": _("Pairs in order"),
    "margin": _("Margin of the pairs"),
    "mean_reward": _("Mean reward"),
    "wanted_reward": _("Reward of wanted"),
    "unwanted_reward": _("Reward of unwanted"),
    "accuracy": _("Accuracy"),
    "macro_f1": _("Macro F1"),
    "lowest_recall": _("Lowest recall of a class"),
    "span_f1": _("Span F1"),
    "span_precision": _("Span precision"),
    "span_recall": _("Span recall"),
}
