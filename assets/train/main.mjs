/* The Train page: the form, what would happen, and the jobs; asks the server again and again while it is open. */

import { get, post } from "../common/http.mjs";
import { Form } from "./form.mjs";
import { Jobs } from "./queue.mjs";
import { Outlook } from "./preview.mjs";

const KEPT = "train-form"; // where the browser keeps what was typed
const REST_MS = 250; // of typing, before the form is checked
const PENDING_MS = 600; // between two questions whether something has been found out
const ACTIVE_MS = 700; // between two looks at the jobs while one is at work
const IDLE_MS = 2000;

/** Fill the page. @param {Record<string, string>} query of the address: `run` names one whose settings to begin with */
export async function show(query) {
  const page = document.getElementById("train-page");
  if (!page || page.train) return "";
  page.train = new Train(page, query ?? {});
  await page.train.begin();
  return "";
}

class Train {
  constructor(page, query) {
    this.page = page;
    this.query = query;
    this.message = page.querySelector("#train-message");
    this.checks = 0; // how many were asked for: an answer to an older one is dropped
    this.timer = null;
  }

  async begin() {
    const catalogue = await this.attempt(() => get("/api/train"));
    if (!catalogue) return;
    const place = (name) => this.page.querySelector(`#train-${name}`);
    this.form = new Form(place("form"), catalogue, {
      onChange: () => this.changed(),
      onStart: () => this.start(),
      onPaper: (row) => this.attempt(() => get(`/api/train/preset?${new URLSearchParams(row)}`)),
    });
    this.outlook = new Outlook(place("outlook"));
    const use = (run) => this.useSettings(run);
    this.jobs = new Jobs(place("active"), place("queue"), catalogue.colours, (action, run) => this.act(action, run), use);
    if (this.query.run) await this.useSettings(this.query.run);
    else this.form.set(kept());
    this.check();
    this.watch();
  }

  /** Something was typed. */
  changed() {
    keep(this.form.values());
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.check(), REST_MS);
  }

  /** Ask what is wrong and what would happen; again, while something is being found out. */
  async check() {
    clearTimeout(this.timer);
    const number = ++this.checks;
    const answer = await this.attempt(() => post("/api/train/check", { values: this.form.values() }, "json"));
    if (!answer || number !== this.checks || !this.page.isConnected) return;
    this.form.showProblems(answer.problems);
    this.form.showQueue(answer.waits_for ?? []);
    this.outlook.show(answer);
    if (answer.pending) this.timer = setTimeout(() => this.check(), PENDING_MS);
  }

  async start() {
    const asked = { values: this.form.values(), name: this.form.name() };
    const answer = await this.attempt(() => post("/api/train/start", asked, "json"));
    if (!answer) return;
    this.form.showProblems(answer.problems ?? {});
    if (answer.problems) return;
    this.form.clearName();
    await this.look();
    this.jobs.reveal(answer.run);
    this.check();
  }

  async act(action, run) {
    const jobs = await this.attempt(() => post(`/api/jobs/${action}`, { run }, "json"));
    if (jobs) this.jobs.show(jobs);
    this.check();
  }

  async useSettings(run) {
    const values = await this.attempt(() => get(`/api/jobs/settings?${new URLSearchParams({ run })}`));
    if (!values) return;
    this.form.set(values);
    this.page.querySelector("#train-form").scrollTo({ top: 0 });
    this.changed();
  }

  /** Look at the jobs once. @returns {Promise<boolean>} whether one is at work */
  async look() {
    const jobs = await this.attempt(() => get("/api/jobs"));
    if (!jobs || !this.page.isConnected) return false;
    const wasBusy = this.jobs.busy;
    this.jobs.show(jobs);
    if (wasBusy !== this.jobs.busy) this.check(); // a speed can be measured again, or no longer
    return this.jobs.busy;
  }

  async watch() {
    while (this.page.isConnected) {
      const busy = await this.look();
      await new Promise((done) => setTimeout(done, busy && !document.hidden ? ACTIVE_MS : IDLE_MS));
    }
  }

  /** Do it, and say what went wrong; null then. */
  async attempt(ask) {
    try {
      const answer = await ask();
      this.message.textContent = "";
      return answer;
    } catch (error) {
      this.message.textContent = error.message;
      return null;
    }
  }
}

function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT)) ?? {};
  } catch {
    return {}; // the browser keeps nothing, or something else did
  }
}

function keep(values) {
  try {
    localStorage.setItem(KEPT, JSON.stringify(values));
  } catch {
    /* a browser that keeps nothing */
  }
}
