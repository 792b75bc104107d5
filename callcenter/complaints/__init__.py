"""A complaint: received in a call or by hand, owned by somebody, never forgotten."""
