"""XML text -> a tree in which every tag and attribute is one that grammar.py knows. lxml is imported at the first use."""

from typing import Any

from django.utils.translation import gettext as _

from apps.core.errors import Problem
from apps.labeling.schema import grammar


class ConfigProblem(Problem):
    """What is wrong with a labeling config, and in which line (0: nowhere in particular)."""

    code = "bad_label_config"

    def __init__(self, message: str, hint: str = "", line: int = 0) -> None:
        super().__init__(message, field="label_config", hint=hint)
        self.line = line


def tree_of(xml: str) -> Any:
    """The root of a config that the grammar takes. Raises ConfigProblem that names the tag and its line."""
    root = _parsed(xml)
    if root.tag != "View":
        raise problem_at(root, _("a labeling config begins with <View>"))
    _check(root, 1)
    if sum(1 for _tag in root.iter()) > grammar.MAX_ELEMENTS:
        raise ConfigProblem(_("The labeling config has more than %(most)d tags.") % {"most": grammar.MAX_ELEMENTS})
    return root


def written(root: Any) -> str:
    """The tree as text, with double quotes: the SDK finds dangling names in these only."""
    from lxml import etree

    etree.indent(root, "  ")
    return str(etree.tostring(root, encoding="unicode"))


def problem_at(tag: Any, what: str, hint: str = "") -> ConfigProblem:
    name = f' name="{tag.get("name")[:40]}"' if tag.get("name") else ""
    line = tag.sourceline or 1
    place = {"line": line, "tag": f"<{str(tag.tag)[:40]}{name}>", "what": what}
    return ConfigProblem(_("Line %(line)d, %(tag)s: %(what)s.") % place, hint, line)


def _parsed(xml: str) -> Any:
    from lxml import etree

    if not xml.strip():
        raise ConfigProblem(_("The labeling config is empty."), _("Start from a template."), 1)
    if len(xml.encode(errors="replace")) > grammar.MAX_BYTES:
        message = _("The labeling config is larger than %(kib)d KiB.") % {"kib": grammar.MAX_BYTES // 1024}
        raise ConfigProblem(message)
    _refuse_declarations(xml)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, remove_comments=True)
    try:
        return etree.fromstring(xml.rstrip().encode(errors="replace"), parser)
    except etree.XMLSyntaxError as exc:
        line = exc.lineno or 1
        reason = str(exc.msg or "").split(", line")[0]
        raise ConfigProblem(
            _("Line %(line)d: this is not XML: %(why)s.") % {"line": line, "why": reason}, line=line
        ) from None


def _refuse_declarations(xml: str) -> None:
    plain = xml.replace("<!--", "----")  # lengths stay: the line is counted in it
    places = [place for mark in ("<!", "<?") if (place := plain.find(mark)) >= 0]
    if places:
        line = plain.count("\n", 0, min(places)) + 1
        what = _("Line %(line)d: a labeling config has no DOCTYPE, entities, CDATA or processing instructions.")
        raise ConfigProblem(what % {"line": line}, _("Begin with <View>."), line)


def _check(tag: Any, depth: int) -> None:
    """This tag and all below against the grammar."""
    if depth > grammar.MAX_DEPTH:
        raise problem_at(tag, _("the tags are nested deeper than %(most)d") % {"most": grammar.MAX_DEPTH})
    if tag.tag in grammar.NOT_DRAWN:
        what = _("this console does not draw this tag of Label Studio")
        raise problem_at(tag, what, str(grammar.NOT_DRAWN[tag.tag]))
    if tag.tag not in grammar.ALLOWED:
        known = ", ".join(name for name in grammar.ALLOWED)
        raise problem_at(tag, _("this tag is not allowed"), _("Allowed are: %(known)s.") % {"known": known})
    if (tag.text or "").strip() or (tag.tail or "").strip():
        raise problem_at(tag, _("text between tags is never shown"), _('Use <Header value="...">.'))
    _check_attributes(tag)
    _check_count(tag)
    for child in tag:
        if child.tag in grammar.ALLOWED and child.tag not in grammar.INSIDE.get(tag.tag, ()):
            raise problem_at(child, _("it may not stand in <%(parent)s>") % {"parent": tag.tag})
        _check(child, depth + 1)


def _check_count(tag: Any) -> None:
    if tag.tag in grammar.WITH_OPTIONS and not 1 <= len(tag) <= grammar.MAX_OPTIONS:
        wrong = {"count": len(tag), "most": grammar.MAX_OPTIONS}
        raise problem_at(tag, _("it needs from 1 to %(most)d options; here are %(count)d") % wrong)


def _check_attributes(tag: Any) -> None:
    checks = grammar.ALLOWED[tag.tag]
    for name, value in tag.attrib.items():
        if name not in checks:
            known = _("Allowed are: %(known)s.") % {"known": ", ".join(checks) or "-"}
            hint = str(grammar.INSTEAD.get(name) or known)
            raise problem_at(tag, _("the attribute “%(name)s” is not allowed") % {"name": name[:40]}, hint)
        if not checks[name](value):
            wrong = {"name": name, "value": value[:40]}
            raise problem_at(tag, _("%(name)s=“%(value)s” is not valid") % wrong, _hint_of(tag, name))
    for name in grammar.NEEDED.get(tag.tag, ()):
        if name not in tag.attrib:
            raise problem_at(tag, _("the attribute “%(name)s” is missing") % {"name": name})


def _hint_of(tag: Any, name: str) -> str:
    if name == "value" and tag.tag in grammar.OBJECTS:
        return _("Name one field of the task, such as $prompt.")
    if name == "toName" and tag.tag == "Pairwise":
        return _("Name the two things to compare: toName=“left,right”.")
    if name in ("nameKey", "textKey"):
        return _("Turns of a conversation have role and content.")
    if name == "hotkey":
        return _("One small letter or digit.")
    return _("A name has letters, digits, - _ and .") if name in ("name", "toName") else ""
