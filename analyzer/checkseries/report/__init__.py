"""How a report is shown: pure functions from a report to a string.

``text`` is for people and mail, ``terse`` is checkpatch's line form, ``json`` and ``sarif`` are for machines.
"""
