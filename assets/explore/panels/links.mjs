/* One image in the picture: its trail, and lines to its neighbours: kept, missing far away, false and near. */

import { svg } from "../dom.mjs";

export class Links {
  /** @param {import("../../player/main.mjs").Player} player */
  constructor(player) {
    this.player = player;
    this.shown = null;
    this.pending = 0;
    this.trail = svg("path", { class: "links-trail" });
    this.lines = svg("g");
    this.ring = svg("circle", { class: "links-ring", r: 9 });
    this.element = svg("svg", { class: "links" }, this.trail, this.lines, this.ring);
    player.element.append(this.element);
    const moved = () => this.ask();
    this.stops = ["time", "state"].map((event) => player.on(event, moved));
    const size = new ResizeObserver(moved);
    size.observe(player.element);
    this.stops.push(() => size.disconnect());
    player.ready.then(() => {
      for (const event of ["plotly_relayout", "plotly_relayouting"]) player.stage.plot.on?.(event, moved);
    });
  }

  remove() {
    cancelAnimationFrame(this.pending);
    for (const stop of this.stops) stop();
    this.element.remove();
  }

  /** @param {{row: number, trail?: number[][], kept?: number[], missing?: number[], false?: number[]} | null} shown */
  show(shown) {
    this.shown = shown;
    const kinds = ["kept", "missing", "false"];
    const lines = kinds.flatMap((kind) =>
      (shown?.[kind] ?? []).map((row) => ({ row, line: svg("line", { class: `links-${kind}` }) })),
    );
    this.ends = lines;
    this.lines.replaceChildren(...lines.map(({ line }) => line));
    this.ask();
  }

  /** Draw at the browser's next frame, after the player. */
  ask() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      this.draw();
    });
  }

  draw() {
    const { shown, player } = this;
    this.element.style.display = shown ? "" : "none";
    if (!shown || shown.row >= player.data.frames.N) return;
    const { view } = player.stage;
    const here = player.screenOf(shown.row); // brings the view to this moment
    const [x, y, width, height] = [view.left, view.top, view.frame.width, view.frame.height]; // as far as the axes go
    put(this.element, { viewBox: `${x} ${y} ${width} ${height}` });
    Object.assign(this.element.style, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    const isThere = Number.isFinite(here.x);
    this.ring.style.display = isThere ? "" : "none";
    if (isThere) put(this.ring, { cx: here.x, cy: here.y });
    for (const { row, line } of this.ends) {
      const there = player.screenOf(row);
      line.style.display = isThere && Number.isFinite(there.x) ? "" : "none";
      if (isThere && Number.isFinite(there.x)) put(line, { x1: here.x, y1: here.y, x2: there.x, y2: there.y });
    }
    const places = (shown.trail ?? []).slice(0, view.before + 1).map(([x, y]) => view.fromData({ x, y }));
    const past = [...places, here].filter(({ x }) => Number.isFinite(x));
    this.trail.setAttribute(
      "d",
      past.length > 1 ? `M${past.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}` : "",
    );
  }
}

function put(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}
