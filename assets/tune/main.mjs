/* The Tune page: the choice of a search, its state, and three linked views of its trials. */

import { choice, make } from "../common/dom.mjs";
import { get } from "../common/http.mjs";
import { duration } from "../common/numbers.mjs";
import { BestSoFar } from "./best.mjs";
import { Parallel } from "./parallel.mjs";
import { Table } from "./table.mjs";
import { exact } from "./numbers.mjs";

const RUNNING_MS = 1500; // between two requests while the search runs
const IDLE_MS = 5000;
const STATES = { training: "searching", queued: "not begun", interrupted: "interrupted", stopped: "stopped", finished: "finished" };

/** Fill the page. @param {Record<string, string>} query of the address: `search` names one; `folder` is that of the runs */
export function show(query) {
  const page = document.getElementById("tune-page");
  if (!page || mounted?.page === page) return "";
  mounted = new Tune(page, query ?? {});
  mounted.watch();
  return "";
}

/** @type {Tune | null} */
let mounted = null;

/** @typedef {import("./answers.d.ts").Search} Search */
/** @typedef {import("./answers.d.ts").Summary} Summary */

class Tune {
  /** @param {HTMLElement} page @param {Record<string, string>} query */
  constructor(page, query) {
    this.page = page;
    this.query = query;
    this.name = query.search ?? null;
    this.message = page.querySelector("#tune-message");
    this.body = page.querySelector("#tune-body");
    this.views = null;
    this.drawnState = ""; // JSON of the state on the screen: views are drawn again only when it has changed
  }

  async watch() {
    while (this.page.isConnected) {
      const state = await this.update();
      await new Promise((done) => setTimeout(done, state === "training" && !document.hidden ? RUNNING_MS : IDLE_MS));
    }
  }

  /** Fetch and draw once. @returns {Promise<string | null>} the state of the search */
  async update() {
    try {
      /** @type {Summary[]} */
      const searches = await get("/api/searches");
      if (!this.page.isConnected) return null;
      if (!searches.length) return this.showNothing();
      const chosen = searches.find(({ name }) => name === this.name) ?? searches[0];
      this.name = chosen.name;
      if (chosen.problem) return this.showUnreadable(searches, chosen);
      /** @type {Search} */
      const search = await get("/api/search", { name: this.name });
      this.message.textContent = "";
      if (this.page.isConnected) this.draw(searches, search);
      return search.state;
    } catch (error) {
      this.message.textContent = error.message;
      return null;
    }
  }

  /** Say how to start a search. */
  showNothing() {
    this.views = null;
    const folder = /\s/.test(this.query.folder) ? `"${this.query.folder}"` : this.query.folder;
    this.body.replaceChildren(make("div", { class: "tune-none" },
      make("h2", { class: "tune-title", textContent: "No search yet" }),
      make("p", { textContent: "Start one in a terminal; its trials appear here as they train, and each can be opened in Explore:" }),
      make("code", { textContent: `mtm tune --dataset digits --epochs 10 --trials 20 --runs ${folder}` }))); // prettier-ignore
    return null;
  }

  /** Say why a search cannot be shown. @param {Summary[]} searches @param {Summary} chosen */
  showUnreadable(searches, chosen) {
    this.views = null;
    this.message.textContent = "";
    const problem = make("p", { class: "tune-warning", role: "alert", textContent: chosen.problem });
    this.body.replaceChildren(make("div", { class: "tune-head" }, this.picker(searches), problem));
    return null;
  }

  /** The choice of a search. @param {Summary[]} searches */
  picker(searches) {
    /** @type {import("../common/dom.mjs").Choices} */
    const names = searches.map(({ name, problem }) => [name, problem ? `${name} (unreadable)` : name]);
    const picker = choice("Which search is shown", names, (name) => this.open(name), { class: "tune-select", "aria-label": "Search" });
    picker.value = this.name;
    return picker;
  }

  /** @param {Summary[]} searches @param {Search} search */
  draw(searches, search) {
    const state = JSON.stringify([searches, search]);
    if (state === this.drawnState && this.views) return;
    this.drawnState = state;
    this.views ??= this.build();
    const { head, best, parallel, table } = this.views;
    this.showHead(head, searches, search);
    for (const view of [best, parallel, table]) view.show(search);
  }

  build() {
    const point = (number) => this.point(number);
    const head = make("div", { class: "tune-head" });
    const views = { head, best: new BestSoFar(point), parallel: new Parallel(point, (numbers) => this.filter(numbers)), table: new Table(point) };
    this.body.replaceChildren(head,
      section("Best so far", "Each dot is a trial that ended, at the best accuracy of any of its epochs; the line is the best until then.", views.best.element, "is-best"),
      section("Hyperparameters and accuracy", "Each line is a trial, from its hyperparameters to its accuracy. Drag along an axis to keep the trials that pass there; click the axis to undo it.", views.parallel.element, "is-parallel"),
      section("Trials", "", views.table.element, "is-table")); // prettier-ignore
    return views;
  }

  /** @param {HTMLElement} head @param {Summary[]} searches @param {Search} search */
  showHead(head, searches, search) {
    const figures = [
      ["trials", `${search.done} of ${search.wanted}`],
      [`best accuracy, ${search.split} images`, exact(search.best)],
      ["time left", search.state === "training" ? duration(search.seconds_left) : "–"],
    ]; // prettier-ignore
    const leader = search.trials.find(({ run }) => run === search.best_run);
    head.replaceChildren(
      this.picker(searches),
      make("span", { class: `run-state ${search.state}`, textContent: STATES[search.state] ?? search.state }),
      ...figures.map(([label, value]) => make("div", { class: "tune-figure" }, make("strong", { textContent: value }), make("span", { textContent: label }))),
      make("span", { class: "tune-about", textContent: `${search.dataset} · ${search.backbone} · ${search.loss} · ${search.epochs} epochs` }),
      ...(leader?.href ? [make("a", { class: "tune-open", href: leader.href, textContent: "Open the best in Explore" })] : []),
    );
    if (search.split === "test") head.append(make("p", { class: "tune-warning", textContent: "This search looks at the test images, as the paper's did: its accuracies are too good." }));
    const isCut = ["interrupted", "stopped"].includes(search.state);
    if (isCut) head.append(make("p", { class: "tune-warning", textContent: `Go on with: mtm tune --resume ${search.name}` }));
  }

  /** Show another search, and write it into the address. @param {string} name */
  open(name) {
    this.name = name;
    this.views = null;
    this.drawnState = "";
    history.replaceState(null, "", `?${new URLSearchParams({ search: name })}`);
    this.update();
  }

  /** Highlight one trial in all views. @param {number | null} number */
  point(number) {
    for (const view of [this.views.best, this.views.parallel, this.views.table]) view.point(number);
  }

  /** Filter the other views by the brushes. @param {Set<number> | null} numbers of the trials that pass */
  filter(numbers) {
    for (const view of [this.views.best, this.views.table]) view.filter(numbers);
  }
}

/** @param {string} title @param {string} help @param {Node} content @param {string} kind */
function section(title, help, content, kind) {
  const head = make("h2", { class: "tune-title", textContent: title, title: help });
  return make("section", { class: `tune-section ${kind}` }, head, content);
}
