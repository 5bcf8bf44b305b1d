/* Named selections, saved with the run: save the selection, select it again, delete it. */

import { button, make } from "../../common/dom.mjs";
import { sentence } from "../../common/numbers.mjs";
import { NewestRequest, get, post } from "../../common/http.mjs";

export class SavedSelections {
  /** @param {import("../panels/panels.mjs").Panels} panels */
  constructor(panels) {
    this.panels = panels;
    this.run = null;
    this.request = new NewestRequest((problem) => (this.note.textContent = sentence(problem)));
    this.name = make("input", { class: "panel-input", placeholder: "name of this selection", ariaLabel: "Name", maxLength: 80 });
    this.save = make("button", { class: "panel-button", textContent: "save", title: "Keep the selection with the run" });
    const form = make("form", { class: "panel-row" }, this.name, this.save);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.saveSelection();
    });
    this.list = make("div", { class: "saved-list" });
    this.note = make("div", { class: "panel-problem" });
    this.element = make("div", {}, form, this.note, this.list);
  }

  /** Fetch the names of a run, once. */
  async load() {
    const { run } = this.panels.current();
    if (this.run === run) return;
    this.run = run;
    this.list.replaceChildren();
    const answer = await this.request.send((signal) => get("/api/selections", { run }, signal));
    if (!answer) this.run = null; // so that it is requested again
    this.draw(answer);
  }

  async saveSelection() {
    const { selector } = this.panels;
    if (!selector.steps.length) {
      this.note.textContent = "Nothing is selected yet, so there is nothing to save.";
      return;
    }
    const { run } = this.panels.current();
    const body = { run, name: this.name.value, selection: selector.selection };
    const answer = await this.request.send((signal) => post("/api/selections/save", body, signal));
    if (answer) this.name.value = "";
    this.draw(answer);
  }

  async delete(name) {
    const { run } = this.panels.current();
    this.draw(await this.request.send((signal) => post("/api/selections/delete", { run, name }, signal)));
  }

  /** @param {{selections: Record<string, {steps: import("./selector.mjs").Step[]}>} | null} answer */
  draw(answer) {
    if (!answer) return;
    const { selector } = this.panels;
    this.list.replaceChildren(
      ...Object.entries(answer.selections).map(([name, { steps }]) =>
        make("span", { class: "saved-chip" },
          button(name, `Select ${name} again`, () => selector.setSteps(steps), { class: "saved-select" }),
          button("×", `Forget ${name}`, () => this.delete(name), { class: "saved-delete" })),
      ),
    );
  }
}
