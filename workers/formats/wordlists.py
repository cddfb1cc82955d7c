"""The words by which columns are known, English, Chinese and German, the likeliest first."""

from __future__ import annotations

WORDS: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversation", "conversations", "chat", "dialog", "dialogue", "turns", "对话", "消息"),
    "instruction": ("instruction", "instructions", "指令", "任务", "anweisung"),
    "input": ("input", "context", "inputs", "输入", "上下文", "eingabe", "kontext"),
    "output": ("output", "response", "answer", "completion", "target", "outputs", "输出", "ausgabe", "antwort"),
    "prompt": (
        "prompt", "question", "query", "user", "human", "input", "instruction", "source", "request", "message", "customer", "problem",
        "ask", "q", "text", "title", "conversations", "messages", "问题", "提问", "输入", "提示", "指令", "问",
        "frage", "anfrage", "eingabe", "nachricht",
    ),
    "completion": (
        "completion", "response", "answer", "output", "assistant", "reply", "target", "solution", "gpt", "bot", "agent", "chosen",
        "answers", "a", "label", "summary", "回答", "答案", "回复", "输出", "答", "antwort", "ausgabe", "lösung",
    ),
    "system": ("system", "system_prompt", "system_message", "systemprompt", "系统", "系统提示"),
    "history": ("history", "历史", "历史对话"),
    "chosen": (
        "chosen", "chosen_response", "response_chosen", "chosen_answer", "preferred", "preferred_response", "accepted", "better", "winner",
        "优选", "优选回答", "更好的回答", "较好回答", "接受的回答", "选中", "好回答",
    ),
    "rejected": (
        "rejected", "rejected_response", "response_rejected", "rejected_answer", "dispreferred", "dispreferred_response", "worse", "loser",
        "拒绝", "拒绝回答", "较差的回答", "较差回答", "拒绝的回答", "未选中", "差回答",
    ),
    "wanted": ("kto_tag", "label", "is_desirable", "desirable", "is_good", "thumbs_up", "thumbs", "feedback", "liked",
        "标签", "是否采纳", "评价"),
    "text": (
        "text", "sentence", "content", "review", "document", "comment", "passage", "body", "utterance", "message", "headline", "title",
        "tweet", "query", "question", "文本", "内容", "句子", "评论", "正文", "标题", "问题",
        "satz", "inhalt", "kommentar", "beschreibung", "nachricht",
    ),
    "label": (
        "label", "class", "category", "intent", "sentiment", "topic", "labels", "target", "tag", "label_text", "class_name", "标签", "类别",
        "分类", "情感", "意图", "主题", "klasse", "kategorie", "thema", "absicht", "stimmung",
    ),
    "outcome": ("label", "target", "class", "outcome", "y", "species", "category", "标签", "类别", "目标", "结果", "klasse", "ziel"),
    "spans": ("spans", "entities", "entity", "ner", "annotations", "label", "labels", "实体", "实体标注", "标注"),
    "tokens": ("tokens", "words", "token", "词", "分词", "字"),
    "tags": ("ner_tags", "tags", "labels", "ner", "bio", "tag", "标签", "标签序列"),
    "about": (
        "id", "url", "link", "timestamp", "date", "time", "created_at", "updated_at", "source", "lang", "language", "author", "license",
        "meta",
        "metadata", "uuid", "编号", "来源", "日期", "时间", "链接", "作者", "语言",
        "nr", "nummer", "kennung", "datum", "uhrzeit", "zeit", "quelle", "sprache", "autor",
    ),
    "image": ("image", "file_name", "filename", "图片"),
    "boxes": ("boxes", "objects", "annotations"),
}  # fmt: skip


def named(columns: list[str], role: str) -> str:
    """The first column, in the order of our words, whose name is one of the words of a role; "" when there is none."""
    plain = {name.strip().lower().replace(" ", "_").replace("-", "_"): name for name in reversed(columns)}
    return next((plain[word] for word in WORDS[role] if word in plain), "")
