"""Follow-up calls (回访): planned, dialled from the agent's phone, every attempt on record."""
