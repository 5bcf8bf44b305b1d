/* The panel of the selection: what is selected and how to select more, its numbers beside those of all, its images. */

import { Chart } from "./chart.mjs";
import { Chooser } from "../selection/chooser.mjs";
import { Confusion } from "../selection/confusion.mjs";
import { Counts } from "../selection/counts.mjs";
import { make, percent, section, short, whole } from "../dom.mjs";
import { Grid } from "../selection/grid.mjs";
import { Saved } from "../selection/saved.mjs";
import { inWords } from "../selection/description.mjs";

const CURVES = {
  accuracy: ["Accuracy", percent],
  sigma: ["σ, distance to own centre", short],
  target_distance: ["Distance to own target", short],
  margin: ["Margin", short],
};
const NOTHING = "Nothing is selected: these are all images. Draw with the lasso over the picture, or choose below.";

export class SelectPanel {
  /** @param {HTMLElement} element @param {import("./panels.mjs").Finding} finding */
  constructor(element, finding) {
    this.finding = finding;
    const { selector, player } = finding;
    this.words = make("div", "find-words");
    this.problem = make("div", "find-sentence");
    this.chooser = new Chooser(finding);
    this.saved = new Saved(finding);
    this.grid = new Grid(finding);
    this.counts = new Counts(player, (k) => selector.then(selector.mode, { kind: "class", classes: [k] }));
    this.confusion = new Confusion(player, (label, decision) => {
      const { classifier, snapshot } = selector.latest;
      selector.then(selector.mode, { kind: "decided", classifier, label, decision, snapshot });
    });
    this.charts = Object.fromEntries(
      Object.entries(CURVES).map(([name, [title, format]]) => [name, new Chart(title, finding.go, format)]),
    );
    this.about = make("div", "find-dim");
    const charts = Object.values(this.charts).map((chart) => chart.element);
    this.numbers = make(
      "div",
      "",
      {},
      section("Images", this.grid.element),
      section("Classes", this.counts.element),
      section("Confusion", this.about, this.confusion.element),
      section("Accuracy and medians over the epochs", ...charts),
    );
    element.replaceChildren(
      this.words,
      this.problem,
      section("Select by", this.chooser.element),
      this.saved.element,
      this.numbers,
    );
    selector.on("steps", () => (this.grid.start = 0));
    selector.on("numbers", () => this.draw());
    selector.on("problem", (problem) => (this.problem.textContent = problem));
  }

  /** It is open, or what it shows may have changed. */
  show() {
    const { selector } = this.finding;
    selector.isWatched = true;
    this.chooser.draw();
    this.saved.load();
    if (selector.latest?.snapshot === selector.now) this.draw();
    else if (selector.snapshot !== selector.now) selector.refresh();
  }

  /** It was closed: while nothing is selected nothing needs to be asked for. */
  hide() {
    this.finding.selector.isWatched = false;
  }

  draw() {
    const { selector } = this.finding;
    const { latest: numbers } = selector;
    if (!selector.isWatched || !numbers) return;
    const { n, n_judged: judged, isAll, classifier, snapshot, epochs, total } = numbers;
    const isEmpty = !isAll && !n;
    this.words.textContent = isAll ? NOTHING : `${inWords(numbers)}.`;
    this.numbers.hidden = isEmpty;
    if (isEmpty)
      this.problem.textContent =
        "No image is in this selection now: take the last step back, or select something else.";
    if (isEmpty) return;
    const left = !isAll && judged < n ? `; ${whole(judged)} of them are judged, the others gave the class centres` : "";
    const which = isAll ? `All ${whole(total)}` : `${whole(n)} of ${whole(total)}`;
    this.about.textContent = `${which} images, decided by ${classifier} at epoch ${short(epochs[snapshot])}${left}.`;
    this.grid.load();
    this.counts.draw(numbers);
    this.confusion.draw(numbers);
    for (const [name, chart] of Object.entries(this.charts)) {
      const all = { name: "all", kind: "all", values: numbers.all[name] };
      const chosen = { name: "selected", kind: "chosen", values: numbers.curves[name] };
      chart.draw(epochs, isAll ? [all] : [all, chosen], snapshot);
      chart.element.hidden = numbers.all[name].every((value) => value === null); // a linear head has no targets
    }
  }
}
