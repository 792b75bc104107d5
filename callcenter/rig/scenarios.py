"""SIPp scenarios, built as text: what callers do, and what customers do who are called. Pure.

A scenario reports by log lines ``CC|<row>|<milliseconds>|<event>|<detail>``, which ``callers.py`` and
``customers.py`` read. Branch names are our own and not SIPp's, so that an ACK to a refusal and a CANCEL carry the
branch of their INVITE.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

REFUSALS = (400, 401, 403, 404, 408, 410, 480, 481, 484, 486, 487, 488, 500, 502, 503, 504, 600, 603, 604)
_BYE, _CANCEL, _REFUSED, _LEAVE, _END = 1, 2, 3, 4, 9
_CUSTOMER_CANCELLED, _CUSTOMER_BYE = 20, 21
_TURNED_DOWN = {11: "486 Busy Here", 13: "603 Decline", 15: "404 Not Found"}

_SDP = """v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [{port}] RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-16
a=ptime:20
"""


@dataclass(frozen=True)
class Script:
    """What callers of one SIPp process have in common."""

    keys: tuple[tuple[str, float], ...] = ()
    """Each key with the seconds from the answer at which it is pressed, in order."""
    keys_by_info: bool = False
    """Keys by SIP INFO and not RFC 4733, where RFC 4733 can't be: SIPp needs root for it."""
    sound: Path | None = None
    """A file of mu-law that is sent all the time."""
    ring_limit: float = 30.0
    """Seconds from the last sign of ringing until CANCEL, if nobody answers."""


def caller(script: Script) -> str:
    """The scenario of a caller; rows of the CSV file: number; From's name part; number dialled; row; ms; end."""
    port = "rtpstream_audio_port" if script.sound else "media_port"
    invite = _request("INVITE", 1, 1, to="", body=_SDP.format(port=port), extra="X-Caller: yes\n")
    limit = f'timeout="{round(script.ring_limit * 1000)}" ontimeout="{_CANCEL}"'
    parts = [
        _log("invite"),
        _send(invite, retransmit=True),
        # SIPp takes the limit of whichever of these it stands at, and starts it anew with each answer: so all have it.
        *(f'<recv response="{code}" optional="true" {limit}/>' for code in (100, 180, 181, 182, 183)),
        *(
            f'<recv response="{code}" optional="true" next="{_REFUSED}" {limit}>'
            f"<action>{_log_action('refused', str(code))}</action></recv>"
            for code in REFUSALS
        ),
        _bye_at_any_time(limit),
        f'<recv response="200" {limit}><action>{_log_action("answered", "")}</action></recv>',
        _send(_request("ACK", 1, 2)),
        *_sound(script),
        *_keys(script),
        (
            '<nop><action><assignstr assign_to="text" value="[field4]"/>'
            '<todouble assign_to="stay" variable="text"/></action></nop>'
        ),
        '<pause variable="stay"/>',
        _log("hung_up", "[field5]"),
        _send(_request("BYE", 90, 3), retransmit=True),
        '<recv response="200"/>',
        _log("ended", "[field5]"),
        f'<nop next="{_END}"/>',
        f'<label id="{_BYE}"/>',
        _send(_answer("200 OK")),
        _log("ended", "asterisk [$cause]"),
        f'<nop next="{_END}"/>',
        f'<label id="{_CANCEL}"/>',
        _send(_request("CANCEL", 1, 1, to=""), retransmit=True),
        '<recv response="200"/>',
        '<recv response="487"/>',
        _send(_request("ACK", 1, 1)),
        _log("ended", "cancelled"),
        f'<nop next="{_END}"/>',
        f'<label id="{_REFUSED}"/>',
        _send(_request("ACK", 1, 1)),
        _log("ended", "refused"),
        f'<label id="{_END}"/>',
        "<nop/>",
        '<Reference variables="cause,text,stay,head"/>',
    ]
    return _scenario("caller", parts)


def on_cue(captures: int) -> str:
    """The scenario of a caller who is told when to act, by requests PRESS in its call: each plays the next capture
    (``key_file``). At the request LEAVE it hangs up. What it hears goes to the port in the row's field 4."""
    limit = 'timeout="600000"'
    invite = _request("INVITE", 1, 1, to="", body=_SDP.format(port="field4"), extra="X-Caller: yes\n")
    leave = f'<recv request="LEAVE" optional="true" next="{_LEAVE}"/>'
    acts: list[str] = []
    for place in range(captures):
        acts += [leave, f'<recv request="PRESS" {limit}/>']
        acts.append(f'<nop><action><exec play_pcap_audio="{key_file(place)}"/></action></nop>')
    parts = [
        _log("invite", "[call_id]"),
        _send(invite, retransmit=True),
        *(f'<recv response="{code}" optional="true"/>' for code in (100, 180, 181, 182, 183)),
        *(
            f'<recv response="{code}" optional="true" next="{_REFUSED}">'
            f"<action>{_log_action('refused', str(code))}</action></recv>"
            for code in REFUSALS
        ),
        _bye_at_any_time(""),
        f'<recv response="200"><action>{_log_action("answered", "")}</action></recv>',
        _send(_request("ACK", 1, 2)),
        *acts,
        f'<recv request="LEAVE" {limit}/>',
        f'<label id="{_LEAVE}"/>',
        _send(_request("BYE", 90, 3), retransmit=True),
        '<recv response="200"/>',
        _log("ended", "caller"),
        f'<nop next="{_END}"/>',
        f'<label id="{_BYE}"/>',
        _send(_answer("200 OK")),
        _log("ended", "asterisk [$cause]"),
        f'<nop next="{_END}"/>',
        f'<label id="{_REFUSED}"/>',
        _send(_request("ACK", 1, 1)),
        _log("ended", "refused"),
        f'<label id="{_END}"/>',
        "<nop/>",
        '<Reference variables="cause,head"/>',
    ]
    return _scenario("on cue", parts)


def customer(talk: float) -> str:
    """The scenario of customers who are called. The dialled number's last two digits say what they do:

    01 busy, 02 never answer, 03 reject, 04 answer and hang up at once, 05 there is no such number; all others
    answer after half a second, talk, and hang up after ``talk`` seconds if nobody did before.
    """
    branch = [
        f'<nop next="{label}" test="is{label}"><action>'
        f'<strcmp assign_to="cmp" variable="way" value="0{label - 10}"/>'
        f'<test assign_to="is{label}" variable="cmp" compare="equal" value="0"/></action></nop>'
        for label in (11, 12, 13, 14, 15)
    ]
    parts = [
        f'<recv request="CANCEL" optional="global" next="{_CUSTOMER_CANCELLED}"/>',
        f'<recv request="BYE" optional="global" next="{_CUSTOMER_BYE}"/>',
        (
            '<recv request="INVITE" rrs="true"><action>'
            '<ereg regexp="sip:[^@]*([0-9][0-9])@" search_in="msg" check_it="false" assign_to="all,way"/>'
            '<ereg regexp=".*" search_in="hdr" header="From:" check_it="false" assign_to="peer"/>'
            f"{_log_action('invite', '[$way]')}</action></recv>"
        ),
        *branch,
        _send(_answer("180 Ringing", tagged=True)),
        '<pause milliseconds="500"/>',
        *_talk(round(talk * 1000)),
        *(_turn_down(label, line) for label, line in _TURNED_DOWN.items()),
        '<label id="12"/>',
        _send(_answer("180 Ringing", tagged=True)),
        '<recv request="CANCEL"/>',
        f'<label id="{_CUSTOMER_CANCELLED}"/>',
        _send(_answer("200 OK", tagged=True)),
        _send(_answer("487 Request Terminated", tagged=True, cseq="INVITE"), retransmit=True),
        '<recv request="ACK"/>',
        _log("ended", "cancelled"),
        f'<nop next="{_END}"/>',
        '<label id="14"/>',
        *_talk(0),
        f'<label id="{_CUSTOMER_BYE}"/>',
        _send(_answer("200 OK")),
        _log("ended", "asterisk"),
        f'<label id="{_END}"/>',
        "<nop/>",
        '<Reference variables="all,way,peer,cmp,is11,is12,is13,is14,is15"/>',
    ]
    return _scenario("customer", parts).replace("[field3]", "[call_number]")


def key_file(place: int) -> str:
    """The name of the capture with the ``place``-th key of a script, beside the scenario."""
    return f"key-{place}.pcap"


def _scenario(name: str, parts: Sequence[str]) -> str:
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="{name}">\n'
    return head + "\n".join(parts) + "\n</scenario>\n"


def _send(text: str, *, retransmit: bool = False) -> str:
    again = ' retrans="500"' if retransmit else ""
    return f"<send{again}><![CDATA[\n{text}\n]]></send>"


def _request(
    method: str, cseq: int, branch: int, *, to: str = "[peer_tag_param]", body: str = "", extra: str = ""
) -> str:
    kind = "Content-Type: application/sdp\n" if body else ""
    return (
        f"{method} sip:[field2]@[remote_ip]:[remote_port] SIP/2.0\n"
        f"Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]x[call_number]x{branch}\n"
        "From: [field1]<sip:[field0]@[local_ip]:[local_port]>;tag=[pid]t[call_number]\n"
        f"To: <sip:[field2]@[remote_ip]:[remote_port]>{to}\n"
        "Call-ID: [call_id]\n"
        f"CSeq: {cseq} {method}\n"
        "Contact: <sip:caller@[local_ip]:[local_port]>\n"
        f"Max-Forwards: 70\n{extra}{kind}"
        f"Content-Length: [len]\n\n{body}"
    )


def _answer(line: str, *, tagged: bool = False, body: str = "", cseq: str = "") -> str:
    to = "[last_To:];tag=[pid]c[call_number]" if tagged else "[last_To:]"
    kind = "Content-Type: application/sdp\n" if body else ""
    count = f"CSeq: [last_cseq_number] {cseq}" if cseq else "[last_CSeq:]"
    return (
        f"SIP/2.0 {line}\n[last_Via:]\n[last_From:]\n{to}\n[last_Call-ID:]\n{count}\n"
        f"Contact: <sip:[local_ip]:[local_port]>\n{kind}Content-Length: [len]\n\n{body}"
    )


def _talk(milliseconds: int) -> list[str]:
    """Answer; after a while say BYE."""
    bye = (
        "BYE [next_url] SIP/2.0\n"
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=z9hG4bK[pid]y[call_number]\n"
        "From: <sip:[local_ip]:[local_port]>;tag=[pid]c[call_number]\n"
        "To:[$peer]\nCall-ID: [call_id]\nCSeq: 1 BYE\nMax-Forwards: 70\nContent-Length: [len]\n\n"
    )
    return [
        _send(_answer("200 OK", tagged=True, body=_SDP.format(port="media_port")), retransmit=True),
        '<recv request="ACK"/>',
        _log("answered"),
        f'<pause milliseconds="{milliseconds}"/>',
        _send(bye, retransmit=True),
        '<recv response="200"/>',
        _log("ended", "customer"),
        f'<nop next="{_END}"/>',
    ]


def _turn_down(label: int, line: str) -> str:
    return "\n".join(
        [
            f'<label id="{label}"/>',
            _send(_answer(line, tagged=True), retransmit=True),
            '<recv request="ACK"/>',
            _log("ended", line[:3]),
            f'<nop next="{_END}"/>',
        ]
    )


def _bye_at_any_time(limit: str) -> str:
    return (
        f'<recv request="BYE" optional="global" next="{_BYE}" {limit}><action>'
        '<ereg regexp="cause=([0-9]+)" search_in="hdr" header="Reason:" check_it="false" assign_to="head,cause"/>'
        "</action></recv>"
    )


def _sound(script: Script) -> list[str]:
    if script.sound is None:
        return []
    return [f'<nop><action><exec rtp_stream="{script.sound},-1,0,PCMU/8000"/></action></nop>']


def _keys(script: Script) -> list[str]:
    parts: list[str] = []
    now = 0.0
    for number, (key, at) in enumerate(script.keys):
        parts.append(f'<pause milliseconds="{max(0, round((at - now) * 1000))}"/>')
        now = at
        if script.keys_by_info:
            info = _request("INFO", 2 + number, 10 + number, extra="Content-Type: application/dtmf-relay\n")
            parts += [_send(f"{info}Signal={key}\nDuration=160\n", retransmit=True), '<recv response="200"/>']
        else:
            parts.append(f'<nop><action><exec play_pcap_audio="{key_file(number)}"/></action></nop>')
    return parts


def _log(event: str, detail: str = "") -> str:
    return f"<nop><action>{_log_action(event, detail)}</action></nop>"


def _log_action(event: str, detail: str, row: str = "[field3]") -> str:
    return f'<log message="CC|{row}|[clock_tick]|{event}|{detail}"/>'
