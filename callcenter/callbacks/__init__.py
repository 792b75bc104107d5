"""A caller who waits without a telephone in the hand: called back when the place in the line is first."""
