"""What services say to whoever asked."""

from services.model import InputError

__all__ = ["InputError"]
