"""Pisang: make, edit and keep images from the Nano Banana models."""

__version__ = "0.1.0"
