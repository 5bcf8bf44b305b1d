/* The lab's keys: the player's for snapshots, and a few of its own. Arrow keys on a point are the point's. */

/** @param {object} lab the page @returns {() => void} stops listening */
export function listenToKeys(lab) {
  const keys = {
    f: () => lab.fit(),
    r: () => lab.release.toggle(),
    s: () => lab.release.step(),
    Escape: () => lab.release.reset(),
  };
  const inRun = {
    " ": () => lab.picker.toggle(),
    ArrowLeft: () => lab.picker.step(-1),
    ArrowRight: () => lab.picker.step(1),
    Home: () => lab.picker.go(0),
    End: () => lab.picker.go(lab.picker.about.epochs.length - 1),
  };
  const listener = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !lab.root.isConnected) return;
    if (event.target.closest?.("input, select, textarea, [contenteditable]")) return;
    if (event.key === " " && event.target.closest?.("button")) return; // presses the button
    const act = keys[event.key] ?? (lab.state?.inRun ? inRun[event.key] : null);
    if (!act) return;
    event.preventDefault();
    act();
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}
