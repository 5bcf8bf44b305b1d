/* The preview: images before and after the transform, time and disk, and the command line of the same training. */

import { button, make } from "../common/dom.mjs";
import { bytes, count } from "../common/numbers.mjs";

/** @typedef {import("./answers.d.ts").Check} Check */

export class Preview {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.images = make("div", { class: "preview-images" });
    this.facts = make("div", { class: "preview-facts" });
    this.account = make("ul", { class: "preview-account train-help" });
    this.figures = make("div", { class: "preview-figures" });
    this.command = make("code", { id: "train-command", tabIndex: 0 });
    this.copy = button("Copy", "Copy the line: it trains the same from a terminal", () => this._copy(), { class: "train-button" });
    const line = make("div", { class: "preview-command" }, this.command, this.copy);
    root.replaceChildren(make("h2", { class: "train-title", textContent: "What will happen" }), this.images, this.facts, this.account, this.figures, line);
    this.imagesKey = ""; // of the images on the page
  }

  /** @param {Check} answer one with problems leaves the preview as it is, dimmed */
  show(answer) {
    const root = this.command.closest(".train-preview");
    root.classList.toggle("is-stale", !answer.command);
    if (!answer.command) return;
    this.command.textContent = answer.command;
    this._images(answer);
    const { sizes } = answer;
    this.facts.textContent = sizes
      ? `${count(sizes.train)} training and ${count(sizes.test)} test images of ${sizes.n_classes} classes; the network sees ${sizes.width} × ${sizes.height} pixels, ${sizes.channels === 1 ? "grey" : "in colour"}`
      : "";
    this.account.replaceChildren(...(answer.look?.account ?? []).map((textContent) => make("li", { textContent })));
    this._figures(answer);
  }

  /** @param {Check} answer */
  _images({ look, missing, pending }) {
    const key = look ? look.after.join() + look.before.join() : (missing ?? pending ?? "");
    if (key === this.imagesKey) return;
    this.imagesKey = key;
    this.images.classList.toggle("is-missing", Boolean(missing));
    if (!look) {
      const text = missing ? `Not on disk yet: it will be downloaded into ${missing} when the training starts.` : pending ? "Looking at the images …" : "";
      this.images.replaceChildren(make("p", { class: "train-help", textContent: text }));
      return;
    }
    const row = (title, sources) =>
      make("div", { class: "preview-row" }, make("span", { class: "train-help", textContent: title }),
        ...sources.map((src, i) => make("img", { src, alt: `${look.shown[i]}, ${title}`, title: look.shown[i], width: 44, height: 44 }))); // prettier-ignore
    const rows = [row(`stored, ${look.size_before.join(" × ")}`, look.before)];
    if (look.after.length) rows.push(row(`trained on, ${look.width} × ${look.height}`, look.after));
    rows.push(make("div", { class: "preview-row preview-names" }, make("span"), ...look.shown.map((name) => make("span", { textContent: name, title: name }))));
    this.images.replaceChildren(...rows);
  }

  /** @param {Check} answer */
  _figures({ estimate, pending, busy, device, speed }) {
    const figure = (value, what, title) =>
      make("div", { class: "preview-figure", title }, make("strong", { textContent: value }), make("span", { class: "train-help", textContent: what }));
    if (!estimate) {
      const why = busy ? "How long it takes is measured when nothing trains." : pending === "measuring the speed" ? "Measuring how fast this network trains here …" : "";
      this.figures.replaceChildren(make("p", { class: "train-help", textContent: why }));
      return;
    }
    this.figures.replaceChildren(
      figure(`about ${estimate.time}`, `on ${device}, to the last epoch`, `${count(Math.round(speed.images_per_second))} images/s, measured on this machine`),
      figure(count(estimate.snapshots), "snapshots", "Recorded moments, the untrained network among them"),
      figure(bytes(estimate.bytes), "on disk", "Snapshots, and the weights needed to resume"),
      figure(count(speed.parameters), "parameters", "Of the network and the targets"),
    );
  }

  async _copy() {
    try {
      await navigator.clipboard.writeText(this.command.textContent);
      this.copy.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(this.command); // no clipboard at this address: the line is selected instead
      this.copy.textContent = "Selected";
    }
    setTimeout(() => (this.copy.textContent = "Copy"), 1500);
  }
}
