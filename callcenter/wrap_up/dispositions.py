"""Outcome codes an agent gives a call. They are data: the settings may name others."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Disposition:
    """A code, its titles, and what it says of the call (flags as dialler software knows them)."""

    code: str
    title_en: str
    title_zh: str
    resolved: bool = False
    complaint: bool = False
    needs_follow_up: bool = False


DEFAULTS = (
    Disposition("RESOLVED", "Resolved", "已解决", resolved=True),
    Disposition("INFORMATION", "Information given", "已答复咨询", resolved=True),
    Disposition("COMPLAINT", "Complaint taken", "已登记投诉", complaint=True),
    Disposition("FOLLOW_UP", "Needs a follow-up call", "需要回访", needs_follow_up=True),
    Disposition("TRANSFERRED", "Passed to a colleague", "已转接同事"),
    Disposition("WRONG_NUMBER", "Wrong number", "打错电话"),
    Disposition("NO_CONTACT", "Customer not reached", "未联系上客户", needs_follow_up=True),
)
"""What ships; the codes are stable and go into reports."""

NONE_GIVEN = "NONE_GIVEN"
"""The wrap-up timer ended before the agent chose."""
