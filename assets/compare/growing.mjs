/* Runs that are still being trained: their new snapshots join the pictures. */

const POLL = 1500; // milliseconds

export class Growing {
  /**
   * @param {() => import("./pane.mjs").Pane[]} panes
   * @param {() => Promise<void>} grown some of their runs have more snapshots
   */
  constructor(panes, grown) {
    Object.assign(this, { panes, grown, known: new Map() }); // run -> how many snapshots it was seen with
  }

  /** Look at the runs that are shown now, until none grows. */
  async watch() {
    clearTimeout(this.timer);
    const turn = (this.turn = (this.turn ?? 0) + 1);
    const shown = this.panes().filter((pane) => pane.ready);
    const news = await Promise.all(shown.map(({ run }) => told(run)));
    if (turn !== this.turn) return;
    const more = shown.filter(({ run, picture }, i) => news[i]?.snapshots > (this.known.get(run) ?? picture.frames.T));
    shown.forEach(({ run }, i) => news[i]?.snapshots && this.known.set(run, news[i].snapshots));
    for (const { picture } of more) picture.outgrow();
    if (more.length) return this.grown(); // which comes back here
    const goOn = news.some((each) => each?.state === "training" || each?.state === "queued");
    const isOpen = shown.some(({ element }) => element.isConnected);
    if (goOn && isOpen) this.timer = setTimeout(() => this.watch(), POLL);
  }

  stop() {
    clearTimeout(this.timer);
    this.turn = null;
  }
}

async function told(run) {
  return fetch(`/api/news?run=${encodeURIComponent(run)}`).then((response) => response.json(), () => null);
}
