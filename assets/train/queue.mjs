/* The queue: a card for each training that is at work, below it those that wait, and those that are over. */

import { button, make, replaceAll } from "../common/dom.mjs";
import { Card } from "./card.mjs";
import { ask, showLog } from "./dialogs.mjs";
import { count } from "../common/numbers.mjs";

const RESUMABLE = ["stopped", "interrupted", "failed"];

/** @typedef {import("./answers.d.ts").Jobs} Jobs */
/** @typedef {import("./answers.d.ts").Job} Job */

export class Queue {
  /**
   * @param {HTMLElement} active @param {HTMLElement} queue elements to fill
   * @param {Record<string, string>} colours of the curves
   * @param {(action: string, run: string) => void} act stop, resume or remove
   * @param {(run: string) => void} useSettings
   */
  constructor(active, queue, colours, act, useSettings) {
    this.active = active;
    this.queue = queue;
    this.colours = colours;
    this.act = act;
    this.useSettings = useSettings;
    /** @type {Map<string, Card>} by run */
    this.cards = new Map();
    this.listsKey = ""; // of the lists on the page, as JSON
    this.busy = false;
  }

  /** @param {Jobs} jobs */
  show(jobs) {
    this.busy = jobs.active.length > 0;
    const activeRuns = new Set(jobs.active.map(({ run }) => run));
    for (const [run, card] of this.cards) {
      if (activeRuns.has(run)) continue;
      card.root.remove();
      this.cards.delete(run);
    }
    for (const job of jobs.active) {
      if (!this.cards.has(job.run)) {
        const card = new Card(job, this.colours, { stop: () => this.act("stop", job.run), log: () => showLog(job.run) });
        this.cards.set(job.run, card);
        this.active.append(card.root);
      }
      this.cards.get(job.run).update(job);
    }
    const lists = JSON.stringify([jobs.waiting, jobs.over, jobs.more, this.busy]);
    if (lists === this.listsKey) return;
    this.listsKey = lists;
    replaceAll(this.queue, ...this._waiting(jobs), ...this._over(jobs));
  }

  /** Bring a job into view. @param {string} run */
  reveal(run) {
    const element = this.cards.get(run)?.root ?? this.queue.querySelector(`[data-run="${CSS.escape(run)}"]`);
    element?.scrollIntoView({ block: "nearest" });
  }

  /** @param {Jobs} jobs */
  _waiting({ waiting }) {
    if (!waiting.length) return [];
    const rows = waiting.map((job, i) => {
      const why = job.waits_for ? `waits for ${job.device}, where '${job.waits_for}' trains` : "about to start";
      const out = job.snapshots
        ? this._button(job, "Take out", "Take it out of the queue; what is recorded stays", () => this.act("stop", job.run))
        : this._button(job, "Remove", "Take it out of the queue; nothing is recorded yet", () => this.act("remove", job.run));
      return this._row(job, `${i + 1}`, why, [out]);
    });
    return [make("h2", { class: "train-title", textContent: `Queue (${waiting.length})` }), make("ol", { class: "train-list", "aria-label": "Queue" }, ...rows)];
  }

  /** @param {Jobs} jobs */
  _over({ over, more, waiting }) {
    if (!over.length) {
      const empty = !waiting.length && !this.busy;
      const text = "Nothing has been trained here yet. “Quick digits” and then “Start training” takes some seconds, and you can watch it learn.";
      return empty ? [make("p", { class: "train-empty", textContent: text })] : [];
    }
    const rows = over.map((job) => {
      const buttons = [];
      if (RESUMABLE.includes(job.state)) buttons.push(this._button(job, "Resume", "Go on from its last checkpoint", () => this.act("resume", job.run)));
      buttons.push(this._button(job, "Settings", "Fill the form with the settings of this training", () => this.useSettings(job.run)));
      if (job.has_log) buttons.push(this._button(job, "Log", "What the training printed", () => showLog(job.run)));
      buttons.push(this._button(job, "Remove", "Delete the run and everything recorded in it", () => this._remove(job)));
      return this._row(job, null, job.error ?? "", buttons);
    });
    const rest = more ? [make("p", { class: "train-help" }, `${count(more)} more on the page of `, make("a", { href: "/runs", textContent: "runs" }))] : [];
    return [make("h2", { class: "train-title", textContent: "Over" }), make("ul", { class: "train-list", "aria-label": "Over" }, ...rows), ...rest];
  }

  /** @param {Job} job @param {string | null} number in the queue @param {string} why @param {HTMLButtonElement[]} buttons */
  _row(job, number, why, buttons) {
    const at = job.state === "finished" ? `${Number(job.epoch.toFixed(2))} epochs` : `epoch ${Number(job.epoch.toFixed(2))} / ${job.epochs}`;
    const about = [job.dataset, job.backbone, job.head === "linear" ? "pure" : job.loss_name, job.head === "linear" ? null : `D = ${job.dim}`, at].filter(Boolean).join(" · ");
    const name = job.snapshots ? make("a", { href: `/?${new URLSearchParams({ run: job.run })}`, textContent: job.run, title: "Open in Explore" }) : make("span", { textContent: job.run });
    const state = make("span", { class: `run-state ${job.state}`, textContent: number ? `${number}. ${job.state}` : job.state });
    const details = make("div", { class: "train-details" }, make("div", { class: "train-run" }, name), make("div", { class: "train-help", textContent: about }),
      why ? make("div", { class: job.error ? "train-problem" : "train-help", textContent: why }) : null); // prettier-ignore
    return make("li", { class: "train-job", data: { run: job.run, state: job.state } }, state, details, make("div", { class: "train-buttons" }, ...buttons));
  }

  /** @param {Job} job @param {string} text @param {string} title @param {() => void} onClick */
  _button(job, text, title, onClick) {
    return button(text, title, onClick, { class: "train-button", data: { key: `${text} ${job.run}` } });
  }

  /** @param {Job} job */
  async _remove(job) {
    const what = job.snapshots ? `its ${job.snapshots} snapshots` : "its settings";
    if (await ask(`Delete '${job.run}' with ${what}? It cannot be brought back.`, "Delete")) this.act("remove", job.run);
  }
}
