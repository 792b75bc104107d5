"""Who is calling: the record, its numbers and tier, and how a caller is matched to it.

In: a caller's number. Out: a match (one, several, none, withheld, malformed), each said honestly, and what ties the
caller to people here.
"""
