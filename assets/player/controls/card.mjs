/* The card beside the pointer: the image, its label and what the classifier says; it never covers its point. */

import { make, showThumbnail } from "../../common/dom.mjs";

const SIDE = 84; // pixels of the enlarged image
const AWAY = 16; // pixels between the point and the card

export class Card {
  /** @param {HTMLElement} stage @param {import("../main.mjs").Player} player */
  constructor(stage, player) {
    this.stage = stage;
    this.player = player;
    /** @type {import("../marks/overlay.mjs").Mark | null} */
    this.mark = null;
    this.image = make("div", { class: "card-image" });
    this.text = make("div", { class: "card-text" });
    this.element = make("div", { class: "card", hidden: true }, this.image, this.text);
    stage.append(this.element);
    player.on("hover", (hovered) => this.show(hovered));
    player.on("mark", (mark) => this.showMark(mark));
  }

  /** @param {{index: number, x: number, y: number} | null} hovered image, and its place on the stage */
  show(hovered) {
    if (!hovered && this.mark) return; // the pointer moved from a point to a target
    this.element.hidden = !hovered;
    if (!hovered) return;
    const about = this.player.describe(hovered.index);
    const { thumbnail } = about;
    this.image.hidden = !thumbnail;
    if (thumbnail) showThumbnail(this.image, thumbnail, SIDE);
    const lines = [line("card-title", about.labelName)];
    if (about.predictionName !== null) {
      const verdict = about.right ? "decided right" : `taken for ${about.predictionName}`;
      const kind = about.unseen ? "card-more" : about.right ? "card-right" : "card-wrong";
      lines.push(line(kind, `${verdict} (${about.classifier})`));
    }
    if (about.unseen) lines.push(line("card-more", "class never trained on"));
    if (about.targetDistance !== null) lines.push(line("card-more", `${about.targetDistance.toPrecision(3)} from its target`));
    if (about.margin !== null) lines.push(line("card-more", `margin ${about.margin.toPrecision(2)}`));
    lines.push(line("card-more", `image ${about.dataIndex ?? about.index}`));
    this.text.replaceChildren(...lines);
    this.place(hovered);
  }

  /** @param {import("../marks/overlay.mjs").Mark | null} mark with its place on the stage */
  showMark(mark) {
    this.mark = mark;
    this.element.hidden = !mark;
    if (!mark) return;
    this.image.hidden = true;
    const name = this.player.data.frames.classNames[mark.class];
    const what = mark.kind === "target" ? "class embedding (moving target)" : "class centre (mean of its images)";
    this.text.replaceChildren(line("card-title", name), line("card-more", what));
    this.place(mark);
  }

  /** @param {{x: number, y: number}} place */
  place({ x, y }) {
    const { offsetWidth, offsetHeight } = this.element;
    const right = x + AWAY + offsetWidth < this.stage.clientWidth;
    const below = y + AWAY + offsetHeight < this.stage.clientHeight;
    this.element.style.left = `${right ? x + AWAY : x - AWAY - offsetWidth}px`;
    this.element.style.top = `${below ? y + AWAY : y - AWAY - offsetHeight}px`;
  }
}

/** @param {string} className @param {string | null} text */
function line(className, text) {
  return make("div", { class: className, textContent: text ?? "" });
}
