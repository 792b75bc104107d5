"""Opening hours and holidays."""

from pydantic import BaseModel


class Hours(BaseModel):
    """To come."""
