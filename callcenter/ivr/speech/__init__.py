"""From text to sound that a caller hears.

``prompts`` the sound of every prompt, cached by content · ``words`` numbers, dates and money as they are said ·
``engine`` the interface and pyttsx3 behind it · ``child`` the process that speaks · ``sound`` samples.
"""
