"""Nodes that ask for keys: menu, language, collect; and say, whose words a key may cut."""

from callcenter.ivr.flow import expression
from callcenter.ivr.flow.nodes import CollectNode, LanguageNode, MenuNode, SayNode
from callcenter.ivr.flow.parts import Node
from callcenter.ivr.walk import keys
from callcenter.ivr.walk.walk import Handler, Next, Walk

BETWEEN_SECONDS = 3.0
"""Between two keys of one choice in a menu."""


async def say(walk: Walk, node: SayNode) -> Next:
    """Speak and go on."""
    await walk.say(node.prompt, interrupt=node.interrupt)
    return node.next


async def menu(walk: Walk, node: MenuNode) -> Next:
    """One of its choices, or the way of who makes none."""
    choices = node.keys

    def enough(typed: str) -> bool:
        return typed in choices or not any(choice.startswith(typed) for choice in choices)

    between = min(node.seconds, BETWEEN_SECONDS)
    how = keys.Reading(node.seconds, between, enough, max(len(choice) for choice in choices))
    choice = await keys.ask(walk, node, node.prompt, how, choices.__contains__)
    if choice is None:
        return keys.unanswered(walk, node)
    walk.way(f"key {choice}")
    return choices[choice]


async def language(walk: Walk, node: LanguageNode) -> Next:
    """The question in each language, the flow's own first; no choice keeps the language."""
    how = keys.one_key(node.seconds)
    question = [(node.prompt, language) for language in walk.languages()]
    before: str | None = None
    for _ in range(node.tries):
        typed = await keys.read(walk, [*keys.in_language(walk, before), *question], how)
        if typed.keys in node.keys:
            walk.speak(node.keys[typed.keys])
            walk.way(f"key {typed.keys}")
            return node.next
        before = keys.miss(walk, node, "wrong_input" if typed.pressed else "no_input")
    return keys.unanswered(walk, node)


async def collect(walk: Walk, node: CollectNode) -> Next:
    """Digits into a variable, or into the secrets."""

    def right(typed: str) -> bool:
        if not typed.isdecimal() or not node.min_digits <= len(typed) <= node.max_digits:
            return False
        if node.valid is None:
            return True
        return expression.parse(node.valid).holds({**walk.values(), node.into: typed})

    how = keys.digits(
        node.seconds, node.between_seconds, node.max_digits, node.terminator, secret=node.secret
    )
    typed = await keys.ask(walk, node, node.prompt, how, right)
    if typed is None:
        return keys.unanswered(walk, node)
    if node.secret:
        walk.keep_secret(node.into, typed)
    else:
        walk.keep(node.into, typed)
    return node.next


NODES: dict[type[Node], Handler] = {
    SayNode: say,
    MenuNode: menu,
    LanguageNode: language,
    CollectNode: collect,
}
