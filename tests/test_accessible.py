"""What is put right in the HTML of other libraries, and that the rest of a page is left alone."""

from __future__ import annotations

import pytest

from ovbook.press.accessible import mended, named


@pytest.mark.parametrize(
    ("written", "wanted"),
    [
        ("<tr><th></th><th>slope</th></tr>", "<tr><td></td><th>slope</th></tr>"),
        ('<th class="head"><p></p></th>', '<td class="head"></td>'),
        ("<thead><tr><th>\n</th></tr></thead>", "<thead><tr><td></td></tr></thead>"),
        ("<th>0</th><thead></thead>", "<th>0</th><thead></thead>"),
        ('<summary aria-label="Toggle hidden content"><p>Show</p>', "<summary><p>Show</p>"),
        (
            '<div role="list" class="citation-list"><div class="citation" id="id8" role="doc-biblioentry">',
            '<div role="list" class="citation-list"><div class="citation" id="id8" role="listitem">',
        ),
        (
            '<span class="sig-paren">(</span>\n\n<dl>\n<dd><em class="sig-param">a</em>,</dd>\n</dl>',
            '<span class="sig-paren">(</span>\n\n<dl role="presentation">\n<dd><em class="sig-param">a</em>,</dd>\n</dl>',
        ),
        ('<code>role="doc-biblioentry"</code>', '<code>role="doc-biblioentry"</code>'),
    ],
)
def test_what_misleads_a_screen_reader_is_mended(written, wanted):
    assert mended(written) == wanted
    assert mended(wanted) == wanted


def test_the_arrow_of_a_section_is_named_after_it():
    contents = (
        '<li class="has-children"><a class="reference internal" href="api.html">The package</a>'
        "<details><summary><span></span></summary></details></li>"
    )
    assert '</a><details><summary aria-label="Pages of The package"><span>' in named(contents)
    heading = "<details><summary><p>Part A</p></summary></details>"
    assert named(heading) == heading
