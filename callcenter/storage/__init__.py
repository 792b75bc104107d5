"""The database: tables, and one module of queries per stage.

In: the stages' Protocols (``*/ports.py``). Out: rows, in SQL that runs on SQLite and on PostgreSQL.
"""
