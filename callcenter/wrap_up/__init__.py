"""After the talk: the disposition, the note, and the time for it."""
