"""Names of persons, found by what stands around them. Heuristics: a name without a title, a greeting, a known given name or a
surname in context is not found, and now and then a word that is no name is. No model, no list of all names.
"""

# ruff: noqa: RUF001
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from workers.cleaning.words import finder

# English: titles, what introduces a name, what it follows at the end of a letter, and common given names before a surname
_PART = r"(?:[OD]['’]|Ma?c)?[A-Z][a-zà-öø-ÿ]+(?:['’-][A-Z]?[a-zà-öø-ÿ]+)*"
_LITTLE = r"(?:van|von|de|der|da|di|del|la|le|bin|al|[A-Z]\.)"
_NAME = rf"{_PART}(?:[ \t]+(?:{_LITTLE}[ \t]+){{0,2}}{_PART}){{0,3}}"
_TITLE = r"(?:Mr|Mrs|Ms|Mx|Miss|Dr|Prof|Professor|Doctor|Sir|Madam|Lady|Lord|Captain|Judge)"
_INTRODUCED = (
    r"(?:[Mm]y (?:full |first |last )?name(?:'s| is|’s)|[Ii] am called|[Tt]hey call me|[Tt]he name is|[Nn]ame[ \t]?[:=]"
    r"|[Cc]ustomer[ \t]?[:=]|[Cc]ontact(?: person)?[ \t]?[:=]|[Ss]igned(?: by)?[ \t]?:?|[Aa]ttention(?: of)?[ \t]?:"
    r"|[Dd]elivered to|[Nn]amed|[Ss]poke (?:to|with))"
)
_GREETED = r"(?:Dear|Hi|Hello|Hey|Good morning|Good afternoon|Good evening|Thanks|Thank you),?"
_CLOSED = (
    r"(?:[Rr]egards|[Ss]incerely(?: yours)?|[Yy]ours (?:truly|faithfully|sincerely)|[Cc]heers|[Bb]est wishes|[Bb]est)"
)
_GIVEN = (
    "Aaron Adam Alan Albert Alex Alexander Alice Amanda Amy Andrea Andrew Angela Anna Anne Anthony Arthur Ashley Barbara Benjamin Betty"
    " Brandon Brenda Brian Carol Caroline Catherine Charles Charlotte Cheryl Chris Christian Christina Christine Christopher Cynthia"
    " Daniel David Deborah Dennis Diana Diane Donald Donna Dorothy Douglas Edward Elizabeth Emily Emma Eric Ethan Eva Evelyn Frances"
    " Frank Gary George Gerald Gloria Gregory Hannah Harold Heather Helen Henry Isabella Jack Jacob Jacqueline James Jane Janet Jason"
    " Jean Jeffrey Jennifer Jeremy Jerry Jessica Joan Joe John Jonathan Jose Joseph Joshua Joyce Juan Judith Julia Julie Justin Karen"
    " Katherine Kathleen Keith Kelly Kenneth Kevin Kimberly Kyle Larry Laura Lauren Lawrence Linda Lisa Logan Louis Lucas Lucy Maria"
    " Margaret Marie Marilyn Martha Martin Mary Matthew Megan Melissa Michael Michelle Mohammed Muhammad Nancy Natalie Nathan Nicholas"
    " Nicole Noah Oliver Olivia Pamela Patricia Patrick Paul Peter Philip Rachel Ralph Raymond Rebecca Richard Robert Roger Ronald Roy"
    " Russell Ruth Ryan Samantha Samuel Sandra Sara Sarah Scott Sean Sharon Shirley Sophia Sophie Stephanie Stephen Steven Susan Teresa"
    " Theresa Thomas Timothy Tyler Victoria Vincent Virginia Walter Wayne William Zachary"
)
_ENGLISH = (
    re.compile(rf"\b{_TITLE}\b\.?[ \t]+({_NAME})"),
    re.compile(rf"\b{_INTRODUCED}[ \t]+(?:{_TITLE}\.?[ \t]+)?({_NAME})"),
    re.compile(rf"\b{_GREETED}[ \t]+({_PART}(?:[ \t]+{_PART})?)(?=[ \t]*[,!.:\n]|[ \t]*\Z)"),
    re.compile(rf"\b{_CLOSED},?[ \t]*\r?\n+[ \t]*({_NAME})[ \t]*(?=\r?\n|\Z|[.,])"),
    re.compile(
        rf"\b((?:{_GIVEN.replace(' ', '|')})(?:[ \t]+[A-Z]\.)?[ \t]+(?:(?:van|von|de|der|da|di)[ \t]+){{0,2}}{_PART})"
    ),
    re.compile(rf"\b({_PART}(?:[ \t]+{_PART})?)[ \t]+(?:speaking|here)\b(?=[ \t]*[.,!])"),
)
_OTHERS = (
    "All Again Agent Admin Anyone Assistant Colleague Colleagues Customer Everybody Everyone Folks Friend Friends Guys Hello Hiring I"
    " Madam Manager Member Much Mr Mrs Ms My Please Sir Sirs So Support Team The There They This That User We What World You Your Yours"
    " And But If In It Is For From How When Where Which Who Why Order Monday Tuesday Wednesday Thursday Friday Saturday Sunday January"
    " February March April May June July August September October November December"
)
_NO_NAMES = frozenset(_OTHERS.split())

# Chinese: the commonest surnames (about 90 % of people), and what stands before or after a name
_COMPOUND = (
    "欧阳|太史|端木|上官|司马|东方|独孤|南宫|夏侯|诸葛|尉迟|皇甫|慕容|司徒|令狐|轩辕|宇文|长孙|公孙|歐陽|諸葛|司馬|東方"
)
_SURNAMES = (
    "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎余潘杜戴夏钟汪田任姜范方石姚谭"
    "廖邹熊金陆郝孔白崔康毛邱秦江史顾侯邵孟龙万段雷钱汤尹黎易常武乔贺赖龚文庞樊兰殷施陶洪翟安颜倪严牛温芦季俞章鲁葛伍韦申尤毕聂丛焦向柳邢"
    "骆岳齐沿梅庄辛管祝左涂谷祁耿牟卜路詹关苗凌费纪靳盛童欧甄项曲成游阳裴席卫查屈鲍位覃霍翁隋植甘景薄单包司柏宁柯阮桂闵解强柴华车冉房边"
    "張劉陳楊趙黃吳孫馬羅鄭謝韓馮蕭鄧許呂蘇盧蔣賈葉閻鍾範譚鄒陸顧龍萬錢湯黎喬賀賴龔龐蘭莊關紀華"
)
_HAN = r"[\u4e00-\u9fff]"
_SURNAME = rf"(?:{_COMPOUND}|[{_SURNAMES}])"
_CHINESE_TITLES = (
    "先生|女士|小姐|太太|老师|老師|医生|醫生|大夫|经理|經理"
    "|同学|同學|教授|律师|律師|师傅|師傅|主任|总监|董事长|阿姨|叔叔|警官|护士"
)
_BEFORE = re.compile(
    r"(?:我叫|名叫|叫做|名字是|名字叫|姓名[是为為]?|联系人[是为]?|聯絡人|收件人[是为]?|收货人[是为]?|客户姓名|寄件人|负责人[是为]?|申请人|患者|"
    rf"我是|我的名字是)[ \t]*[:：]?[ \t]*({_SURNAME}{_HAN}{{1,2}})(?!{_HAN})"
)
_BEFORE_OPEN = re.compile(
    rf"(?:我叫|名叫|姓名[是为為]?[:：]|联系人[:：]|收件人[:：]|收货人[:：])[ \t]*({_SURNAME}{_HAN}{{1,2}}?)"
    rf"(?={_HAN}{{0,12}}?(?:的|，|,|是|在|和|住|今|电|手))"
)
_TITLED = re.compile(_CHINESE_TITLES)
_IS_SURNAME = re.compile(_SURNAME)
_LITTLE_WORDS = frozenset("于向对成单解强文方金关位常路管")  # surnames that are words too: not where a surname follows


def find_names(text: str, known: Iterable[str] = ()) -> list[tuple[int, int]]:
    """Where names stand, in order and without overlaps; those `known` from elsewhere are found wherever they stand alone."""
    spans = list(_english(text)) if not text.islower() else []
    if not text.isascii():
        spans += _chinese(text)
    names = {*known, *(text[start:end] for start, end in spans)}
    spans += _repeated(text, names)
    return _without_overlaps(spans)


def _english(text: str) -> Iterator[tuple[int, int]]:
    for pattern in _ENGLISH:
        for match in pattern.finditer(text):
            start, end = _trimmed(text, *match.span(1))
            if end > start:
                yield start, end


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """The span without words at its ends that are no names: "Dear Sir" has none, "Mr Smith The" ends before The."""
    words = [(start + word.start(), start + word.end()) for word in re.finditer(r"\S+", text[start:end])]
    if not words or text[slice(*words[0])] in _NO_NAMES:
        return start, start
    kept = 1
    while kept < len(words) and text[slice(*words[kept])] not in _NO_NAMES:
        kept += 1
    return start, words[kept - 1][1]


def _chinese(text: str) -> Iterator[tuple[int, int]]:
    for pattern in (_BEFORE, _BEFORE_OPEN):
        for match in pattern.finditer(text):
            yield match.span(1)
    for title in _TITLED.finditer(text):
        if (start := _start_of_name(text, title.start())) is not None:
            yield start, title.start()


def _start_of_name(text: str, end: int) -> int | None:
    """Where a name of up to four characters begins that ends here: the longest that begins with a surname."""
    found = None
    for length in range(1, 5):
        if length > end or not re.fullmatch(_HAN, text[end - length]):
            break
        surname = _IS_SURNAME.match(text, end - length, end)
        if surname and length - len(surname.group()) <= 2:
            if found is not None and text[end - length] in _LITTLE_WORDS:
                continue
            found = end - length
    return found


def _repeated(text: str, names: set[str]) -> Iterator[tuple[int, int]]:
    """Other places of names that were found once; of an English name its parts too."""
    words = {
        part
        for name in names
        for part in [name, *name.split()]
        if len(part) > 2 or (len(part) == 2 and not part.isascii())
    }
    for start, end, word in finder(words - _NO_NAMES)(text):
        if text[start:end] == word:
            yield start, end


def _without_overlaps(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    kept = list[tuple[int, int]]()
    for start, end in sorted(spans, key=lambda span: (span[0], -span[1])):
        if kept and start < kept[-1][1]:
            kept[-1] = (kept[-1][0], max(end, kept[-1][1]))
        else:
            kept.append((start, end))
    return kept
