/* A run that is still growing: how far it is, whether the picture follows it, and whether a newer plane is to be had. */

const POLL_MS = 1000;
const OVER_MS = 5000; // of one that is over: it may be resumed

export class Live {
  /**
   * @param {HTMLElement} element
   * @param {{grown: (count: number) => Promise<boolean>, refit: () => void, changed: (state: string) => void}} tell
   */
  constructor(element, tell) {
    this.element = element;
    this.tell = tell;
    this.follows = true;
    this.text = document.createElement("span");
    const label = document.createElement("label");
    label.title = "Go on to each new snapshot as it comes";
    this.box = Object.assign(document.createElement("input"), { type: "checkbox", checked: true });
    this.box.addEventListener("change", () => {
      this.follows = this.box.checked;
    });
    label.append(this.box, "follow");
    this.newer = Object.assign(document.createElement("button"), { type: "button", className: "live-newer", hidden: true });
    this.newer.textContent = "newer layout";
    this.newer.title = "The picture was laid out for the snapshots there were at first, and new ones joined it; lay it out anew for all there are now";
    this.newer.addEventListener("click", () => this.tell.refit());
    element.replaceChildren(this.text, label, this.newer);
    element.hidden = true;
  }

  /** Watch a run from now on. @param {string} run @param {number} shown how many snapshots are on screen */
  watch(run, shown) {
    this.run = run;
    this.shown = shown;
    this.isOver = false;
    clearTimeout(this.timer);
    this.ask();
  }

  stop() {
    this.run = null;
    clearTimeout(this.timer);
    this.element.hidden = true;
  }

  async ask() {
    const { run } = this;
    const news = await fetch(`/api/news?run=${encodeURIComponent(run)}`).then((response) => response.json(), () => null);
    if (run !== this.run) return;
    const grows = news?.state === "training" || news?.state === "queued";
    this.element.hidden = !grows && !this.newer.offsetParent;
    let isBehind = news && !news.error && news.snapshots > this.shown;
    if (isBehind && (await this.tell.grown(news.snapshots))) {
      this.shown = news.snapshots;
      isBehind = false;
    }
    if (run !== this.run) return;
    if (news?.state) {
      const share = news.state === "training" ? ` · ${Math.round(100 * news.progress)} %` : "";
      this.text.textContent = `${news.state}${share}`;
      this.element.dataset.state = news.state;
      this.tell.changed(news.state);
    }
    const isOver = !(grows || isBehind || !news);
    if (isOver && this.isOver) this.element.hidden = this.newer.hidden;
    // one more look at once: the last snapshot comes shortly before the state
    if (!isOver || !this.isOver) this.timer = setTimeout(() => this.ask(), POLL_MS);
    else if (["stopped", "interrupted", "failed"].includes(news.state)) this.timer = setTimeout(() => this.ask(), OVER_MS);
    this.isOver = isOver;
  }
}
