"""Who may log in, in which role and with which skills; log-ins and how long they last; what the people lack."""
