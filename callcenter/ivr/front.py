"""The flow as reception wants it: take the call, walk the caller through, note what was pressed."""

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.clock import Clock
from callcenter.ids import QueueName
from callcenter.ivr.flow.flow import Flow, LanguageNode, MenuNode
from callcenter.ivr.walk.runner import PromptPaths, Step, ToQueue, run

LANGUAGE_NAMES = {"en": ("English", "英语"), "zh": ("Chinese", "中文")}


def key_words(flow: Flow) -> dict[tuple[str, str], tuple[str, str]]:
    """What a key means at a node, in English and Chinese: the title of where it leads, or the language chosen."""
    words: dict[tuple[str, str], tuple[str, str]] = {}
    for name, node in flow.nodes.items():
        if isinstance(node, MenuNode):
            for key, target in node.keys.items():
                title = flow.nodes[target].title if target in flow.nodes else None
                words[name, key] = (title.en, title.zh) if title else (target, target)
        elif isinstance(node, LanguageNode):
            words |= {(name, key): LANGUAGE_NAMES[language] for key, language in node.keys.items()}
    return words


class FrontDoor:
    """Serves each caller with the flow that is published now."""

    def __init__(self, flow: Flow, prompts: PromptPaths, clock: Clock) -> None:
        self._flow = flow
        self.key_words = key_words(flow)
        self._prompts = prompts
        self._clock = clock

    async def serve(self, line: CallerLine, call: Call) -> QueueName | None:
        """Raises ``CallerGone``; what was pressed until then is on the call all the same."""
        await line.answer()
        facts = {"did": call.did, "tier": call.tier}
        path: list[Step] = []
        try:
            end = await run(
                self._flow, line, facts=facts, prompts=self._prompts, clock=self._clock, path=path
            )
        finally:
            call.keys.extend((step.node, step.keys) for step in path if step.keys)
        call.language = end.language
        return end.queue if isinstance(end, ToQueue) else None
