/* One run over time: still pictures of it, drawn one after the other by a player that is not seen. */

import { DataError } from "../player/data.mjs";
import { button, make } from "../common/dom.mjs";
import { percent, told } from "./pane.mjs";
import { Picture } from "./picture.mjs";

const MOST = 12;
const SIDE = 300; // CSS pixels that a picture is drawn at
const AXES = [56, 58]; // pixels that the player's axes take of its width and height

export class Stills {
  /**
   * @param {HTMLElement} element
   * @param {object} offered by the page
   * @param {(epochs: [number, number]) => void} compare two of the pictures were chosen
   */
  constructor(element, offered, compare) {
    Object.assign(this, { compare, asked: null, picked: [] });
    this.message = make("p", { class: "compare-hint", role: "status" });
    this.grid = make("div", { class: "compare-stills" });
    this.stage = make("div", { class: "compare-unseen" });
    Object.assign(this.stage.style, { width: `${SIDE + AXES[0]}px`, height: `${SIDE + AXES[1]}px` });
    element.replaceChildren(this.message, this.grid, this.stage);
    this.picture = new Picture(this.stage, offered, () => this.show(this.asked));
    for (const [name, value] of [["labels", false], ["pointScale", 0.7]]) this.player.set(name, value);
    this.player.on("legend", () => this.repaint()); // colours have changed, or the page's
  }

  get player() {
    return this.picture.player;
  }

  /** @param {import("./picture.mjs").Asked} asked */
  async show(asked) {
    this.asked = asked;
    this.tiles = [];
    this.message.textContent = "";
    if (!asked.run) {
      this.grid.replaceChildren();
      this.message.textContent = "Choose a run above to see it at up to twelve moments of its training.";
      return;
    }
    try {
      await this.player.ready;
      if (!(await this.picture.show(asked))) return;
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      this.grid.replaceChildren();
      this.message.textContent = error.message;
      return;
    }
    const { stage } = this.player;
    await stage.axes?.draw(stage.theme); // the axes lie on this run now
    this.message.textContent = "Click two pictures to put these epochs side by side.";
    this.picked = [];
    this.tiles = moments(this.picture.frames.T).map((t) => this.tile(t));
    this.grid.replaceChildren(...this.tiles.map(({ still }) => still));
    this.paint();
  }

  tile(t) {
    const { frames, classifier } = this.picture;
    const canvas = make("canvas", { width: SIDE * 2, height: SIDE * 2 });
    const epoch = frames.epochs[t];
    const right = classifier ? ` ${classifier} ${percent(this.picture.rightAt(t))}` : "";
    const name = make("span", {}, make("b", { textContent: `epoch ${told(epoch)}` }), right);
    const properties = { class: "compare-still", "aria-pressed": "false" };
    const still = button("", `Snapshot ${t + 1} of ${frames.T}: choose it`, () => this.pick(still, epoch), properties);
    still.append(canvas, name);
    return { t, canvas, still };
  }

  pick(still, epoch) {
    const isChosen = still.getAttribute("aria-pressed") === "true";
    still.setAttribute("aria-pressed", !isChosen);
    this.picked = isChosen ? this.picked.filter((other) => other !== epoch) : [...this.picked, epoch];
    if (this.picked.length === 2) this.compare([...this.picked].sort((x, y) => x - y));
  }

  /** Once before the browser's next frame. */
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

/** At most so many snapshots, evenly, the first and the last among them. */
function moments(T) {
  const count = Math.min(MOST, T);
  return Array.from({ length: count }, (_, i) => Math.round((i * (T - 1)) / Math.max(1, count - 1)));
}
