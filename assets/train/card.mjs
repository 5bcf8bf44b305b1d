/* The card of a training that is at work: its progress, its curves, and a picture of the newest snapshot. */

import { get } from "../common/http.mjs";
import { button, make } from "../common/dom.mjs";
import { curves } from "./curves.mjs";
import { count, duration, short } from "../common/numbers.mjs";

/** @typedef {import("./answers.d.ts").Job} Job */

export class Card {
  /** @param {Job} job @param {Record<string, string>} colours @param {{stop: () => void, log: () => void}} actions */
  constructor(job, colours, actions) {
    this.colours = colours;
    this.snapshots = -1; // whose rows are drawn
    const address = `/?${new URLSearchParams({ run: job.run })}`;
    this.state = make("span", { class: "run-state" });
    this.stop = button("Stop", "Stop at a checkpoint; it can be resumed", actions.stop, { class: "train-button" });
    const log = button("Log", "What the training prints", actions.log, { class: "train-button" });
    this.open = make("a", { class: "train-open", href: address, textContent: "Open in Explore", title: "See every snapshot, and follow the new ones", hidden: true });
    this.bar = make("div", { class: "train-bar" }, make("div"));
    this.progress = make("div", { class: "train-progress", role: "progressbar", "aria-valuemin": 0, "aria-valuemax": 100, "aria-label": `Progress of ${job.run}` }, this.bar);
    this.numbers = make("div", { class: "train-numbers" });
    this.warning = button("", "Open the log", actions.log, { class: "train-warning", hidden: true });
    this.curves = make("div", { class: "train-curves" });
    this.picture = make("img", { class: "train-picture", alt: "", hidden: true });
    const link = make("a", { href: address, title: "The newest snapshot; open it in Explore", tabIndex: -1 }, this.picture);
    const head = make("div", { class: "train-head" }, make("strong", { textContent: job.run }), this.state, make("div", { class: "train-buttons" }, this.open, log, this.stop));
    this.root = make("section", { class: "train-card", data: { run: job.run }, "aria-label": `Training ${job.run}` },
      head, this.progress, this.numbers, this.warning, make("div", { class: "train-live" }, link, this.curves)); // prettier-ignore
  }

  /** @param {Job} job */
  update(job) {
    this.job = job;
    this.root.dataset.state = job.state;
    this.root.dataset.snapshots = String(job.snapshots);
    this.state.className = `run-state ${job.state === "stopping" ? "training" : job.state}`;
    this.state.textContent = job.state;
    this.stop.disabled = job.state === "stopping";
    const isOn = job.state === "training" || job.state === "stopping";
    const share = Math.round(100 * job.progress);
    this.bar.style.width = `${100 * job.progress}%`;
    this.progress.setAttribute("aria-valuenow", String(share));
    const epoch = Math.max(job.epoch, Number(this.root.dataset.epoch ?? 0)); // the status is a second behind
    const pace = job.images_per_second ? [`${count(job.images_per_second)} images/s`, `${duration(job.seconds_left)} left`, `loss ${short(job.loss)}`] : [];
    const running = [`epoch ${epoch.toFixed(2)} of ${job.epochs}`, ...pace, `${job.snapshots} snapshots`, `on ${job.device}`];
    const parts = isOn ? running : ["starting: loading the data and the network"];
    this.numbers.replaceChildren(...parts.map((text) => make("span", { textContent: text })));
    this.warning.hidden = !job.warning;
    this.warning.textContent = job.warning ?? "";
    this.open.hidden = job.snapshots === 0;
    if (job.snapshots !== this.snapshots && job.snapshots > 0) this._draw(job);
  }

  /** Fetch and draw the rows of the curves and the picture. @param {Job} job */
  async _draw(job) {
    this.snapshots = job.snapshots;
    const query = { run: job.run, n: String(job.snapshots) };
    this.picture.src = `/api/thumbnail?${new URLSearchParams(query)}`;
    this.picture.alt = `The space after ${job.snapshots} snapshots`;
    this.picture.hidden = false;
    try {
      const decoded = this.picture.decode().catch(() => {}); // fails when a newer picture replaces it
      /** @type {import("./answers.d.ts").Row[]} */
      const rows = await get("/api/jobs/rows", query);
      this.curves.replaceChildren(...curves(rows, job.epochs, this.colours));
      await decoded;
      this.root.dataset.drawn = String(rows.length); // snapshots on the screen
      this.root.dataset.epoch = String(rows.at(-1)?.epoch ?? 0);
    } catch {
      this.snapshots = -1; // the next update tries again
    }
  }
}
