/* The page that `explorer export --what html` writes: the player with its controls, opened from a file, no server. */

import { fillChoices, tick } from "../common/dom.mjs";
import { WORDS } from "../common/words.mjs";
import { Card } from "../player/controls/card.mjs";
import { Legend } from "../player/controls/legend.mjs";
import { TimeBar } from "../player/controls/timebar.mjs";
import { mount } from "../player/main.mjs";
import * as axes from "./axes.mjs";
import { about, unpack } from "./embedded_data.mjs";

const byId = (id) => document.getElementById(id);

async function start() {
  const page = about();
  setTheme(page.theme === "auto" ? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light") : page.theme);
  const [frames, attributes] = await Promise.all([unpack("frames"), unpack("attributes")]);
  const regions = Object.fromEntries(
    await Promise.all(page.classifiers.map(async (name) => [name, await unpack(`regions-${name}`)])),
  );
  const stage = byId("stage");
  const options = { ...page.options, plotly: axes };
  const player = mount(stage, options);
  await player.ready;
  const timebar = new TimeBar(byId("timeline"), player);
  const legend = new Legend(byId("legend"), player);
  new Card(stage, player);
  player.on("legend", (entry) => legend.show(entry));
  player.on("notice", ({ message }) => (byId("notice").textContent = message));
  player.on("time", () => {
    const snapshot = Math.round(player.state.time) + 1;
    byId("now").textContent = `snapshot ${snapshot} / ${frames.meta.epochs.length} · epoch ${player.epoch.toFixed(2)}`;
    timebar.draw();
  });
  const sprite = byId("data-sprite")?.textContent.trim();
  player.setRun({ frames, attributes, sprite: sprite ? `data:image/png;base64,${sprite}` : null });
  const { epochs, accuracies } = frames.meta;
  timebar.setRun({ epochs, accuracies });

  const decideBy = (name) => {
    player.set("classifier", name);
    player.setRegions(regions[name]);
    byId("regions").textContent = page.regions[name] ?? "";
  };
  fillSelect(byId("classifier"), page.classifierNames, options.classifier, decideBy);
  fillSelect(byId("colour"), WORDS.colours, options.colour, (name) => player.set("colour", name));
  for (const [name, [text, help]] of Object.entries(WORDS.marks)) {
    byId("marks").append(tick(text, player.state[name], help, (isOn) => player.set(name, isOn), { class: "" }));
  }
  decideBy(options.classifier);
  byId("theme").addEventListener("click", () =>
    setTheme(document.documentElement.dataset.mantineColorScheme === "dark" ? "light" : "dark"),
  );
  if (page.time !== null) player.seek(page.time);
  else if (player.state.still) player.seek(timebar.last);
  else player.play();
}

/**
 * Fill a list and listen to it.
 * @param {HTMLElement} list @param {Record<string, string>} choices @param {string} selected
 * @param {(value: string) => void} changed
 */
function fillSelect(list, choices, selected, changed) {
  const select = /** @type {HTMLSelectElement} */ (list);
  fillChoices(select, Object.entries(choices));
  select.value = selected;
  select.addEventListener("change", () => changed(select.value));
}

function setTheme(name) {
  document.documentElement.dataset.mantineColorScheme = name;
  byId("theme").textContent = name === "dark" ? "light" : "dark";
}

start().catch((error) => {
  byId("notice").textContent = `this page cannot be shown: ${error.message}; use a browser of 2023 or later`;
  throw error;
});
