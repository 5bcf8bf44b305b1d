"""Figures for print: vector graphics whose text stays text. `style` is that of all, and the way to a file."""

MEDIA_TYPES = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
