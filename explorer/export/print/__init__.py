"""Figures for print: vector graphics whose text stays text."""
