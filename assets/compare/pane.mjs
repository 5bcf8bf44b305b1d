/* One of the pictures side by side: which run, its player, whether it is held at an epoch, and what cannot be shown. */

import { DataError } from "../player/data.mjs";
import { Card } from "../explore/card.mjs";
import { button, make } from "../common/dom.mjs";
import { Picture } from "./picture.mjs";

export const LETTERS = ["A", "B", "C", "D"];

const EXPLAINED = {
  right: "Share of the images shown that this classifier puts in their class, in D dimensions",
  regions: "Share of the images whose drawn region is what the classifier decides in D dimensions, over the whole run",
  turned:
    "The axes of a projection have no direction of their own: this picture is turned, and mirrored if need be, so that " +
    "its class centres lie as those of A do at the end; distances stay",
};

export class Pane {
  /**
   * @param {HTMLElement} place of all panes; it joins them
   * @param {object} offered by the page
   * @param {{run: string, at: number | null}} shown `at` is the epoch it is held at
   * @param {{chosen: () => void, held: () => void, removed: () => void, again: () => void}} tell
   */
  constructor(place, offered, { run, at }, tell) {
    Object.assign(this, { offered, run, at, problem: "" });
    this.letter = make("span", { class: "compare-letter" });
    this.list = make("select", { class: "control-select compare-run", title: "The run that is shown here" });
    this.list.append(new Option("Choose a run", ""), ...offered.runs.map(({ id, label }) => new Option(label, id)));
    this.list.addEventListener("change", () => {
      [this.run, this.at] = [this.list.value, null];
      tell.chosen();
    });
    this.hold = button("hold", "", () => tell.held(), { class: "compare-button compare-hold" });
    this.close = button("×", "Take this picture away", () => tell.removed(), { class: "compare-button" });
    this.stage = make("div", { class: "compare-stage" });
    this.message = make("div", { class: "compare-problem", role: "status" });
    this.foot = make("div", { class: "compare-foot" });
    const head = make("div", { class: "compare-head" }, this.letter, this.list, this.hold, this.close);
    const square = make("div", { class: "compare-square" }, this.stage, this.message);
    this.element = make("section", { class: "compare-pane" }, head, square, this.foot);
    place.append(this.element); // first: the player takes its colours from the page
    this.picture = new Picture(this.stage, offered, tell.again);
    this.card = new Card(this.stage, this.player);
    this.ring = make("div", { class: "compare-ring", hidden: true }); // around the image that is pointed at elsewhere
    this.stage.append(this.ring);
    this.player.on("notice", ({ message }) => (this.element.title = message));
  }

  get player() {
    return this.picture.player;
  }

  /** Whether there is a picture of the run; something may be wrong with it all the same. */
  get ready() {
    return this.run !== "" && this.picture.run === this.run;
  }

  /** Its letter and colour, and whether it can be taken away. */
  setPlace(i, many) {
    this.place = i;
    this.letter.textContent = LETTERS[i];
    this.list.setAttribute("aria-label", `Run ${LETTERS[i]}`);
    this.element.style.setProperty("--tint", this.offered.tints[i]);
    this.close.hidden = many <= 2;
  }

  /**
   * Fetch and show it.
   * @param {object} asked what all pictures have in common
   * @param {Promise<Picture | null> | null} onto the picture as which this one lies
   * @returns {Promise<Picture | null>} its own, if nothing is wrong with it
   */
  async show(asked, onto) {
    if (this.run && !this.offered.runs.some(({ id }) => id === this.run)) this.list.add(new Option(this.run, this.run));
    this.list.value = this.run;
    this.problem = this.run ? "" : "Choose a run above";
    if (this.run) {
      this.element.classList.add("is-waiting");
      try {
        await this.picture.show({ ...asked, run: this.run }, onto);
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

  /** Show an epoch, or the one it is held at. */
  seek(epoch) {
    if (!this.ready) return;
    this.player.seek(this.player.timeline.timeAt(this.at ?? epoch));
  }

  /** What is said under the picture and on its button. */
  tell() {
    this.hold.hidden = !this.ready;
    this.hold.setAttribute("aria-pressed", this.at !== null);
    this.hold.textContent = this.at === null ? "hold" : `held at ${told(this.at)}`;
    this.hold.title = this.at === null ? "Stay at this epoch while the others go on" : "Go on with the others";
    if (!this.ready) return this.foot.replaceChildren();
    const { frames, classifier, regions, snapshot } = this.picture;
    const parts = [make("span", { textContent: `epoch ${this.player.epoch.toFixed(2)}` })];
    const say = (textContent, title = "") => parts.push(make("span", { textContent, title }));
    say(`snapshot ${snapshot + 1} / ${frames.T}`);
    const right = classifier && percent(this.picture.rightAt(snapshot));
    if (right) say(`${classifier} right for ${right} of ${frames.N.toLocaleString("en")}`, EXPLAINED.right);
    if (regions) say(`regions agree ${percent(regions.agreements[regions.mode])}`, EXPLAINED.regions);
    if (this.picture.turned) say("turned to lie as A", EXPLAINED.turned);
    this.foot.replaceChildren(...parts);
  }

  /** Point at an image that is pointed at in another picture; null: at none. @param {number | null} row */
  pointAt(row) {
    const place = row === null ? null : this.player.screenOf(row);
    const isSeen = place !== null && Number.isFinite(place.x + place.y);
    this.ring.hidden = !isSeen;
    if (isSeen) Object.assign(this.ring.style, { left: `${place.x}px`, top: `${place.y}px` });
    this.card.show(isSeen ? { index: row, ...place } : null);
  }

  remove() {
    this.picture.remove();
    this.element.remove();
  }
}

export const percent = (share) => `${(100 * share).toFixed(1)} %`;
export const told = (epoch) => epoch.toFixed(2).replace(/\.?0+$/, "");
