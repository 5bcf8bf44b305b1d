/* Watches the runs that are being trained, so that their new snapshots join the pictures. */

import { get } from "../common/http.mjs";

const POLL = 1500; // milliseconds

export class Growing {
  /**
   * @param {() => import("./pane.mjs").Pane[]} panes
   * @param {() => Promise<void>} grow called when some of their runs have more snapshots
   */
  constructor(panes, grow) {
    this.panes = panes;
    this.grow = grow;
    /** @type {Map<string, number>} number of the snapshots of a run at the last look */
    this.counts = new Map();
    this.turn = 0;
  }

  /** Look at the runs on the page again and again, until none grows. */
  async watch() {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    const panes = this.panes().filter((pane) => pane.ready);
    const news = await Promise.all(panes.map(({ run }) => get("/api/news", { run }).catch(() => null)));
    if (turn !== this.turn) return;
    const grown = panes.filter(({ run, picture }, i) => news[i]?.snapshots > (this.counts.get(run) ?? picture.frames.T));
    panes.forEach(({ run }, i) => news[i]?.snapshots && this.counts.set(run, news[i].snapshots));
    for (const { picture } of grown) picture.outgrow();
    if (grown.length) return this.grow(); // which calls watch() again
    const isTraining = news.some((answer) => answer?.state === "training" || answer?.state === "queued");
    const isOpen = panes.some(({ element }) => element.isConnected);
    if (isTraining && isOpen) this.timer = setTimeout(() => this.watch(), POLL);
  }

  stop() {
    clearTimeout(this.timer);
    this.turn++;
  }
}
