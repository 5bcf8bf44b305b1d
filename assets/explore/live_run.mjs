/* A run that is still training: its progress, whether the picture follows it, and whether a newer layout is possible. */

import { button, make, tick } from "../common/dom.mjs";
import { get } from "../common/http.mjs";

const POLL_MS = 1000;
const OVER_MS = 5000; // between polls of a run that was stopped, since it may be resumed
const NEWER =
  "The picture was laid out for the snapshots there were at first, and new ones joined it; lay it out anew for all there are now";

export class LiveRun {
  /**
   * @param {HTMLElement} element
   * @param {{grown: (count: number) => Promise<boolean>, refit: () => void,
   *   changed: (state: string) => void}} on called when there are more snapshots, when the button for a newer layout is
   *   pressed, and with the state of the run
   */
  constructor(element, on) {
    this.element = element;
    this.on = on;
    this.follows = true;
    this.text = make("span");
    const follow = tick("follow", true, "Go on to each new snapshot as it comes", (isOn) => (this.follows = isOn), { class: "" });
    this.newer = button("newer layout", NEWER, () => this.on.refit(), { class: "live-newer", hidden: true });
    element.replaceChildren(this.text, follow, this.newer);
    element.hidden = true;
  }

  /** Watch a run from now on. @param {string} run @param {number} shown number of snapshots on screen */
  watch(run, shown) {
    this.run = run;
    this.shown = shown;
    this.isOver = false;
    clearTimeout(this.timer);
    this.poll();
  }

  stop() {
    this.run = null;
    clearTimeout(this.timer);
    this.element.hidden = true;
  }

  async poll() {
    const { run } = this;
    const isLeft = () => run !== this.run || !this.element.isConnected;
    const news = await get("/api/news", { run }).catch(({ status }) => (status ? {} : null)); // null: the server is gone
    if (isLeft()) return;
    const grows = news?.state === "training" || news?.state === "queued";
    this.element.hidden = !grows && !this.newer.offsetParent;
    let isBehind = news && news.snapshots > this.shown;
    if (isBehind && (await this.on.grown(news.snapshots))) {
      this.shown = news.snapshots;
      isBehind = false;
    }
    if (isLeft()) return;
    if (news?.state) {
      const share = news.state === "training" ? ` · ${Math.round(100 * news.progress)} %` : "";
      this.text.textContent = `${news.state}${share}`;
      this.element.dataset.state = news.state;
      this.on.changed(news.state);
    }
    const isOver = !(grows || isBehind || !news);
    if (isOver && this.isOver) this.element.hidden = this.newer.hidden;
    // poll once more after the end: the last snapshot is written shortly before the state
    if (!isOver || !this.isOver) this.timer = setTimeout(() => this.poll(), POLL_MS);
    else if (["stopped", "interrupted", "failed"].includes(news.state)) this.timer = setTimeout(() => this.poll(), OVER_MS);
    this.isOver = isOver;
  }
}
