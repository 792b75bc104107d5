"""Messages that callers left: work for a person, with the recording."""
