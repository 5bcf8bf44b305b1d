"""Pages that open from disk: everything is in them, and the browser itself refuses every connection."""

from __future__ import annotations

from html import escape

POLICY = "default-src 'none'; script-src 'unsafe-inline'{scripts}; style-src 'unsafe-inline'; img-src data: blob:"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>{style}</style>
{head}
</head>
<body>
{body}
</body>
</html>
"""


def fill_page(title: str, style: str, head: str, body: str, scripts: str = "") -> str:
    """A page of HTML in `head` and `body`; `scripts` are sources of scripts besides those that stand in the page."""
    policy = POLICY.format(scripts=f" {scripts}" if scripts else "")
    return PAGE.format(policy=policy, title=escape(title), style=style, head=head, body=body)
