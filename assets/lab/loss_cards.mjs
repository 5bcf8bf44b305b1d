/* The right column: per loss its formula, the value and its terms, the equilibrium of the moved point, and remarks. */

import { make, prose } from "../common/dom.mjs";
import { precise } from "../common/numbers.mjs";
import { LETTERS } from "./state.mjs";

/** @typedef {import("./state.mjs").Place} Place */

/** @typedef {import("./panel.mjs").Forces} Forces */

export class Side {
  /** @param {HTMLElement} host @param {import("./state.mjs").Catalogue} catalogue */
  constructor(host, catalogue) {
    this.host = host;
    this.catalogue = catalogue;
    /** @type {ReturnType<Side["makeCard"]>[]} */
    this.cards = [];
  }

  /** Build the cards of the state's losses. @param {import("./state.mjs").State} state */
  build({ losses }) {
    this.cards = losses.map(({ name }, i) => this.makeCard(name, i, losses.length > 1 ? `${LETTERS[i]} · ` : ""));
    this.host.replaceChildren(...this.cards.map(({ element }) => element));
  }

  /** @param {string} name @param {number} i @param {string} letter */
  makeCard(name, i, letter) {
    const entry = this.catalogue.losses.find((loss) => loss.name === name);
    const parts = {
      formula: make("div", { class: "lab-formula" }),
      value: make("div", { class: "lab-value", id: `lab-value-${i}` }),
      terms: make("div", { class: "lab-terms" }),
      now: make("div", { class: "lab-terms", id: `lab-forces-${i}` }),
      rest: make("p", { class: "lab-words", id: `lab-rest-${i}` }),
      remarks: make("div", { class: "lab-remarks", id: `lab-remarks-${i}` }),
    };
    const { formula, value, terms, now, rest, remarks } = parts;
    if (entry?.formula) formula.innerHTML = entry.formula; // MathML of ours, not of the user's
    else formula.textContent = entry?.about || name;
    const equation = make("span", { class: "lab-quiet", textContent: entry ? ` ${entry.equation}` : "" });
    const element = make("section", { class: "lab-card" },
      make("h3", {}, `${letter}${entry?.label ?? name}`, equation),
      formula, value, terms, now, make("h4", { textContent: "Where it comes to rest" }), rest, remarks);
    return { ...parts, element };
  }

  /**
   * The value between the grid's values, at once; the exact one follows.
   * @param {number} i
   * @param {number | null} value null: no pointer
   * @param {Place | null} [place]
   */
  setValue(i, value, place) {
    const card = this.cards[i];
    if (!card) return;
    card.value.replaceChildren(...(value === null
      ? [make("span", { class: "lab-quiet", textContent: "Point at the landscape to read its value." })]
      : [make("strong", { textContent: precise(value) }), make("span", { class: "lab-quiet", textContent: ` at ${place.map((v) => Number(v.toPrecision(3))).join(", ")}` })]));
    if (value === null) card.terms.replaceChildren();
  }

  /**
   * The exact value and its terms, from the server.
   * @param {number} i
   * @param {{terms?: [string, number | null][], error?: string}} answer
   */
  setTerms(i, { terms, error }) {
    const card = this.cards[i];
    if (!card) return;
    if (error) {
      card.terms.textContent = error;
      return;
    }
    const strong = card.value.querySelector("strong");
    if (strong) {
      strong.textContent = precise(terms[0][1] ?? NaN);
      strong.dataset.exact = String(terms[0][1]);
    }
    card.terms.replaceChildren(...terms.slice(1).map(([name, value]) => row(name, precise(value ?? NaN))));
  }

  /**
   * Show the words and forces of a landscape.
   * @param {number} i
   * @param {import("./scene.mjs").PanelMeta} about
   * @param {Forces | null} forces
   * @param {Forces | null} first the forces of the first loss, if this is another
   * @param {{chosen: number, label: number, loss: number | undefined}} of the embedding that the picture is about
   */
  setLandscape(i, about, forces, first, { chosen, label, loss }) {
    const card = this.cards[i];
    if (!card) return;
    card.rest.replaceChildren(...prose(about.rest?.words ?? ""));
    card.remarks.replaceChildren(...[about.error, about.problem, ...(about.remarks ?? [])].filter(Boolean).map((text) =>
      make("p", { class: text === about.error || text === about.problem ? "lab-wrong" : "lab-remark" }, ...prose(text))));
    const rows = forces && [
      ...(loss === undefined ? [] : [row("loss now", precise(loss))]),
      ...forceRows("force on e", forces.e[chosen], first?.e[chosen]),
      ...forceRows("force on c_e", forces.c[label], first?.c[label]),
    ];
    card.now.replaceChildren(...(rows ?? []));
  }
}

/** @param {string} name @param {Place} force @param {Place | undefined} other the first loss's */
function forceRows(name, force, other) {
  const own = row(name, precise(Math.hypot(...force)));
  return other ? [own, row("  differs from A by", difference(force, other))] : [own];
}

/** "3.2, turned by 24°": the length of the difference of two forces, and the angle between them. @param {Place} a @param {Place} b */
function difference(a, b) {
  const length = Math.hypot(a[0] - b[0], a[1] - b[1]);
  const turn = Math.atan2(b[0] * a[1] - b[1] * a[0], a[0] * b[0] + a[1] * b[1]);
  const turned = Math.hypot(...a) > 0 && Math.hypot(...b) > 0 ? `, turned by ${Math.round((Math.abs(turn) * 180) / Math.PI)}°` : "";
  return precise(length) + turned;
}

/** @param {string} name @param {string} value */
function row(name, value) {
  return make("div", { class: "lab-term" }, make("span", {}, ...prose(name)), make("span", { class: "lab-figure", textContent: value }));
}
