/* Requests that never queue up: one is in flight, the newest waits for it, older ones are dropped. An abortable one
   in flight is aborted as soon as there is a newer one. */

import { DataError, decode } from "../player/data.mjs";

export class LatestRequest {
  /** @param {string} url @param {"arrays" | "json"} kind of the response */
  constructor(url, kind) {
    this.url = url;
    this.kind = kind;
    this.inFlight = false;
    this.abortable = null; // the controller of the one in flight, if it may be aborted
    this.waiting = null; // the newest request that has not been sent
    this.sent = 0;
    this.dropped = 0;
  }

  /**
   * @param {object} body
   * @param {boolean} abortable whether it is aborted as soon as there is a newer one
   * @returns {Promise<any>} the response, or null if a newer request took this one's place
   */
  send(body, abortable = false) {
    return new Promise((resolve, reject) => {
      if (this.waiting) {
        this.dropped++;
        this.waiting.resolve(null);
      }
      this.waiting = { body, abortable, resolve, reject };
      this.abortable?.abort();
      this._next();
    });
  }

  async _next() {
    if (this.inFlight || !this.waiting) return;
    const { body, abortable, resolve, reject } = this.waiting;
    const controller = new AbortController();
    this.waiting = null;
    this.inFlight = true;
    this.abortable = abortable ? controller : null;
    this.sent++;
    try {
      resolve(await post(this.url, body, this.kind, controller.signal));
    } catch (error) {
      if (controller.signal.aborted) resolve(null);
      else reject(error);
    } finally {
      this.inFlight = false;
      this.abortable = null;
      this._next();
    }
  }
}

/** Post JSON and read the response. Raises DataError with one sentence. @param {"arrays" | "json" | "blob"} kind @param {AbortSignal} [signal] */
export async function post(url, body, kind, signal) {
  const headers = { "Content-Type": "application/json" };
  return readResponse(() => fetch(url, { method: "POST", body: JSON.stringify(body), headers, signal }), kind);
}

/** Get JSON. Raises DataError with one sentence. */
export async function get(url) {
  return readResponse(() => fetch(url), "json");
}

async function readResponse(send, kind) {
  const response = await send().catch(() => {
    throw new DataError("the server does not answer; is it still running?");
  });
  if (!response.ok) {
    const body = await response.json().catch(() => ({}));
    throw new DataError(body.error ?? `the server answered ${response.status} ${response.statusText}`.trim());
  }
  if (kind === "blob") return response.blob();
  return kind === "json" ? response.json() : decode(await response.arrayBuffer(), "the landscape");
}
