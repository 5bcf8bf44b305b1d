/* The selection panel: the selection in words, ways to select more, its numbers beside those of all, its images. */

import { Chart } from "./chart.mjs";
import { Chooser } from "../selection/chooser.mjs";
import { Confusion } from "../selection/confusion.mjs";
import { Counts } from "../selection/counts.mjs";
import { make } from "../../common/dom.mjs";
import { count, percent, short } from "../../common/numbers.mjs";
import { section } from "./section.mjs";
import { Grid } from "../selection/grid.mjs";
import { SavedSelections } from "../selection/saved.mjs";
import { describeSelection } from "../selection/description.mjs";

/** @type {Record<string, [title: string, format: (value: number) => string]>} */
const CURVES = {
  accuracy: ["Accuracy", percent],
  sigma: ["σ, distance to own centre", short],
  target_distance: ["Distance to own target", short],
  margin: ["Margin", short],
};
const NOTHING = "Nothing is selected: these are all images. Draw with the lasso over the picture, or choose below.";

export class SelectionPanel {
  static title = "Select";
  static help = "Select images: their numbers beside those of all";

  /** @param {HTMLElement} element @param {import("./panels.mjs").Panels} panels */
  constructor(element, panels) {
    this.panels = panels;
    const { selector, player } = panels;
    this.summary = make("div", { class: "panel-summary" });
    this.problem = make("div", { class: "panel-problem" });
    this.chooser = new Chooser(panels);
    this.saved = new SavedSelections(panels);
    this.grid = new Grid(panels);
    this.counts = new Counts(player, (k) => selector.apply(selector.mode, { kind: "class", classes: [k] }));
    this.confusion = new Confusion(player, (label, decision) => {
      const { classifier, snapshot } = selector.numbers;
      selector.apply(selector.mode, { kind: "decided", classifier, label, decision, snapshot });
    });
    this.charts = Object.fromEntries(
      Object.entries(CURVES).map(([name, [title, format]]) => [name, new Chart(title, panels.go, format)]),
    );
    this.about = make("div", { class: "panel-detail" });
    const charts = Object.values(this.charts).map((chart) => chart.element);
    this.numbers = make("div", {},
      section("Images", this.grid.element),
      section("Classes", this.counts.element),
      section("Confusion", this.about, this.confusion.element),
      section("Accuracy and medians over the epochs", ...charts));
    const choose = section("Select by", this.chooser.element);
    element.replaceChildren(this.summary, this.problem, choose, this.saved.element, this.numbers);
    selector.on("steps", () => (this.grid.start = 0));
    selector.on("numbers", () => this.draw());
    selector.on("problem", (problem) => {
      this.problem.textContent = problem;
      if (panels.open !== this) panels.say(problem);
    });
  }

  /** Called when it is opened, and when what it shows may have changed. */
  show() {
    const { selector } = this.panels;
    selector.isWatched = true;
    this.chooser.draw();
    this.saved.load();
    if (selector.hasNumbersOf(selector.snapshot)) this.draw();
    else if (selector.requestedSnapshot !== selector.snapshot) selector.refresh();
  }

  /** Called when it is closed: while nothing is selected no numbers are needed then. */
  hide() {
    this.panels.selector.isWatched = false;
  }

  draw() {
    const { selector } = this.panels;
    const { numbers } = selector;
    if (!selector.isWatched || !selector.hasNumbers()) return; // a problem says why there are none: it stays
    const { n, n_judged: judged, isAll, classifier, snapshot, epochs, total } = numbers;
    const isEmpty = !isAll && !n;
    this.summary.textContent = isAll ? NOTHING : `${describeSelection(numbers)}.`;
    this.numbers.hidden = isEmpty;
    if (isEmpty) {
      this.problem.textContent = "No image is in this selection now: take the last step back, or select something else.";
      return;
    }
    const left = !isAll && judged < n ? `; ${count(judged)} of them are judged, the others gave the class centres` : "";
    const which = isAll ? `All ${count(total)}` : `${count(n)} of ${count(total)}`;
    this.about.textContent = `${which} images, decided by ${classifier} at epoch ${short(epochs[snapshot])}${left}.`;
    this.grid.load();
    this.counts.draw(numbers);
    this.confusion.draw(numbers);
    for (const [name, chart] of Object.entries(this.charts)) {
      const all = { name: "all", kind: "reference", values: numbers.all[name] };
      const selected = { name: "selected", kind: "main", values: numbers.curves[name] };
      chart.draw(epochs, isAll ? [all] : [all, selected], snapshot);
      chart.element.hidden = numbers.all[name].every((value) => value === null); // a linear head has no targets
    }
  }
}
