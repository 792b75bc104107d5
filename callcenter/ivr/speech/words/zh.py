"""Mandarin, as it is said on the mainland.

- Two is 两 before 千, before 万 and 亿 when it is all there is of them, before 百 at the head, and before a
  measure word (两元, 两分钟); else 二.
- One is 幺 in a number that is read digit by digit, as telephone and order numbers are: on a telephone 一 and 七 sound
  alike. 幺 never stands alone, so runs of one or two digits keep 一.
- Latin letters of a code are spelt in characters, since the voice ``cmn-latn-pinyin`` would read them as Pinyin; the
  characters are those by which Chinese speakers say the alphabet. Words and names in Latin letters are left to it.
- Zero is 零, never 〇, which the voice leaves out.
"""

import datetime as dt
import re

_DIGITS = "零一二三四五六七八九"
_SPELT = str.maketrans("0123456789", "零幺二三四五六七八九")
_UNITS = ((1000, "千"), (100, "百"), (10, "十"))
_LETTERS = {
    "A": "诶", "B": "必", "C": "西", "D": "弟", "E": "衣", "F": "艾弗", "G": "吉", "H": "艾尺", "I": "爱",
    "J": "杰", "K": "开", "L": "艾勒", "M": "艾姆", "N": "恩", "O": "欧", "P": "皮", "Q": "丘", "R": "阿尔",
    "S": "艾斯", "T": "提", "U": "优", "V": "维", "W": "达不溜", "X": "艾克斯", "Y": "歪", "Z": "贼德",
}  # fmt: skip
_CURRENCIES = {"CNY": "元", "USD": "美元", "EUR": "欧元", "GBP": "英镑", "HKD": "港元", "JPY": "日元"}
_STATES = {
    "received": "已受理",
    "acknowledged": "已确认收到",
    "assessed": "已评估",
    "investigating": "正在调查",
    "proposed": "已提出处理方案",
    "accepted": "方案已接受",
    "disputed": "有争议",
    "closed_unconfirmed": "已关闭",
    "closed_confirmed": "经您确认已关闭",
    "reopened": "已重新受理",
    "new": "新建",
    "paid": "已付款",
    "processing": "处理中",
    "shipped": "已发货",
    "delivered": "已送达",
    "cancelled": "已取消",
    "returned": "已退货",
    "refunded": "已退款",
}
_CODE = re.compile(r"[A-Za-z0-9]+(?:[-_./#]+[A-Za-z0-9]+)*")
_PARTS_OF_DAY = ((6, "凌晨"), (9, "早上"), (12, "上午"), (13, "中午"), (18, "下午"), (24, "晚上"))


def cardinal(number: int) -> str:
    """``一万两千三百四十``."""
    said = _whole(number)
    # Ten to nineteen lose their one, and only at the head.
    said = said.removeprefix("一") if said.startswith("一十") else said
    return "两" + said[1:] if said.startswith(("二百", "二千", "二万", "二亿")) else said


def _whole(number: int) -> str:
    if number < 10:
        return _DIGITS[number]
    for scale, name in ((10**8, "亿"), (10**4, "万")):
        if number >= scale:
            many, rest = divmod(number, scale)
            return ("两" if many == 2 else _whole(many)) + name + _after(rest, scale)
    for unit, name in _UNITS:
        if number >= unit:
            many, rest = divmod(number, unit)
            digit = "两" if many == 2 and unit == 1000 else _DIGITS[many]
            return digit + name + _after(rest, unit)
    raise AssertionError(number)


def _after(rest: int, unit: int) -> str:
    """What follows a unit: 零 in the place of missing ones."""
    if not rest:
        return ""
    return ("零" if rest < unit // 10 else "") + _whole(rest)


def decimal(digits: str) -> str:
    """``点零五``."""
    return "点" + "".join(_DIGITS[int(digit)] for digit in digits)


def negative(words: str) -> str:
    """``负三``."""
    return f"负{words}"


def ordinal(number: int) -> str:
    """``第二十一``."""
    said = cardinal(number)
    return "第" + ("二" + said[1:] if said.startswith("两百") else said)


def digits(code: str) -> str:
    """``西，零零零，幺二三``: letters by their names, long runs of digits in threes and fours (138 0013 8000)."""
    groups: list[str] = []
    for run in re.findall(r"[0-9]+|[A-Za-z]+|[^\W\d_]+", code):
        if run.isascii() and run.isdigit():
            groups += _run(run)
        else:
            groups.append("".join(_LETTERS.get(letter, letter) for letter in run.upper()))
    return "，".join(groups)


def _run(run: str) -> list[str]:
    """The digits of a run, in groups of four from the end, a shorter run in threes."""
    if len(run) < 3:
        return ["".join(_DIGITS[int(digit)] for digit in run)]
    if len(run) <= 4:
        return [run.translate(_SPELT)]
    size = 3 if len(run) <= 6 else 4
    first = len(run) % size or size
    if first == 1:
        first += size  # no digit stands alone
    return [
        run[:first].translate(_SPELT),
        *(run[i : i + size].translate(_SPELT) for i in range(first, len(run), size)),
    ]


def date(day: dt.date) -> str:
    """``二零二六年三月三日``."""
    year = "".join(_DIGITS[int(digit)] for digit in str(day.year))
    return f"{year}年{cardinal(day.month)}月{cardinal(day.day)}日"


def time(moment: dt.time) -> str:
    """``下午两点零五分``."""
    part = next(name for until, name in _PARTS_OF_DAY if moment.hour < until)
    said = f"{part}{_measured(moment.hour % 12 or (12 if moment.hour else 0))}点"
    if not moment.minute:
        return said
    if moment.minute == 30:
        return f"{said}半"
    return f"{said}{'零' if moment.minute < 10 else ''}{cardinal(moment.minute)}分"


def _measured(number: int) -> str:
    """A number before a measure word."""
    return "两" if number == 2 else cardinal(number)


def money(major: int, minor: int, currency: str) -> str:
    """``一万两千三百四十元五角``; foreign amounts with 点."""
    if currency != "CNY":
        places = f"{minor:02}".rstrip("0")
        number = cardinal(major) + decimal(places) if places else _measured(major)
        return number + _CURRENCIES.get(currency, f"，{digits(currency)}")
    jiao, fen = divmod(minor, 10)
    said = f"{_measured(major)}元" if major or not minor else ""
    if jiao:
        said += f"{_DIGITS[jiao] if said else _measured(jiao)}角"
    if fen:
        said += ("零" if said and not jiao else "") + f"{_DIGITS[fen] if said else _measured(fen)}分"
    return said


def duration(minutes: int) -> str:
    """``大约两分钟``."""
    if not minutes:
        return "不到一分钟"
    if minutes >= 2 * 24 * 60:
        return f"大约{_measured(round(minutes / (24 * 60)))}天"
    hours, rest = divmod(minutes, 60)
    said = f"{_measured(hours)}小时" if hours else ""
    return f"大约{said}{_measured(rest) + '分钟' if rest else ''}"


def truth(value: bool) -> str:
    """``是`` or ``否``."""
    return "是" if value else "否"


def state(code: str) -> str:
    """What has become of an order or a complaint."""
    return _STATES[code] if code in _STATES else text(code.replace("_", " "))


def text(written: str) -> str:
    """With codes (``C-000123``, ``VIP``) spelt; other Latin words are left."""
    return _CODE.sub(_spelt, written.replace("&", "和"))


def _spelt(match: re.Match[str]) -> str:
    code = match[0]
    has_letters = any(letter.isalpha() for letter in code)
    if not has_letters or not (any(sign.isdigit() for sign in code) or (code.isupper() and len(code) <= 5)):
        return code
    return digits(code)
