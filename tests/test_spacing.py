"""Formulas in running text stay on one line, and code stays as it was typed."""

from docutils import nodes

from ovbook.press.spacing import _join, together


def test_a_sign_of_equation_holds_both_its_sides():
    assert together("at γ = 0.3, so e² ≈ 7.4") == "at γ\u00a0=\u00a00.3, so e²\u00a0≈\u00a07.4"
    # Its right side may be a number that is pasted in: the text before it ends at the sign.
    assert together("at noise γ = ") == "at noise γ\u00a0=\u00a0"
    assert together("longer training - no sign here") == "longer training - no sign here"


def test_code_and_formulas_are_left_as_they_are():
    prose, code = nodes.paragraph("", "n = 5 and "), nodes.literal("", "n = 5")
    prose += code
    page = nodes.section("", prose, nodes.literal_block("", "n = 5"))
    _join(None, page, "page")
    assert page.astext() == "n\u00a0=\u00a05 and n = 5\n\nn = 5"
