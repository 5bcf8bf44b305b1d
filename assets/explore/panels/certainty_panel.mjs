/* The panel of certainty: is the place of an embedding related to being right? In words, in figures, in a table. */

import { choice, fill, make, number, percent, section, short } from "../dom.mjs";
import { Newest, get } from "../http.mjs";

const FIGURES = {
  by_group: "Accuracy from the surest to the least sure tenth",
  risk_coverage: "Wrong among the surest share",
  reliability: "Probability given, and how often it is right",
};
const HEADS = [
  ["", ""],
  ["AURC", "Area under the risk-coverage curve, with its 95 % interval: less is better"],
  ["pairs", "Share of pairs of a right and a wrong image in which the right one is surer: 50 % says nothing"],
  ["ECE", "Expected calibration error of the probabilities"],
];

export class CertaintyPanel {
  /** @param {HTMLElement} element @param {import("./panels.mjs").Finding} finding */
  constructor(element, finding) {
    this.finding = finding;
    this.newest = new Newest((sentence) => {
      this.note.textContent = sentence;
      if (sentence) this.body.hidden = true;
    });
    this.note = make("div", "find-sentence");
    this.words = make("div", "find-words");
    this.place = choice("What is taken for certainty", [], () => this.draw());
    this.knows = make("div", "find-dim");
    this.table = make("table", "find-table");
    this.graphs = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, make("div", "find-graph")]));
    const { by_group: groups, risk_coverage: risk, reliability } = this.graphs;
    this.body = make(
      "div",
      "",
      { hidden: true },
      this.words,
      section("Certainty by", this.place, this.knows, this.table),
      section(FIGURES.by_group, groups),
      section(FIGURES.risk_coverage, risk),
      section(FIGURES.reliability, reliability),
    );
    element.replaceChildren(this.note, this.body);
  }

  async show() {
    const { run, classifier } = this.finding.asked();
    const { now } = this.finding.selector;
    const key = JSON.stringify([run, now, this.finding.player.data.frames.T]);
    this.classifier = classifier;
    if (this.loaded === key) return this.told && this.draw();
    this.loaded = key;
    this.told = null;
    if (this.body.hidden) this.note.textContent = "Measuring…";
    const told = await this.newest.ask((signal) => get("/api/certainty", { run, snapshot: now }, signal));
    if (!told) return;
    this.told = told;
    this.draw();
  }

  remove() {
    this.newest.stop();
  }

  draw() {
    const { certainty, words, figures } = this.told;
    const [one] = certainty.filter(({ classifier }) => classifier === this.classifier);
    const { relations, epoch, n } = one ?? certainty[0];
    fill(
      this.place,
      relations.map(({ place, title }) => [place, title]),
    );
    const place = this.place.value;
    this.words.textContent = `${words[(one ?? certainty[0]).classifier]} (epoch ${short(epoch)}, ${n} images)`;
    const knows = relations.find((relation) => relation.place === place).knows_the_label;
    this.knows.textContent = knows
      ? "This one knows the label: it explains, but cannot be asked of a new image."
      : "This one does not know the label.";
    const rows = certainty.flatMap(({ classifier, relations: each, reliability }) => {
      const relation = each.find((other) => other.place === place);
      if (!relation) return [];
      const { risk, pairs } = relation;
      const interval = make("div", "find-interval", {
        textContent: `${short(risk.aurc_low)} to ${short(risk.aurc_high)}`,
        title: "95 % of as many images drawn again",
      });
      const area = make("td", "", {}, number(risk.aurc, (v) => v.toFixed(4)), interval);
      const cells = [number(pairs, percent), number(reliability.error, percent)].map((cell) =>
        make("td", "", {}, cell),
      );
      return [make("tr", "", {}, make("th", "", { textContent: classifier }), area, ...cells)];
    });
    const heads = HEADS.map(([textContent, title]) => make("th", "", { textContent, title }));
    this.table.replaceChildren(make("tr", "", {}, ...heads), ...rows);
    this.body.hidden = false;
    for (const [name, graph] of Object.entries(this.graphs)) {
      const { data, layout } = name === "reliability" ? figures[name] : figures[name][place];
      globalThis.Plotly?.react(graph, data, { ...layout, autosize: true }, { displayModeBar: false, responsive: true });
    }
  }
}
