/* Requests of the panels to the server. Whatever goes wrong is a DataError with one sentence for the user. */

import { DataError, decode } from "../player/data.mjs";

/** @param {string} url @param {Record<string, any>} parameters null ones are left out @param {AbortSignal} [signal] */
export function get(url, parameters, signal) {
  const pairs = Object.entries(parameters).filter(([, value]) => value !== null && value !== undefined);
  return request(`${url}?${new URLSearchParams(pairs)}`, { signal });
}

/** @param {string} url @param {object} body @param {AbortSignal} [signal] */
export function post(url, body, signal) {
  const headers = { "Content-Type": "application/json" };
  return request(url, { method: "POST", headers, body: JSON.stringify(body), signal });
}

async function request(url, options) {
  let response;
  let content;
  try {
    response = await fetch(url, options);
    content = await response.arrayBuffer();
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new DataError("the server does not answer; is it still running?");
  }
  if (response.ok && !response.headers.get("Content-Type").includes("json")) return decode(content, "the answer");
  const answer = await new Response(content).json().catch(() => null);
  if (!response.ok || !answer) throw new DataError(answer?.error ?? `the server answered ${response.status}`);
  return answer;
}

/** The newest of several requests: an older one is aborted, a failure becomes a sentence. */
export class NewestRequest {
  /** @param {(sentence: string) => void} say called with the sentence, or with "" after an answer */
  constructor(say) {
    this.say = say;
  }

  /**
   * @template Answer
   * @param {(signal: AbortSignal) => Promise<Answer>} fetchAnswer
   * @returns {Promise<Answer | null>} null: it failed, or a newer request was sent
   */
  async send(fetchAnswer) {
    this.pending?.abort();
    const { signal } = (this.pending = new AbortController());
    try {
      const answer = await fetchAnswer(signal);
      if (signal.aborted) return null;
      this.say("");
      return answer;
    } catch (error) {
      if (signal.aborted) return null;
      if (!(error instanceof DataError)) throw error;
      this.say(`${error.message[0].toUpperCase()}${error.message.slice(1)}.`);
      return null;
    }
  }

  stop() {
    this.pending?.abort();
  }
}
