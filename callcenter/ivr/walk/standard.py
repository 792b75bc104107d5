"""Words that every flow has. A prompt of the same name in the flow is spoken instead."""

from collections.abc import Mapping

from callcenter.ivr.flow.texts import Texts

FLOW = "standard"
"""They are called ``standard.NAME``, as if they were a flow's: so recordings may replace them too."""

STANDARD: Mapping[str, Texts] = {
    "position": Texts(en="You are number {position} in the line.", zh="您排在第{position}位。"),
    "next_in_line": Texts(en="You are the next in the line.", zh="您是下一位。"),
    "wait_minutes": Texts(
        en="The expected wait is about {minutes} minutes.", zh="预计还需等待大约{minutes}分钟。"
    ),
    "wait_short": Texts(en="The expected wait is less than a minute.", zh="预计等待时间不到一分钟。"),
    "please_hold": Texts(en="Please hold the line.", zh="请稍候。"),
    "no_key": Texts(en="We heard no key.", zh="没有收到按键。"),
    "wrong_key": Texts(en="That was not one of the choices.", zh="按键无效。"),
}
