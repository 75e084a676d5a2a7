"""Milepost: one traceable path from plan to release."""

__version__ = "0.1.0"
