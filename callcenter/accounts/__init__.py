"""Who may log in, in which role; log-ins and how long they last."""
