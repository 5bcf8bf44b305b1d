/* Requests to the server. Whatever goes wrong is a DataError with one sentence for the user. */

import { DataError, decode } from "./binary.mjs";

/** @typedef {import("./binary.mjs").Decoded} Decoded */

const NO_ANSWER = "the server does not answer; is it still running?";

/**
 * @param {string} url
 * @param {Record<string, any>} [parameters] of its query; null ones are left out
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} the JSON or the arrays that it answers with, another text as it is
 */
export async function get(url, parameters = {}, signal) {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return read(await request(pairs.length ? `${url}?${new URLSearchParams(pairs)}` : url, { signal }));
}

/**
 * @param {string} url
 * @param {object | string | Uint8ClampedArray} [body] text and bytes as they are, all else as JSON
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>} as of `get`
 */
export async function post(url, body, signal) {
  return read(await request(url, { ...postOf(body), signal }));
}

/**
 * Arrays of the explorer's binary format.
 * @param {string} url
 * @param {string} what for error messages: "the frames"
 * @param {AbortSignal} [signal]
 * @returns {Promise<Decoded>}
 */
export async function fetchArrays(url, what, signal) {
  const { content } = await request(url, { signal }).catch((error) => {
    throw error instanceof DataError ? new DataError(`${what} cannot be loaded: ${error.message}`, error.status) : error;
  });
  return decode(content, what);
}

/**
 * A file, by the name that the server gives it.
 * @param {string} url
 * @param {object} [body] of a POST; without one it is a GET
 * @param {AbortSignal} [signal]
 * @returns {Promise<File>}
 */
export async function fetchFile(url, body, signal) {
  const { response, content } = await request(url, { ...(body && postOf(body)), signal });
  const name = /filename="?([^";]+)/.exec(response.headers.get("Content-Disposition") ?? "");
  return new File([content], name?.[1] ?? "", { type: typeOf(response) });
}

/**
 * Send a file as it is, and say how much of it has been sent, which `fetch` cannot.
 * @param {string} url @param {Blob} file
 * @param {(sent: number) => void} onProgress called with bytes
 * @param {AbortSignal} signal ends it: it then raises AbortError
 * @returns {Promise<any>} as of `get`
 */
export function upload(url, file, onProgress, signal) {
  const sender = new XMLHttpRequest();
  sender.open("POST", url);
  sender.responseType = "arraybuffer";
  sender.setRequestHeader("Content-Type", "application/octet-stream");
  sender.upload.addEventListener("progress", ({ loaded }) => onProgress(loaded));
  signal.addEventListener("abort", () => sender.abort());
  return new Promise((resolve, reject) => {
    sender.addEventListener("load", () => {
      const answer = parse(sender.response);
      if (sender.status === 200 && answer !== undefined) resolve(answer);
      else reject(refusal(sender, answer?.error));
    });
    sender.addEventListener("error", () => reject(new DataError(NO_ANSWER)));
    sender.addEventListener("abort", () => reject(new DOMException("it was ended", "AbortError")));
    sender.send(file);
  });
}

/** @param {object | string | Uint8ClampedArray} [body] @returns {RequestInit} */
function postOf(body) {
  if (body === undefined || typeof body === "string" || body instanceof Uint8ClampedArray) return { method: "POST", body };
  return { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } };
}

/** @param {string} url @param {RequestInit} options with a signal that ends it: it then raises AbortError */
async function request(url, options) {
  let response, content;
  try {
    response = await fetch(url, options);
    content = await response.arrayBuffer();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new DataError(NO_ANSWER);
  }
  if (response.ok) return { response, content };
  const { error, message } = parse(content) ?? {};
  throw refusal(response, error ?? message);
}

/** @param {{response: Response, content: ArrayBuffer}} answer @returns {any} */
function read({ response, content }) {
  const type = typeOf(response);
  if (type.includes("octet-stream")) return decode(content, "the answer");
  const answer = type.includes("json") ? parse(content) : new TextDecoder().decode(content);
  if (answer === undefined) throw refusal(response);
  return answer;
}

/** @param {Response} response */
function typeOf(response) {
  return response.headers.get("Content-Type") ?? "";
}

/**
 * Why there is no answer of use: as the server says it, else the status.
 * @param {{status: number, statusText: string}} response @param {string} [reason]
 */
function refusal({ status, statusText }, reason) {
  return new DataError(reason ?? `the server answered ${status} ${statusText}`.trim(), status);
}

/** @param {ArrayBuffer} content @returns {any} undefined: it is no JSON but a proxy's page, or nothing */
function parse(content) {
  try {
    return JSON.parse(new TextDecoder().decode(content));
  } catch {
    return undefined;
  }
}

/** The newest of several requests: one is in flight, the newest waits for it, those between are never sent. */
export class NewestRequest {
  /** @param {(problem: string) => void} say called with what went wrong, in one sentence, or with "" after an answer */
  constructor(say) {
    this.say = say;
    /** @type {{controller: AbortController, isAbortable: boolean, answer: Promise<any>} | null} */
    this.inFlight = null;
    /** @type {AbortController | null} */
    this.waiting = null;
    this.dropped = 0; // number of those that were never sent
  }

  /**
   * @template Answer
   * @param {(signal: AbortSignal) => Promise<Answer>} fetchAnswer
   * @param {boolean} [isAbortable] whether a newer one ends it; otherwise its answer is of use all the same
   * @returns {Promise<Answer | null>} null: it failed, or a newer one took its place
   */
  async send(fetchAnswer, isAbortable = true) {
    const controller = new AbortController();
    if (this.waiting) this.dropped++;
    this.waiting?.abort();
    this.waiting = controller;
    if (this.inFlight?.isAbortable) this.inFlight.controller.abort();
    await this.inFlight?.answer.catch(() => {}); // its sender gets the error
    if (controller.signal.aborted) return null;
    this.waiting = null;
    const answer = this._answer(fetchAnswer, controller.signal).finally(() => (this.inFlight = null));
    this.inFlight = { controller, isAbortable, answer };
    return answer;
  }

  async _answer(fetchAnswer, signal) {
    try {
      const answer = await fetchAnswer(signal);
      if (signal.aborted) return null;
      this.say("");
      return answer;
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof DataError)) throw error;
      this.say(error.message);
      return null;
    }
  }

  stop() {
    this.waiting?.abort();
    this.inFlight?.controller.abort();
  }
}
