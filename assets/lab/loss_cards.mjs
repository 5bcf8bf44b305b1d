/* The right column: per loss its formula, the value and its terms, the equilibrium of the moved point, and remarks. */

import { make, prose } from "../common/dom.mjs";
import { precise } from "../common/numbers.mjs";

export class Side {
  /** @param {HTMLElement} host @param {object} catalogue */
  constructor(host, catalogue) {
    this.host = host;
    this.catalogue = catalogue;
    this.cards = [];
  }

  /** Build the cards of the state's losses. */
  build(state) {
    this.cards = state.losses.map(({ name }, i) => {
      const entry = this.catalogue.losses.find((loss) => loss.name === name);
      const card = {
        formula: make("div", { class: "lab-formula" }),
        value: make("div", { class: "lab-value", id: `lab-value-${i}` }),
        terms: make("div", { class: "lab-terms" }),
        now: make("div", { class: "lab-terms", id: `lab-forces-${i}` }),
        rest: make("p", { class: "lab-words", id: `lab-rest-${i}` }),
        remarks: make("div", { class: "lab-remarks", id: `lab-remarks-${i}` }),
      };
      if (entry?.formula) card.formula.innerHTML = entry.formula; // MathML of ours, not of the user's
      else card.formula.textContent = entry?.about || name;
      const letter = state.losses.length > 1 ? `${"ABCD"[i]} · ` : "";
      card.element = make("section", { class: "lab-card" },
        make("h3", {}, `${letter}${entry?.label ?? name}`, make("span", { class: "lab-quiet", textContent: entry ? ` ${entry.equation}` : "" })),
        card.formula, card.value, card.terms, card.now, make("h4", { textContent: "Where it comes to rest" }), card.rest, card.remarks);
      return card;
    });
    this.host.replaceChildren(...this.cards.map(({ element }) => element));
  }

  /** The value between the grid's values, at once; the exact one follows. @param {number | null} value null: no pointer */
  setValue(i, value, place) {
    const card = this.cards[i];
    if (!card) return;
    card.value.replaceChildren(...(value === null
      ? [make("span", { class: "lab-quiet", textContent: "Point at the landscape to read its value." })]
      : [make("strong", { textContent: precise(value) }), make("span", { class: "lab-quiet", textContent: ` at ${place.map((v) => Number(v.toPrecision(3))).join(", ")}` })]));
    if (value === null) card.terms.replaceChildren();
  }

  /** The exact value and its terms, from the server. */
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
      strong.dataset.exact = terms[0][1];
    }
    card.terms.replaceChildren(...terms.slice(1).map(([name, value]) => row(name, precise(value ?? NaN))));
  }

  /**
   * Show the words and forces of a landscape.
   * @param {object} about of this panel @param {{e: number[][], c: number[][]} | null} forces
   * @param {{e: number[][], c: number[][]} | null} first the forces of the first loss, if this is another
   */
  setLandscape(i, about, forces, first, { chosen, label, loss }) {
    const card = this.cards[i];
    if (!card) return;
    card.rest.replaceChildren(...prose(about.rest?.words ?? ""));
    card.remarks.replaceChildren(...[about.error, about.problem, ...(about.remarks ?? [])].filter(Boolean).map((text) =>
      make("p", { class: text === about.error || text === about.problem ? "lab-wrong" : "lab-remark" }, ...prose(text))));
    const lines = [];
    if (forces) {
      if (loss !== undefined) lines.push(row("loss now", precise(loss)));
      const rows = [["force on e", forces.e[chosen], first?.e[chosen]], ["force on c_e", forces.c[label], first?.c[label]]];
      for (const [name, force, other] of rows) {
        lines.push(row(name, precise(Math.hypot(...force))));
        if (other) lines.push(row("  differs from A by", difference(force, other)));
      }
    }
    card.now.replaceChildren(...lines);
  }
}

/** "3.2, turned by 24°": the length of the difference of two forces, and the angle between them. */
function difference(a, b) {
  const length = Math.hypot(a[0] - b[0], a[1] - b[1]);
  const turn = Math.atan2(b[0] * a[1] - b[1] * a[0], a[0] * b[0] + a[1] * b[1]);
  const turned = Math.hypot(...a) > 0 && Math.hypot(...b) > 0 ? `, turned by ${Math.round((Math.abs(turn) * 180) / Math.PI)}°` : "";
  return precise(length) + turned;
}

function row(name, value) {
  return make("div", { class: "lab-term" }, make("span", {}, ...prose(name)), make("span", { class: "lab-figure", textContent: value }));
}
