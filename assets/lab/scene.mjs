/* The view of a response: every panel's arrays, and the points with names and colours. */

import { pairs } from "./panel.mjs";

const NEAR = 1e-6; // share of the box within which a point counts as on the slice
const MOST_NAMES = 24; // targets that have their names written beside them

/**
 * @param {import("../common/binary.mjs").Decoded} answer
 * @param {number} count of losses
 * @param {object | null} older view whose points stay where they are while one of them is dragged
 */
export function makeView(answer, count, older) {
  const { meta, arrays } = answer;
  const panels = Array.from({ length: count }, (_, i) => {
    const own = Object.entries(arrays).filter(([name]) => name.startsWith(`${i}.`));
    return { about: meta.panels[i] ?? { error: "" }, arrays: Object.fromEntries(own.map(([name, array]) => [name.slice(2), array])) };
  });
  const good = panels.find(({ about }) => !about.error);
  const view = {
    meta,
    panels,
    box: meta.box,
    label: meta.label,
    e: older?.e ?? (good ? pairs(good.arrays.e) : []),
    c: older?.c ?? (good ? pairs(good.arrays.c) : []),
  };
  view.sceneOf = (i, state, places, palette, held) => sceneOf(view, i, state, places, palette, held);
  return view;
}

function sceneOf(view, i, state, released, palette, held) {
  const { meta, panels, box } = view;
  const inPlane = !state.inRun;
  const source = panels[i].arrays.off_c ? panels[i].arrays : panels.find(({ arrays }) => arrays.off_c)?.arrays;
  const size = box[2] - box[0];
  const colour = (label) => palette[label % palette.length];
  const places = released ?? { e: inPlane ? state.points.e : view.e, c: inPlane ? state.points.c : view.c };
  const points = [];
  const add = (kind, index, place, label, main, name, title) => {
    const off = source?.[`off_${kind}`]?.[index] ?? 0;
    const away = off > NEAR * size ? `, ${off.toPrecision(3)} away from this slice` : "";
    const isHeld = held?.kind === kind && held.index === index;
    points.push({ kind, index, place, colour: colour(label), main, faint: away !== "", held: isHeld, name, title: title + away });
  };
  places.c.forEach((place, k) => {
    const own = k === meta.label;
    const isNamed = places.c.length <= MOST_NAMES || own || k === meta.rival;
    const name = inPlane || !own ? meta.names[k] : `${meta.names[k]} (c_e)`;
    add("c", k, place, k, own, isNamed ? name : "", `target ${meta.names[k] ?? k}`);
  });
  places.e.forEach((place, m) => {
    const label = inPlane ? state.points.y[m] : meta.y[m];
    const many = places.e.length > 1;
    add("e", m, place, label, m === state.chosen, many && !inPlane ? "" : many ? `e_${m}` : "e", `embedding${many ? ` ${m}` : ""}`);
  });
  const trails = released
    ? points.map(({ kind, index, colour: own }) => ({ places: released.trail(kind, index), colour: own }))
    : [];
  return { points, trails, origin: inPlane ? [0, 0] : null };
}
