/* The box shown while a projection is being computed: the current step, the progress, and a button to cancel. */

import { button, make } from "../../common/dom.mjs";
import { get, post } from "../../common/http.mjs";

const POLL_MS = 700;

/** @typedef {{state?: string, message?: string, progress?: number, error?: string, n?: number}} Job as the server tells it */

/** The state of a projection that is computed in the background. */
export class Waiting {
  /** @param {HTMLElement} element @param {() => void} ready called when the projection can be fetched */
  constructor(element, ready) {
    this.element = element;
    this.ready = ready;
    this.name = ""; // of the projection, in a sentence
    this.meanwhile = ""; // what is shown until then
    this.isOn = false; // whether one is being computed
    this.over = true; // whether the last one has ended
    /** @type {string | null} */
    this.about = null; // the query of the one that is waited for
    /** @type {number | null} */
    this.n = null; // number of snapshots that it shows
    this.text = make("span");
    this.bar = make("progress", { max: 1 });
    this.button = button("", "", () => this.act(), { class: "waiting-button" });
    element.replaceChildren(this.text, this.bar, this.button);
  }

  /**
   * Have the projection computed, and look after the job until it is over.
   * @param {string} about the query that names run and view
   * @param {string} name of the projection @param {string} meanwhile what is shown until then
   * @param {boolean} isNew whether it is to be computed, or only looked after
   * @param {boolean} again whether one that failed is started anew
   * @returns {Promise<boolean>} whether the projection is computed already
   */
  async ask(about, name = this.name, meanwhile = this.meanwhile, isNew = true, again = false) {
    this.stop();
    Object.assign(this, { name, meanwhile });
    this.about = about;
    const job = await answerOf(isNew ? post("/api/layout", { ...fieldsOf(about), again }) : get(`/api/progress?${about}`));
    if (this.about !== about) return false;
    this.n = job.n ?? null;
    if (job.state === "done") return true;
    if (job.state === "none") return this.ask(about); // the server was started anew meanwhile
    this.show(job);
    this.isOn = !this.over;
    if (this.isOn) {
      this.timer = setTimeout(async () => {
        if ((await this.ask(about, name, meanwhile, false)) && this.about === about) this.ready();
      }, POLL_MS);
    }
    return false;
  }

  /** @param {Job} job */
  show({ state, message, progress, error }) {
    const isOver = state !== "queued" && state !== "running";
    this.over = isOver;
    this.element.hidden = false;
    this.bar.hidden = isOver;
    this.bar.value = progress ?? 0;
    this.button.textContent = isOver ? "Compute it again" : "Cancel";
    const { name, meanwhile } = this;
    const what = state === "cancelled" ? `${name} was cancelled.` : error ? `${name} cannot be computed: ${error}.` : `${name}: ${message || "waiting"}.`;
    this.text.textContent = `${what.replace(/[.]+$/, ".")} ${meanwhile} meanwhile.`;
  }

  async act() {
    if (this.over) {
      if (await this.ask(this.about, this.name, this.meanwhile, true, true)) this.ready();
      return;
    }
    const job = await answerOf(post(`/api/cancel?${this.about}`));
    this.text.textContent = job.error ? `It cannot be cancelled: ${job.error}` : "Cancelling.";
  }

  /** Stop waiting and hide the box; the job itself goes on. */
  stop() {
    clearTimeout(this.timer);
    this.isOn = false;
    this.about = null;
    this.element.hidden = true;
  }
}

/** @param {string} query @returns {Record<string, string>} */
function fieldsOf(query) {
  return Object.fromEntries(new URLSearchParams(query));
}

/** An answer, or what went wrong. @param {Promise<Job>} request @returns {Promise<Job>} */
function answerOf(request) {
  return request.catch(({ message }) => ({ error: message }));
}
