"""The player as one HTML file that needs neither a server nor a network; the film's page is made of the same parts."""

from __future__ import annotations

import base64
import gzip
import html
import json
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from flask import Flask

from explorer import words
from explorer.export.entry import PICTURE, Export, Options, Row
from explorer.export.modules import build_import_map
from explorer.export.scene import ExportRequest, Progress, Scene, load_scene
from explorer.space import encoding, routes
from explorer.space.projections import PROJECTIONS
from explorer.space.views import Views
from explorer.web import binary, standalone
from explorer.web.paths import assets_folder
from mtm.data import DATASETS
from mtm.errors import InputError, choose_from
from mtm.run_folder.files import jsonable, write_bytes

THEMES = ("auto", "light", "dark")
PAPER = "A Geometric Approach to Image Classification using Neural Networks with Class Embeddings"

BODY = """<header class="page-head"><h1>{title}</h1><span id="subtitle">{subtitle}</span>
<span class="page-right"><span id="now"></span><button type="button" id="theme" title="Light or dark"></button></span>
</header>
<main class="page-body">
<section class="page-controls" aria-label="What is shown">
<label title="Whose decisions colour regions and points">Decide by<select id="classifier"></select></label>
<label title="What the colour of a point tells">Colour points by<select id="colour"></select></label>
<div id="marks"></div>
<p id="regions"></p>
<div id="legend"></div>
</section>
<div id="stage"></div>
</main>
<div id="timeline"></div>
<footer class="page-foot"><span>Space: play. Arrows: step. Wheel: zoom. Drag: move. Double click: all.</span>
<span id="notice" role="status"></span><span>{credits}</span></footer>
{data}
<script type="module">import "export/page.mjs";</script>"""


def build_page(views: Views, scene: Scene, theme: str = "auto") -> bytes:
    """The page of a scene, with regions for every classifier: of the requested mode, or the best where it has none."""
    if theme not in THEMES:
        raise choose_from("theme", theme, THEMES)
    client = _Client(views, scene)
    data = client.responses()
    names = list(scene.snapshots[0].predictions)
    region_sentences = {}
    for name in names if scene.request.regions != "off" else ():
        data[f"regions-{name}"], region_sentences[name] = client.regions(name)
    thumbnails = scene.run.points.thumbnails
    about = {
        "theme": theme,
        "options": player_options(scene),
        "classifiers": names,
        "classifierNames": {name: words.CLASSIFIERS[name].name for name in names},
        "regions": region_sentences,
        "time": None if scene.request.epoch is None else scene.time,
    }
    assets = assets_folder()
    sheets = ("explorer.css", "explore/explore.css", "export/page.css")
    style = "\n".join((assets / name).read_text(encoding="utf-8") for name in sheets)
    body = BODY.format(
        title=html.escape(scene.title),
        subtitle=html.escape(subtitle(scene)),
        credits=html.escape(credits(scene)),
        data=embed_data(about, data, None if thumbnails is None else encoding.sprite_sheet(thumbnails)),
    )
    modules = f'<script type="importmap">{build_import_map("export/page.mjs")}</script>'
    return standalone.fill_page(scene.title, style, modules, body, "data:").encode()


def embed_data(about: dict[str, Any], data: dict[str, bytes], sprite: bytes | None = None) -> str:
    """The script elements that assets/export/embedded_data.mjs unpacks: JSON, `web.binary` responses, thumbnails."""
    about_json = json.dumps(jsonable(about)).replace("<", "\\u003c")
    parts = [words.as_script(), f'<script type="application/json" id="about">{about_json}</script>']
    for name, content in data.items():
        encoded = base64.b64encode(gzip.compress(content, 6, mtime=0)).decode()
        parts.append(f'<script type="text/plain" id="data-{name}">{encoded}</script>')
    if sprite is not None:
        parts.append(f'<script type="text/plain" id="data-sprite">{base64.b64encode(sprite).decode()}</script>')
    return "\n".join(parts)


def load_film_data(views: Views, scene: Scene) -> dict[str, bytes]:
    """The binary responses from which the film of a scene is drawn."""
    client = _Client(views, scene)
    data = client.responses()
    if scene.mode != "off":
        data["regions"] = client.fetch("regions", classifier=scene.classifier, mode=scene.mode)
    return data


def player_options(scene: Scene) -> dict[str, Any]:
    """The player's options (assets/player/options.mjs) for a scene."""
    request = scene.request
    marks = {name: name in request.marks for name in words.MARKS}
    classes = {"hidden": request.hidden, "solo": request.solo, "focus": request.focus}
    return {"colour": request.colour, "classifier": scene.classifier, "camera": scene.camera, **classes, **marks}


def subtitle(scene: Scene) -> str:
    """The line under the title: view and number of images."""
    return f"{PROJECTIONS[scene.frames.method].caption} · {scene.count}"


def credits(scene: Scene) -> str:
    """The sources of images and method."""
    config = scene.run.config
    source = DATASETS.get(config.dataset) if config is not None else None
    images = "" if source is None else f"Images: {source.title}. "
    return f"{images}Method: {PAPER} (Bonderup et al.). Made with Moving targets {version('moving-targets')}."


class _Client:
    """Fetches for a scene what the Explore page fetches, from the same routes, within the process."""

    def __init__(self, views: Views, scene: Scene) -> None:
        flask = Flask(__name__)
        routes.register(flask, views)
        self.client = flask.test_client()
        picture = scene.picture
        options = {k: ",".join(map(str, v)) if isinstance(v, tuple) else v for k, v in picture.options.items()}
        self.query = {"run": picture.run, "view": picture.method, **options, "n": len(scene.frames.epochs)}
        self.mode, self.epochs = scene.request.regions, scene.frames.epochs.tolist()

    def responses(self) -> dict[str, bytes]:
        """Frames and attributes. Raises InputError if the run has grown since the scene was loaded."""
        responses = {name: self.fetch(name) for name in ("frames", "attributes")}
        if binary.decode(responses["frames"])[1]["epochs"] != self.epochs:
            raise InputError("the run has grown while it was read; export it again")
        return responses

    def fetch(self, what: str, **parameters: str) -> bytes:
        """One response. Raises InputError with the sentence that the page would show."""
        response = self.client.get(f"/api/{what}?{urlencode(self.query | parameters)}")
        if response.status_code != 200:
            raise InputError((response.get_json(silent=True) or {}).get("error", f"{what}: {response.status}"))
        return bytes(response.data)

    def regions(self, classifier: str) -> tuple[bytes, str]:
        """The regions of a classifier, and a sentence about them."""
        try:
            response = self.fetch("regions", classifier=classifier, mode=self.mode)
        except InputError:  # this classifier has no regions of that kind
            response = self.fetch("regions", classifier=classifier, mode="best")
        about = binary.decode(response)[1]
        mode = about["mode"]
        agreement = about["agreements"][mode]
        return (
            response,
            f"Regions: {words.REGIONS[mode].caption}; over the run they agree with {agreement:.0%} of the decisions.",
        )


def _write(views: Views, request: ExportRequest, path: Path, options: Options, on_progress: Progress) -> None:
    scene = load_scene(views, request, on_progress)
    write_bytes(path, build_page(views, scene, **options.arguments("theme")))


EXPORT = Export(
    noun="page",
    help="the player as one page that opens from disk.",
    menu=(Row("Page that plays by itself"),),
    kinds={"html": "text/html"},
    options=(*PICTURE, "epoch", "theme"),
    write=_write,
)
