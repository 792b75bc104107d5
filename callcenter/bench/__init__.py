"""Figures, taken and not asserted: each is a ratio within one run, or says on what machine it was taken."""
