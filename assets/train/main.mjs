/* The Train page: the form, the preview, and the queue; it polls the server while it is open. */

import { get, post } from "../common/http.mjs";
import { Form } from "./form.mjs";
import { Preview } from "./preview.mjs";
import { Queue } from "./queue.mjs";

const STORAGE_KEY = "train-form"; // of the form's values in the browser's storage
const REST_MS = 250; // without typing, after which the form is checked
const PENDING_MS = 600; // between two checks while the server computes part of the preview
const ACTIVE_MS = 700; // between two requests of the jobs while one is at work
const IDLE_MS = 2000;

/** Fill the page. @param {Record<string, string>} query of the address: `run` names the run whose settings the form begins with */
export async function show(query) {
  const page = document.getElementById("train-page");
  if (!page || mounted?.page === page) return "";
  mounted = new Train(page, query ?? {});
  await mounted.begin();
  return "";
}

/** @type {Train | null} */
let mounted = null;

class Train {
  /** @param {HTMLElement} page @param {Record<string, string>} query */
  constructor(page, query) {
    this.page = page;
    this.query = query;
    this.message = page.querySelector("#train-message");
    this.checks = 0; // their number: the response to an older one is dropped
    this.timer = null;
  }

  async begin() {
    /** @type {import("./answers.d.ts").Catalogue | null} */
    const catalogue = await this.attempt(() => get("/api/train"));
    if (!catalogue) return;
    /** @param {string} name @returns {HTMLElement} */
    const place = (name) => this.page.querySelector(`#train-${name}`);
    this.form = new Form(place("form"), catalogue, {
      onChange: () => this.changed(),
      onStart: () => this.start(),
      onPaper: (row) => this.attempt(() => get("/api/train/preset", row)),
    });
    this.preview = new Preview(place("preview"));
    const use = (run) => this.useSettings(run);
    this.queue = new Queue(place("active"), place("queue"), catalogue.colours, (action, run) => this.act(action, run), use);
    if (this.query.run) await this.useSettings(this.query.run);
    else this.form.set(loadForm());
    this.check();
    this.watch();
  }

  /** Something was typed. */
  changed() {
    storeForm(this.form.values());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), REST_MS);
  }

  /** Check the form and show its preview; again, while part of the preview is pending. */
  async check() {
    clearTimeout(this.timer);
    const number = ++this.checks;
    /** @type {import("./answers.d.ts").Check | null} */
    const answer = await this.attempt(() => post("/api/train/check", { values: this.form.values() }));
    if (!answer || number !== this.checks || !this.page.isConnected) return;
    this.form.showProblems(answer.problems);
    this.form.showQueue(answer.waits_for ?? []);
    this.preview.show(answer);
    if (answer.pending) this.timer = setTimeout(() => this.check(), PENDING_MS);
  }

  async start() {
    const body = { values: this.form.values(), name: this.form.name() };
    /** @type {{run?: string, problems?: Record<string, string>} | null} */
    const answer = await this.attempt(() => post("/api/train/start", body));
    if (!answer) return;
    this.form.showProblems(answer.problems ?? {});
    if (answer.problems) return;
    this.form.clearName();
    await this.look();
    this.queue.reveal(answer.run);
    this.check();
  }

  /** @param {string} action stop, resume or remove @param {string} run */
  async act(action, run) {
    /** @type {import("./answers.d.ts").Jobs | null} */
    const jobs = await this.attempt(() => post(`/api/jobs/${action}`, { run }));
    if (jobs) this.queue.show(jobs);
    this.check();
  }

  /** Fill the form with the settings of a run. @param {string} run */
  async useSettings(run) {
    /** @type {import("./answers.d.ts").Values | null} */
    const values = await this.attempt(() => get("/api/jobs/settings", { run }));
    if (!values) return;
    this.form.set(values);
    this.page.querySelector("#train-form").scrollTo({ top: 0 });
    this.changed();
  }

  /** Fetch and show the jobs once. @returns {Promise<boolean>} whether one is at work */
  async look() {
    /** @type {import("./answers.d.ts").Jobs | null} */
    const jobs = await this.attempt(() => get("/api/jobs"));
    if (!jobs || !this.page.isConnected) return false;
    const wasBusy = this.queue.busy;
    this.queue.show(jobs);
    if (wasBusy !== this.queue.busy) this.check(); // a speed can be measured again, or no longer
    return this.queue.busy;
  }

  async watch() {
    while (this.page.isConnected) {
      const busy = await this.look();
      await new Promise((done) => setTimeout(done, busy && !document.hidden ? ACTIVE_MS : IDLE_MS));
    }
  }

  /**
   * The result of a request; null, and a message on the page, if it fails.
   * @template Answer @param {() => Promise<Answer>} send @returns {Promise<Answer | null>}
   */
  async attempt(send) {
    try {
      const answer = await send();
      this.message.textContent = "";
      return answer;
    } catch (error) {
      this.message.textContent = error.message;
      return null;
    }
  }
}

/** @returns {import("./answers.d.ts").Values} */
function loadForm() {
  try {
    return JSON.parse(localStorage.getItem(STORAGE_KEY)) ?? {};
  } catch {
    return {}; // nothing is stored, or something else
  }
}

/** @param {import("./answers.d.ts").Values} values */
function storeForm(values) {
  try {
    localStorage.setItem(STORAGE_KEY, JSON.stringify(values));
  } catch {
    /* a browser without storage */
  }
}
