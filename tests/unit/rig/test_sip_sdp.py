"""Descriptions of sound: where to send, who may send."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from callcenter.rig.sdp import Direction, Sound, answering, build_sdp, parse_sdp
from callcenter.rig.sip_message import BadSip

pytestmark = pytest.mark.unit

OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=Asterisk\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
    b"m=audio 20002 RTP/AVP 0 8 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n"
    b"a=sendonly\r\nm=video 20004 RTP/AVP 99\r\na=inactive\r\n"
)


def test_an_offer() -> None:
    """The audio line counts; what belongs to the video does not."""
    assert parse_sdp(OFFER) == Sound("127.0.0.1", 20002, Direction.SENDONLY, 101, mulaw=True)


def test_old_hold() -> None:
    """An address of zeros says hold."""
    assert parse_sdp(OFFER.replace(b"127.0.0.1", b"0.0.0.0")).direction is Direction.INACTIVE


@pytest.mark.parametrize("direction", list(Direction))
def test_there_and_back(direction: Direction) -> None:
    """What we write is what is read."""
    sound = Sound("127.0.0.1", 4000, direction)
    assert parse_sdp(build_sdp(sound, 7)) == sound


@pytest.mark.parametrize(
    ("theirs", "own", "answer"),
    [
        (Direction.SENDRECV, Direction.SENDRECV, Direction.SENDRECV),
        (Direction.SENDONLY, Direction.SENDRECV, Direction.RECVONLY),
        (Direction.RECVONLY, Direction.SENDRECV, Direction.SENDONLY),
        (Direction.INACTIVE, Direction.SENDRECV, Direction.INACTIVE),
        (Direction.SENDONLY, Direction.SENDONLY, Direction.INACTIVE),
        (Direction.SENDRECV, Direction.SENDONLY, Direction.SENDONLY),
    ],
)
def test_answers(theirs: Direction, own: Direction, answer: Direction) -> None:
    """Hold is answered as RFC 3264 says."""
    assert answering(theirs, own) is answer


@pytest.mark.parametrize("body", [b"", b"v=0", b"m=audio 1 RTP/AVP 0", OFFER.replace(b"20002", b"99999")])
def test_refused(body: bytes) -> None:
    """No audio, no address or no possible port."""
    with pytest.raises(BadSip):
        parse_sdp(body)


@given(st.binary(max_size=300))
def test_never_another_error(data: bytes) -> None:
    """Whatever comes, it is a description or BadSip."""
    try:
        parse_sdp(data)
        parse_sdp(OFFER[:60] + data)
    except BadSip:
        return
