"""Numbers, dates and money as they are said: ``en`` English, ``zh`` Mandarin, ``saying`` what both have in common."""
