/* The panel that shows while UMAP is being computed: what it does, how far it is, and a button to end it. */

const POLL_MS = 700;

/** Where a projection that is being computed stands, and what can be done about it. */
export class Waiting {
  /** @param {HTMLElement} element @param {() => void} ready called when the projection can be fetched */
  constructor(element, ready) {
    this.element = element;
    this.ready = ready;
    this.meanwhile = ""; // what is shown until then
    this.isOn = false; // whether one is being computed
    this.text = document.createElement("span");
    this.bar = document.createElement("progress");
    this.bar.max = 1;
    this.button = document.createElement("button");
    this.button.type = "button";
    this.button.className = "waiting-button";
    this.button.addEventListener("click", () => this.act());
    element.replaceChildren(this.text, this.bar, this.button);
  }

  /**
   * Ask how the job stands, and go on asking until it is over.
   * @param {string} about the query that names run and view
   * @returns {Promise<boolean>} whether the projection is there already
   */
  async ask(about, again = false) {
    this.stop();
    this.about = about;
    const job = await told(`/api/progress?${about}${again ? "&again=1" : ""}`);
    if (this.about !== about) return false;
    this.n = job.n ?? null; // how many snapshots it is of
    if (job.state === "done") return true;
    this.show(job);
    this.isOn = !this.over;
    if (this.isOn) {
      this.timer = setTimeout(async () => {
        if ((await this.ask(about)) && this.about === about) this.ready();
      }, POLL_MS);
    }
    return false;
  }

  show({ state, message, progress, error }) {
    const isOver = state !== "queued" && state !== "running";
    this.over = isOver;
    this.element.hidden = false;
    this.bar.hidden = isOver;
    this.bar.value = progress ?? 0;
    this.button.textContent = isOver ? "Compute it again" : "Cancel";
    const what = state === "cancelled" ? "UMAP was cancelled." : error ? `UMAP cannot be computed: ${error}.` : `UMAP: ${message || "waiting"}.`;
    this.text.textContent = `${what.replace(/[.]+$/, ".")} ${this.meanwhile}`;
  }

  async act() {
    if (this.over) {
      if (await this.ask(this.about, true)) this.ready();
      return;
    }
    const job = await told(`/api/cancel?${this.about}`, "POST");
    this.text.textContent = job.error ? `It cannot be cancelled: ${job.error}` : "Cancelling.";
  }

  /** Nothing is waited for any more. */
  stop() {
    clearTimeout(this.timer);
    this.isOn = false;
    this.about = null;
    this.element.hidden = true;
  }
}

async function told(url, method = "GET") {
  try {
    return await (await fetch(url, { method })).json();
  } catch {
    return { error: "the server does not answer; is it still running?" };
  }
}
