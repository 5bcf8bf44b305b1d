/* The legend: a chip a class, which hides it (click), shows it alone (double click) or lets it stand out (alt click). */

/** @param {HTMLElement | null} element @param {object} legend as the player tells it @param {import("../player/main.mjs").Player} player */
export function showLegend(element, legend, player) {
  if (!element) return;
  const chips = legend.classes.map(({ index, name, colour, shown, dimmed }) => {
    const chip = document.createElement("button");
    chip.type = "button";
    chip.className = "legend-chip";
    chip.title = `${name}: click hides, double click shows it alone, alt click lets it stand out`;
    chip.setAttribute("aria-pressed", shown);
    chip.dataset.dimmed = dimmed;
    const dot = document.createElement("span");
    dot.className = "legend-dot";
    dot.style.background = colour;
    chip.append(dot, name);
    chip.addEventListener("click", (event) => {
      const { state } = player;
      if (event.altKey) return player.set("focus", toggled(state.focus, index));
      if (state.solo !== null) return player.set("solo", null);
      player.set("hidden", toggled(state.hidden, index));
    });
    chip.addEventListener("dblclick", () => {
      player.set("hidden", new Set());
      player.set("solo", index);
    });
    return chip;
  });
  element.replaceChildren(...entries(legend), ...chips);
}

function entries(legend) {
  if (legend.ramp) {
    const scale = document.createElement("div");
    scale.className = "legend-ramp";
    scale.style.setProperty("--ramp", `linear-gradient(to right, ${legend.ramp.join(",")})`);
    scale.append(number(legend.low), legend.title, number(legend.high));
    return [scale];
  }
  return (legend.entries ?? []).map(({ name, colour }) => {
    const line = document.createElement("div");
    line.className = "legend-entry";
    const dot = document.createElement("span");
    dot.className = "legend-dot";
    dot.style.background = colour;
    line.append(dot, name);
    return line;
  });
}

function number(value) {
  const text = document.createElement("span");
  text.textContent = Number(value).toPrecision(3);
  return text;
}

function toggled(set, value) {
  const changed = new Set(set);
  if (!changed.delete(value)) changed.add(value);
  return changed;
}
