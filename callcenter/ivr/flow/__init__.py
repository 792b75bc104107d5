"""A flow as it is written: its words, its expressions, its hours, and everything that can be wrong with it.

``texts`` spoken words and names · ``parts`` what nodes are made of · ``nodes`` what a flow can do · ``flow`` the
whole · ``ways`` where each node leads, defaults included · ``expression`` and ``operations`` the small safe language
of conditions · ``variables`` what they can read · ``template`` prompts with variables · ``hours`` and ``calendars``
opening hours and holidays · ``document`` YAML with the line of each value · ``faults`` a schema's findings in plain
words · ``loader`` from files to flows · ``checks`` what a schema can't see · ``schema`` for editors.
"""
