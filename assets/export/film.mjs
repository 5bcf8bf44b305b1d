/* The player as a film: stepped frame by frame, and each frame sent to the program that encodes it. */

import { post } from "../common/http.mjs";
import { mount } from "../player/main.mjs";
import { THEMES } from "../player/colours.mjs";
import * as axes from "./axes.mjs";
import { about, unpack } from "./embedded_data.mjs";
import { Sheet } from "./film_frame.mjs";

async function start() {
  const page = about();
  const [frames, attributes, regions] = await Promise.all(["frames", "attributes", "regions"].map(unpack));
  const stage = document.getElementById("stage");
  document.documentElement.style.cssText = `background: ${THEMES[page.options.theme].page}`;
  const sheet = new Sheet(page, stage);
  const player = mount(stage, { ...page.options, plotly: axes, keys: "element", still: true });
  let lost = ""; // why no more frames can be drawn
  player.on("notice", ({ kind, message }) => {
    if (kind === "context") lost = message;
  });
  await player.ready;
  player.setRun({ frames, attributes });
  player.setRegions(regions);
  sheet.begin(player);
  let sent = Promise.resolve();
  for (const time of page.times) {
    player.seek(time);
    player.draw();
    const pixels = sheet.draw();
    await sent; // the next frame is drawn while this one is on its way
    if (lost) throw new Error(lost);
    sent = post("frame", pixels);
  }
  await sent;
}

start().catch((error) => post("failed", `${error.message}`));
