/* The certainty panel: is the place of an embedding related to being right? In words, in figures, in a table. */

import { choice, fillChoices, make, number } from "../../common/dom.mjs";
import { percent, sentence, short } from "../../common/numbers.mjs";
import { section } from "./section.mjs";
import { NewestRequest, get } from "../../common/http.mjs";

/** @typedef {{place: string, title: string, knows_the_label: boolean, pairs: number, risk: {aurc: number, aurc_low: number, aurc_high: number}}} Relation */
/** @typedef {{classifier: string, epoch: number, n: number, relations: Relation[], reliability: {error: number}}} Certainty */
/** @typedef {{data: object[], layout: object}} Figure of Plotly */
/**
 * @typedef {object} Answer of `/api/certainty`
 * @property {Certainty[]} certainty by classifier
 * @property {Record<string, string>} words by classifier
 * @property {{by_group: Record<string, Figure>, risk_coverage: Record<string, Figure>, reliability: Figure}} figures by place, or one
 */

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
  static title = "Certainty";
  static help = "Whether the place of an embedding says that it is right";

  /** @param {HTMLElement} element @param {import("./panels.mjs").Panels} panels */
  constructor(element, panels) {
    this.panels = panels;
    this.request = new NewestRequest((problem) => {
      this.note.textContent = sentence(problem);
      if (problem) this.body.hidden = true;
    });
    this.note = make("div", { class: "panel-problem" });
    this.summary = make("div", { class: "panel-summary" });
    this.place = choice("What is taken for certainty", [], () => this.draw(), { class: "panel-choice" });
    this.labelNote = make("div", { class: "panel-detail" });
    this.table = make("table", { class: "certainty-table" });
    this.graphs = Object.fromEntries(Object.keys(FIGURES).map((name) => [name, make("div", { class: "certainty-graph" })]));
    const { by_group: groups, risk_coverage: risk, reliability } = this.graphs;
    this.body = make("div", { hidden: true },
      this.summary,
      section("Certainty by", this.place, this.labelNote, this.table),
      section(FIGURES.by_group, groups),
      section(FIGURES.risk_coverage, risk),
      section(FIGURES.reliability, reliability));
    element.replaceChildren(this.note, this.body);
  }

  async show() {
    const { run, classifier } = this.panels.current();
    const { snapshot } = this.panels.selector;
    const key = JSON.stringify([run, snapshot, this.panels.player.data.frames.T]);
    this.classifier = classifier;
    if (this.loaded === key) return this.answer && this.draw();
    this.loaded = key;
    this.answer = null;
    if (this.body.hidden) this.note.textContent = "Measuring…";
    /** @type {Answer | null} */
    const answer = await this.request.send((signal) => get("/api/certainty", { run, snapshot }, signal));
    if (!answer) return;
    this.answer = answer;
    this.draw();
  }

  remove() {
    this.request.stop();
  }

  draw() {
    const { certainty, words, figures } = this.answer;
    const [one] = certainty.filter(({ classifier }) => classifier === this.classifier);
    const { relations, epoch, n } = one ?? certainty[0];
    fillChoices(this.place, relations.map(({ place, title }) => [place, title]));
    const place = this.place.value;
    this.summary.textContent = `${words[(one ?? certainty[0]).classifier]} (epoch ${short(epoch)}, ${n} images)`;
    const knowsLabel = relations.find((relation) => relation.place === place).knows_the_label;
    this.labelNote.textContent = knowsLabel
      ? "This one knows the label: it explains, but cannot be asked of a new image."
      : "This one does not know the label.";
    const rows = certainty.flatMap((each) => this.row(each, place));
    const heads = HEADS.map(([textContent, title]) => make("th", { textContent, title }));
    this.table.replaceChildren(make("tr", {}, ...heads), ...rows);
    this.body.hidden = false;
    for (const [name, graph] of Object.entries(this.graphs)) {
      const { data, layout } = name === "reliability" ? figures[name] : figures[name][place];
      globalThis.Plotly?.react(graph, data, { ...layout, autosize: true }, { displayModeBar: false, responsive: true });
    }
  }

  /** The row of a classifier in the table, none where it does not know the place. @param {Certainty} certainty @param {string} place */
  row({ classifier, relations, reliability }, place) {
    const relation = relations.find((other) => other.place === place);
    if (!relation) return [];
    const { risk, pairs } = relation;
    const range = `${short(risk.aurc_low)} to ${short(risk.aurc_high)}`;
    const interval = make("div", { class: "certainty-interval", textContent: range, title: "95 % of as many images drawn again" });
    const area = make("td", {}, number(risk.aurc, (v) => v.toFixed(4)), interval);
    const cells = [pairs, reliability.error].map((share) => make("td", {}, number(share, percent)));
    return [make("tr", {}, make("th", { textContent: classifier }), area, ...cells)];
  }
}
