"""What callers press: keys that hide one another, PINs, and the offer of a callback."""

from collections.abc import Collection, Iterator

from callcenter.ivr.flow.checks.finding import Finding, warning
from callcenter.ivr.flow.document import Place
from callcenter.ivr.flow.flow import Flow
from callcenter.ivr.flow.nodes import CallbackNode, CollectNode, IdentifyNode, MenuNode, QueueNode

MOST_PIN_TRIES = 3


def check(flow: Flow) -> Iterator[Finding]:
    """Every node that listens for keys."""
    for name, node in flow.nodes.items():
        place = ("nodes", name)
        match node:
            case MenuNode():
                yield from _shadows(place, node.keys)
            case QueueNode():
                yield from _offer(place, node, flow)
            case IdentifyNode(by="pin") if node.tries > MOST_PIN_TRIES:
                message = f"{node.tries} tries are many for a PIN: {MOST_PIN_TRIES} are usual"
                yield warning((*place, "tries"), message)
            case CollectNode(terminator="") if node.min_digits < node.max_digits:
                message = "without a terminator the caller always waits for the end: set one, or one number of digits"
                yield warning((*place, "terminator"), message)
            case _:
                pass


def _shadows(place: Place, keys: Collection[str]) -> Iterator[Finding]:
    """“1” is heard before “12” is pressed."""
    for longer in keys:
        shorter = next((longer[:size] for size in range(1, len(longer)) if longer[:size] in keys), None)
        if shorter is not None:
            message = (
                f"“{longer}” can never be pressed, “{shorter}” is taken at once: let no key begin another"
            )
            yield Finding((*place, "keys", longer), message)


def _offer(place: Place, node: QueueNode, flow: Flow) -> Iterator[Finding]:
    offer = node.waiting.callback
    if offer is None:
        return
    target = flow.nodes.get(offer.next)
    if target is not None and not isinstance(target, CallbackNode):
        message = f"“{offer.next}” is a {target.type} node: the offer of a callback leads to a callback node"
        yield Finding((*place, "waiting", "callback", "next"), message)
