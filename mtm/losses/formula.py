"""Formulas of losses in MathML, from the parts that they share."""

from __future__ import annotations

E, CE, K = "<mi>e</mi>", "<msub><mi>c</mi><mi>e</mi></msub>", "<mi>k</mi>"  # k: the target of another class
AVG = "<mi>avg</mi><mo>(</mo><mi>C</mi><mo>)</mo>"
OTHERS = "<munder><mo>∑</mo><mrow><mi>k</mi><mo>≠</mo><msub><mi>c</mi><mi>e</mi></msub></mrow></munder>"


def square(a: str, b: str) -> str:
    """|a - b|^2"""
    return f"<msup><mrow><mo>|</mo>{a}<mo>−</mo>{b}<mo>|</mo></mrow><mn>2</mn></msup>"


def fraction(above: str, below: str) -> str:
    """One formula over another."""
    return f"<mfrac><mrow>{above}</mrow><mrow>{below}</mrow></mfrac>"
