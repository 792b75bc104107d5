"""The flow as reception wants it: take the call, walk the caller through, note what was pressed."""

from callcenter.calls.call import Call
from callcenter.calls.ports import CallerLine
from callcenter.clock import Clock
from callcenter.ids import QueueName
from callcenter.ivr.model import Flow
from callcenter.ivr.runner import PromptPaths, Step, ToQueue, run


class FrontDoor:
    """Serves each caller with the flow that is published now."""

    def __init__(self, flow: Flow, prompts: PromptPaths, clock: Clock) -> None:
        self._flow = flow
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
