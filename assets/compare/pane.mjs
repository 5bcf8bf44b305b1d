/* One of the pictures side by side: choice of the run, its player, whether it is held at an epoch, error messages. */

import { button, make } from "../common/dom.mjs";
import { Card } from "../player/controls/card.mjs";
import { DataError } from "../common/binary.mjs";
import { count, percent } from "../common/numbers.mjs";
import { Picture } from "./picture.mjs";

export const LETTERS = ["A", "B", "C", "D"];

const TOOLTIPS = {
  right: "Share of the images shown that this classifier puts in their class, in D dimensions",
  regions: "Share of the images whose drawn region is what the classifier decides in D dimensions, over the whole run",
  turned:
    "The axes of a projection have no direction of their own: this picture is turned, and mirrored if need be, so that " +
    "its class centres lie as those of A do at the end; distances stay",
};

export class Pane {
  /**
   * @param {HTMLElement} parent of all panes; this one is appended
   * @param {import("./address.mjs").Options} options
   * @param {import("./address.mjs").Content} content
   * @param {{onChoose: () => void, onHold: () => void, onClose: () => void, onReady: () => void}} listeners
   */
  constructor(parent, options, { run, at }, listeners) {
    this.options = options;
    this.run = run;
    this.at = at;
    this.problem = "";
    this.place = 0; // of all panes
    this.letter = make("span", { class: "compare-letter" });
    this.list = make("select", { class: "control-select compare-run", title: "The run that is shown here" });
    this.list.append(new Option("Choose a run", ""), ...options.runs.map(({ id, label }) => new Option(label, id)));
    this.list.addEventListener("change", () => {
      [this.run, this.at] = [this.list.value, null];
      listeners.onChoose();
    });
    this.hold = button("hold", "", () => listeners.onHold(), { class: "compare-button compare-hold" });
    this.close = button("×", "Take this picture away", () => listeners.onClose(), { class: "compare-button" });
    this.stage = make("div", { class: "compare-stage" });
    this.message = make("div", { class: "compare-problem", role: "status" });
    this.foot = make("div", { class: "compare-foot" });
    const head = make("div", { class: "compare-head" }, this.letter, this.list, this.hold, this.close);
    const square = make("div", { class: "compare-square" }, this.stage, this.message);
    this.element = make("section", { class: "compare-pane" }, head, square, this.foot);
    parent.append(this.element); // before the player is made, which takes its colours from the page
    this.picture = new Picture(this.stage, options, listeners.onReady);
    this.card = new Card(this.stage, this.player);
    this.ring = make("div", { class: "compare-ring", hidden: true }); // around the image that is pointed at in another picture
    this.stage.append(this.ring);
    this.player.on("notice", ({ message }) => (this.element.title = message));
  }

  get player() {
    return this.picture.player;
  }

  /** Whether a picture of the run is on the screen, even if it could not be brought up to date. */
  get ready() {
    return this.run !== "" && this.picture.run === this.run;
  }

  /** Set letter and colour, and whether it can be closed. @param {number} i place of the pane @param {number} total of panes */
  setPlace(i, total) {
    this.place = i;
    this.letter.textContent = LETTERS[i];
    this.list.setAttribute("aria-label", `Run ${LETTERS[i]}`);
    this.element.style.setProperty("--tint", this.options.tints[i]);
    this.close.hidden = total <= 2;
  }

  /**
   * Fetch and show the run.
   * @param {Record<string, string>} request the choices of the controls, the same for all pictures
   * @param {Promise<Picture | null> | null} reference the picture with which this one is aligned
   * @returns {Promise<Picture | null>} its picture, or null after an error
   */
  async show(request, reference) {
    if (this.run && !this.options.runs.some(({ id }) => id === this.run)) this.list.add(new Option(this.run, this.run));
    this.list.value = this.run;
    this.problem = this.run ? "" : "Choose a run above";
    if (this.run) {
      this.element.classList.add("is-waiting");
      try {
        await this.picture.show({ ...request, run: this.run }, reference);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        this.problem = error.message;
      }
      this.element.classList.remove("is-waiting");
    }
    this.message.textContent = this.problem;
    this.stage.classList.toggle("is-empty", !this.ready);
    return this.ready && !this.problem ? this.picture : null;
  }

  /** Show an epoch, or the one at which it is held. @param {number} epoch */
  seek(epoch) {
    if (!this.ready) return;
    this.player.seek(this.player.timeline.timeAt(this.at ?? epoch));
  }

  /** Write the line under the picture and the text of its button. */
  describe() {
    this.hold.hidden = !this.ready;
    this.hold.setAttribute("aria-pressed", String(this.at !== null));
    this.hold.textContent = this.at === null ? "hold" : `held at ${formatEpoch(this.at)}`;
    this.hold.title = this.at === null ? "Stay at this epoch while the others go on" : "Go on with the others";
    if (!this.ready) return this.foot.replaceChildren();
    const { frames, classifier, regions, snapshot } = this.picture;
    const parts = [make("span", { textContent: `epoch ${this.player.epoch.toFixed(2)}` })];
    const add = (textContent, title = "") => parts.push(make("span", { textContent, title }));
    add(`snapshot ${snapshot + 1} / ${frames.T}`);
    const right = classifier && percent(this.picture.rightAt(snapshot));
    if (right) add(`${classifier} right for ${right} of ${count(frames.N)}`, TOOLTIPS.right);
    if (regions) add(`regions agree ${percent(regions.agreements[regions.mode])}`, TOOLTIPS.regions);
    if (this.picture.turn) add("turned to lie as A", TOOLTIPS.turned);
    this.foot.replaceChildren(...parts);
  }

  /** Ring an image that is pointed at in another picture; null removes the ring. @param {number | null} row */
  ringImage(row) {
    const place = row === null ? null : this.player.screenOf(row);
    const isVisible = place !== null && Number.isFinite(place.x + place.y);
    this.ring.hidden = !isVisible;
    if (isVisible) Object.assign(this.ring.style, { left: `${place.x}px`, top: `${place.y}px` });
    this.card.show(isVisible ? { index: row, ...place } : null);
  }

  remove() {
    this.picture.remove();
    this.element.remove();
  }
}

export const formatEpoch = (epoch) => epoch.toFixed(2).replace(/\.?0+$/, "");
