"""Prompts with variables."""


def parse(text: str) -> object:
    """Raises ``ValueError``."""
    return text
