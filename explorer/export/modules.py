"""Browser modules for a page that has no server: every module as a data URL, found through an import map.

A page opened from a file may not load modules beside it, and a data URL has no folder that `./other.mjs` could be
relative to. So each relative import is rewritten to the module's path below the assets, which the map resolves.
"""

from __future__ import annotations

import base64
import json
import posixpath
import re
from pathlib import Path

from explorer.web.paths import assets_folder

IMPORT = re.compile(
    r"^((?:import|export)\b[^;\"']*?\bfrom\s*[\"']|import\s*[\"'])(\.{1,2}/[^\"']+)([\"'])", re.MULTILINE
)


def build_import_map(entry: str) -> str:
    """The JSON of an import map with a module of the assets ("export/page.mjs") and all that it imports.

    Raises FileNotFoundError for a module that is not there.
    """
    folder, queue, urls = assets_folder(), [entry], dict[str, str]()
    while queue:
        name = queue.pop()
        if name in urls:
            continue
        source, imported = _rewrite_imports(folder / name, posixpath.dirname(name))
        urls[name] = f"data:text/javascript;base64,{base64.b64encode(source.encode()).decode()}"
        queue += imported
    return json.dumps({"imports": urls})


def _rewrite_imports(path: Path, folder: str) -> tuple[str, list[str]]:
    """The source of a module in `folder` with its imports by path below the assets, and those paths."""
    imported: list[str] = []

    def absolute(match: re.Match[str]) -> str:
        imported.append(posixpath.normpath(posixpath.join(folder, match[2])))
        return f"{match[1]}{imported[-1]}{match[3]}"

    return IMPORT.sub(absolute, path.read_text(encoding="utf-8")), imported
