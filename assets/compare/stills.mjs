/* One run over time: small still pictures of it, drawn one after the other by a player outside the window. */

import { DataError } from "../common/binary.mjs";
import { button, make } from "../common/dom.mjs";
import { percent } from "../common/numbers.mjs";
import { formatEpoch } from "./pane.mjs";
import { Picture } from "./picture.mjs";

const MAX_STILLS = 12;
const SIDE = 300; // CSS pixels of a picture
const AXES = [56, 58]; // pixels that the player's axes take of its width and height

export class Stills {
  /**
   * @param {HTMLElement} element
   * @param {import("./address.mjs").Options} options
   * @param {(epochs: [number, number]) => void} compare called when two pictures have been picked
   */
  constructor(element, options, compare) {
    this.compare = compare;
    /** @type {import("./picture.mjs").Request | null} */
    this.request = null;
    /** @type {number[]} epochs */
    this.picked = [];
    this.message = make("p", { class: "compare-hint", role: "status" });
    this.grid = make("div", { class: "compare-stills" });
    this.stage = make("div", { class: "compare-offscreen" });
    Object.assign(this.stage.style, { width: `${SIDE + AXES[0]}px`, height: `${SIDE + AXES[1]}px` });
    element.replaceChildren(this.message, this.grid, this.stage);
    this.picture = new Picture(this.stage, options, () => this.show(this.request));
    this.player.set("labels", false);
    this.player.set("pointScale", 0.7);
    this.player.on("legend", () => this.repaint()); // colours have changed, of the classes or of the theme
  }

  get player() {
    return this.picture.player;
  }

  /** @param {import("./picture.mjs").Request} request */
  async show(request) {
    this.request = request;
    this.tiles = [];
    this.message.textContent = "";
    if (!request.run) {
      this.grid.replaceChildren();
      this.message.textContent = "Choose a run above to see it at up to twelve moments of its training.";
      return;
    }
    try {
      await this.player.ready;
      if (!(await this.picture.show(request))) return;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.grid.replaceChildren();
      this.message.textContent = error.message;
      return;
    }
    const { stage } = this.player;
    await stage.axes?.draw(stage.theme); // the axes are now those of this run
    this.message.textContent = "Click two pictures to put these epochs side by side.";
    this.picked = [];
    this.tiles = snapshotsOver(this.picture.frames.T).map((t) => this.tile(t));
    this.grid.replaceChildren(...this.tiles.map(({ still }) => still));
    this.paint();
  }

  tile(t) {
    const { frames, classifier } = this.picture;
    const canvas = make("canvas", { width: SIDE * 2, height: SIDE * 2 });
    const epoch = frames.epochs[t];
    const right = classifier ? ` ${classifier} ${percent(this.picture.rightAt(t))}` : "";
    const name = make("span", {}, make("b", { textContent: `epoch ${formatEpoch(epoch)}` }), right);
    const properties = { class: "compare-still", "aria-pressed": "false" };
    const still = button("", `Snapshot ${t + 1} of ${frames.T}: choose it`, () => this.pick(still, epoch), properties);
    still.append(canvas, name);
    return { t, canvas, still };
  }

  pick(still, epoch) {
    const isPicked = still.getAttribute("aria-pressed") === "true";
    still.setAttribute("aria-pressed", String(!isPicked));
    this.picked = isPicked ? this.picked.filter((other) => other !== epoch) : [...this.picked, epoch];
    const [one, other] = this.picked;
    if (this.picked.length === 2) this.compare([Math.min(one, other), Math.max(one, other)]);
  }

  /** Paint once before the browser's next frame. */
  repaint() {
    this.due ||= requestAnimationFrame(() => {
      this.due = 0;
      this.paint();
    });
  }

  paint() {
    if (!this.player.stage.axes?.ready || !this.tiles?.length || this.player.removed) return;
    for (const { t, canvas } of this.tiles) {
      this.player.seek(t);
      this.player.paint(canvas.getContext("2d"));
    }
  }

  remove() {
    cancelAnimationFrame(this.due);
    this.picture.remove();
  }
}

/** Indices of at most MAX_STILLS of T snapshots, evenly spaced, the first and the last among them. */
function snapshotsOver(T) {
  const count = Math.min(MAX_STILLS, T);
  return Array.from({ length: count }, (_, i) => Math.round((i * (T - 1)) / Math.max(1, count - 1)));
}
