/* One image in the picture: its trail, and lines to its neighbours: those that are near in the picture too (kept), those
 * that are not (missing), and those that are near in the picture only (false).
 */

import { setAttributes, setStyle, svg } from "../../common/dom.mjs";

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
    const moved = () => this.schedule();
    this.stops = [player.on("time", moved), player.on("state", moved)];
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
    this.schedule();
  }

  /** Draw at the browser's next frame, after the player. */
  schedule() {
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
    const centre = player.screenOf(shown.row); // also moves the view to the time shown
    const [x, y, width, height] = [view.left, view.top, view.frame.width, view.frame.height]; // the area of the axes
    setAttributes(this.element, { viewBox: `${x} ${y} ${width} ${height}` });
    setStyle(this.element, { left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` });
    const isVisible = Number.isFinite(centre.x);
    this.ring.style.display = isVisible ? "" : "none";
    if (isVisible) setAttributes(this.ring, { cx: centre.x, cy: centre.y });
    for (const { row, line } of this.ends) {
      const end = player.screenOf(row);
      line.style.display = isVisible && Number.isFinite(end.x) ? "" : "none";
      if (isVisible && Number.isFinite(end.x)) setAttributes(line, { x1: centre.x, y1: centre.y, x2: end.x, y2: end.y });
    }
    const places = (shown.trail ?? []).slice(0, view.before + 1).map(([x, y]) => view.fromData({ x, y }));
    const past = [...places, centre].filter(({ x }) => Number.isFinite(x));
    this.trail.setAttribute(
      "d",
      past.length > 1 ? `M${past.map(({ x, y }) => `${x.toFixed(1)},${y.toFixed(1)}`).join("L")}` : "",
    );
  }
}
