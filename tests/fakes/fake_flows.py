"""Flows for tests of their pages: one that is big enough to be a picture, checks by rules that a test can foresee."""

import dataclasses
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from callcenter.errors import BadInput, Conflict, NotFound
from callcenter.history.flows import FlowFigures, FlowVersion, NodeFigures
from callcenter.ids import UserId
from callcenter.supervision.flows import Fault, FlowLine, Graph, GraphEdge, GraphNode, Tried, TriedStep

AT = dt.datetime(2026, 1, 5, 9, 0, tzinfo=dt.UTC)
TEXT = """\
# The main way in.
flow: main
start: welcome

nodes:
  welcome:
    type: say
    prompt: welcome
    next: language
  language:
    type: language
    prompt: choose_language
    keys: {"1": en, "2": zh}
    next: main_menu
  main_menu:
    type: menu
    prompt: main_menu
    keys: {"1": sales, "2": service, "3": complaint, "0": operator}
"""


NODES = """\
welcome|say|Welcome|欢迎|Welcome to Riverside.|欢迎致电河畔公司。
language|language|Language|语言|For English, press 1.|中文请按二。
hours|hours|Open hours|营业时间
closed|say|Closed|已下班|We are closed now. Our hours are 9 to 18.|我们已下班。
leave_word|menu|Message or callback|留言或回拨|To leave a message press 1.|留言请按一。
box|voicemail|Message|留言|Speak after the tone.|请在提示音后留言。
later|callback|Callback|回拨|We call you back.|我们会给您回电。
tier|branch|Who is it|来电者级别
vip_line|queue|VIP line|VIP专线|One moment, please.|请稍候。
main_menu|menu|Main menu|主菜单|Sales: 1, service: 2, complaints: 3, orders: 4.|销售按一,服务按二,投诉按三,订单按四。
sales|queue|Sales|销售
service|queue|Service|服务
operator|queue|Operator|人工服务
complaint_menu|menu|Complaints|投诉|For a new complaint press 1.|新投诉请按一。
complaint|complaint|Record a complaint|录音投诉|Tell us what happened.|请说明情况。
complaint_status|status|Complaint status|投诉进度|Your complaint is being handled.|您的投诉正在处理。
who|identify|Customer number and PIN|客户号与密码|Enter your customer number.|请输入客户号。
order_number|collect|Order number|订单号|Enter your order number, then the hash key.|请输入订单号,按井号键结束。
order_lookup|lookup|Look the order up|查询订单
order_status|say|Order status|订单状态|Your order {order} is on its way.|您的订单{order}正在派送。
not_found|say|Not found|未找到|We found no such order.|没有找到该订单。
again|menu|Anything else|其他需要|For the main menu press star.|返回主菜单请按星号。
count|set|Count the tries|计次
to_office|transfer|To the office|转办公室
survey|subflow|Survey|满意度调查
bye|hangup|Goodbye|再见|Thank you for calling.|感谢您的来电。
wrong|say|Wrong key|按键无效|That key has no meaning here.|该按键无效。
holiday|say|Holiday|节假日|Today is a public holiday.|今天是公众假期。
back|goto|Back|返回
end|end||
"""
"""Name, type, title in English and Chinese, first words in both."""


def big_graph() -> Graph:
    """A main menu as a centre of some size has it: 30 nodes, loops, many keys, unusual ways."""
    nodes = [GraphNode(*[*row.split("|"), "", ""][:6]) for row in NODES.splitlines()]
    ways = (
        "welcome>language:next language>hours:next language>hours:no_input! hours>tier:open hours>closed:closed "
        "hours>holiday:holiday holiday>closed:next closed>leave_word:next leave_word>box:1 leave_word>later:2 "
        "leave_word>bye:no_input! box>bye:next later>bye:next later>box:refused! tier>main_menu:otherwise "
        "main_menu>sales:1 main_menu>service:2 main_menu>complaint_menu:3 main_menu>order_number:4 "
        "main_menu>operator:0 main_menu>operator:no_input! main_menu>wrong:wrong_input! wrong>main_menu:next "
        "main_menu>to_office:9 complaint_menu>complaint:1 complaint_menu>who:2 complaint_menu>back:* "
        "complaint_menu>operator:no_input! complaint>bye:next complaint>operator:failure! "
        "who>complaint_status:next who>operator:unknown! who>operator:locked! complaint_status>again:next "
        "order_number>order_lookup:next order_number>operator:no_input! order_lookup>order_status:next "
        "order_lookup>not_found:not_found order_lookup>operator:failure! not_found>count:next count>order_number:next "
        "order_status>again:next again>back:* again>operator:0 again>bye:no_input! back>main_menu:next "
        "sales>survey:next service>survey:next operator>survey:next vip_line>survey:next survey>bye:next "
        "to_office>operator:busy! to_office>bye:next vip_line>box:timeout! service>later:callback bye>end:next"
    )
    edges = [_edge(way) for way in ways.split()]
    edges.append(GraphEdge("tier", "vip_line", "customer.tier == 'vip'", usual=True))
    return Graph("welcome", tuple(nodes), tuple(edges))


def _edge(way: str) -> GraphEdge:
    ends, label = way.rstrip("!").split(":")
    source, target = ends.split(">")
    return GraphEdge(source, target, label, usual=not way.endswith("!"))


def figures() -> FlowFigures:
    """A busy day."""
    nodes = {
        "welcome": NodeFigures(812, 2_436.0, 0, 0, {"next": 803, "gone": 9}),
        "language": NodeFigures(803, 4_015.0, 121, 14, {"next": 790, "gone": 13}),
        "main_menu": NodeFigures(640, 5_760.0, 88, 41, {"key 1": 210, "key 2": 250, "key 3": 60, "key 0": 90}),
        "service": NodeFigures(250, 12_500.0, 0, 0, {"next": 231, "gone": 19}),
        "old_menu": NodeFigures(4, 20.0, 1, 0, {"next": 4}),
    }  # fmt: skip
    return FlowFigures(812, 297, 71, nodes)


@dataclass
class FakeFlows:
    """Implements ``supervision.flows.Flows``. A line with ``bad`` in it is a fault; a text with ``unreadable`` has no
    picture; each ``extra_NAME:`` in it is one more node."""

    graphs: dict[str, Graph] = field(default_factory=lambda: {"main": big_graph()})
    callers: dict[str, int] = field(default_factory=lambda: {"main_menu": 3, "service": 12})
    changes: int = 1
    kept: list[FlowVersion] = field(default_factory=list)
    asked: list[tuple[dt.datetime, dt.datetime]] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        if not self.kept:
            self.kept = [
                version(1, TEXT.replace("welcome", "hello"), None, "", current=False),
                version(2, TEXT, UserId(10), "Complaints have their own key", current=True),
            ]

    def publish_meanwhile(self, text: str, by: str = "Sofia") -> None:
        """Somebody else was quicker."""
        self._add(text, UserId(9), by, "Quicker")

    def count(self, **callers: int) -> None:
        """Other callers are at the nodes now."""
        self.callers, self.changes = callers, self.changes + 1

    def listing(self) -> Sequence[FlowLine]:
        now = self._current()
        return [
            FlowLine(
                name, "Main", "总机", now.version, now.at, now.by_name, sum(self.callers.values()), ("4008001234", "")
            )
            for name in sorted(self.graphs)
        ]  # fmt: skip

    def text(self, flow: str) -> tuple[int, str]:
        self.graph(flow)
        return self._current().version, self._current().text

    def graph(self, flow: str) -> Graph:
        if flow not in self.graphs:
            raise NotFound("There is no such flow.")
        return self.graphs[flow]

    def draw(self, text: str) -> Graph | None:
        if "unreadable" in text:
            return None
        extra = [word[:-1] for word in text.split() if word.startswith("extra_") and word.endswith(":")]
        nodes = tuple(GraphNode(name, "say", "", "", "", "") for name in extra)
        edges = tuple(GraphEdge("main_menu", name, "8", usual=True) for name in extra)
        base = self.graphs["main"]
        return Graph(base.start, base.nodes + nodes, base.edges + edges)

    def now(self, flow: str) -> Mapping[str, int]:
        self.graph(flow)
        return self.callers

    def version(self) -> int:
        return self.changes

    async def check(self, flow: str, text: str) -> Sequence[Fault]:
        self.graph(flow)
        self.checked.append(text)
        lines = enumerate(text.splitlines(), 1)
        return [
            Fault(n, "main_menu", f"There is no node {line.strip()}") for n, line in lines if "bad" in line
        ]

    async def rehearse(self, text: str, keys: Sequence[str], facts: Mapping[str, str]) -> Tried:
        if "bad" in text:
            raise BadInput("This text has faults: mend them first.")
        steps = [TriedStep("welcome", ("Welcome to Riverside.",), "", 0.0)]
        questions = ("language", "main_menu", "order_number")
        for number, (node, key) in enumerate(zip(questions, keys, strict=False)):
            steps.append(
                TriedStep(node, (f"Question {number}.",), "" if key == "hang up" else key, 5.0 + number)
            )
            if key == "hang up":
                return Tried(tuple(steps), "the caller hung up", gone=True)
        return Tried(tuple(steps), f"waits in the queue support {sorted(facts.items())}")

    async def publish(self, flow: str, text: str, by: UserId, note: str, over: int | None) -> FlowVersion:
        self.graph(flow)
        if over is not None and over != self._current().version:
            raise Conflict("Another version was published meanwhile.")
        if faults := await self.check(flow, text):
            raise BadInput("\n".join(one.message for one in faults))
        return self._add(text, by, "Root", note)

    async def roll_back(self, flow: str, version: int, by: UserId) -> FlowVersion:
        self.graph(flow)
        for one in self.kept:
            if one.version == version:
                return self._add(one.text, by, "Root", f"Version {version} again")
        raise NotFound("There is no such version.")

    async def versions(self, flow: str) -> Sequence[FlowVersion]:
        self.graph(flow)
        return list(reversed(self.kept))

    async def figures(self, flow: str, since: dt.datetime, until: dt.datetime) -> FlowFigures:
        self.graph(flow)
        self.asked.append((since, until))
        return figures()

    def _current(self) -> FlowVersion:
        return next(one for one in self.kept if one.current)

    def _add(self, text: str, by: UserId, name: str, note: str) -> FlowVersion:
        made = dataclasses.replace(version(len(self.kept) + 1, text, by, note, current=True), by_name=name)
        self.kept = [dataclasses.replace(one, current=False) for one in self.kept] + [made]
        return made


def version(number: int, text: str, by: UserId | None, note: str, *, current: bool) -> FlowVersion:
    """A version of the flow ``main``."""
    digest = hashlib.sha256(text.encode()).hexdigest()
    name = "Root" if by else ""
    return FlowVersion("main", number, text, digest, AT + dt.timedelta(days=number), by, name, note, current)
