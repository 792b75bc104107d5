"""A flow as it is written: its words, its expressions, its hours, and everything that can be wrong with it.

``texts`` spoken words and names · ``nodes`` what a flow can do · ``flow`` the whole · ``expression`` the small safe
language of conditions · ``template`` prompts with variables · ``hours`` opening hours and holidays · ``loader`` YAML
with file, line and node in each error · ``checks`` what a schema can't see · ``schema`` for editors.
"""
