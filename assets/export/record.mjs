/* Recording in the page itself, for machines without a browser that the program could drive: WebM in real time. */

import { make } from "../common/dom.mjs";

const KINDS = ["video/webm;codecs=vp9", "video/webm", "video/mp4"];

/**
 * Play a player from its first snapshot to its last and record its picture, without axes.
 * @param {import("../player/main.mjs").Player} player
 * @param {{seconds?: number, fps?: number, signal?: AbortSignal, onProgress?: (share: number) => void}} [options]
 * @returns {Promise<Blob>} raises AbortError when `signal` ends it
 */
export async function record(player, { seconds = 20, fps = 30, signal, onProgress = () => {} } = {}) {
  const type = KINDS.find((kind) => globalThis.MediaRecorder?.isTypeSupported(kind));
  if (!type) throw new Error("this browser cannot record; use Chrome, Edge or Firefox");
  const { width, height } = player.stage.canvas;
  const canvas = make("canvas", { width, height });
  const context = canvas.getContext("2d", { alpha: false });
  const recorder = new MediaRecorder(canvas.captureStream(fps), { mimeType: type, videoBitsPerSecond: 8e6 });
  const parts = [];
  recorder.addEventListener("dataavailable", ({ data }) => parts.push(data));
  const ended = new Promise((resolve) => recorder.addEventListener("stop", resolve));
  const { time: before } = player.state;
  player.pause();
  player.seek(0);
  player.paint(context); // so that the stream has a picture when it begins
  recorder.start();
  try {
    await new Promise((resolve) => recorder.addEventListener("start", resolve));
    const began = performance.now();
    for (let share = 0; share < 1; ) {
      signal?.throwIfAborted();
      share = Math.min(1, (performance.now() - began) / 1000 / seconds);
      player.seek(share * player.timeline.last);
      player.paint(context);
      onProgress(share);
      await new Promise((resolve) => setTimeout(resolve, 1000 / fps));
    }
  } finally {
    recorder.stop();
    await ended;
    player.seek(before);
  }
  const film = new Blob(parts, { type });
  if (!film.size) throw new Error("this browser had no time to record; close other programs, or make it longer");
  return film;
}
