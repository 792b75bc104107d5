"""Recordings: server-made names in one folder, played to whom they concern."""
