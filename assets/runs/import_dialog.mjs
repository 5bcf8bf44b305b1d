/* The import of a file: it is sent as it lies on the disk, and the dialog stays until it is closed. It says how far the
   file is, and then what was taken of it and what was ignored, or why it was refused. */

import { upload } from "../common/http.mjs";
import { button, make, setStyle } from "../common/dom.mjs";
import { bytes, percent } from "../common/numbers.mjs";

/** @typedef {{images: number, lines: string[], notes: string[], ignored: string[], rows: string}} Account */
/** @typedef {{id: string, account: Account}} Imported */

/** Import the one file that was chosen or dropped. @param {File[]} files */
export async function importFiles(files) {
  const page = /** @type {HTMLElement} */ (document.querySelector(".runs"));
  document.getElementById("runs-import-dialog")?.dispatchEvent(new Event("close")); // of the file before
  const [file] = files;
  const dialog = new ImportDialog(page, file.name);
  const problem = refusal(files, page.dataset);
  if (problem) return dialog.refuse(problem);
  try {
    /** @type {Imported} */
    const imported = await upload(`/api/import?${new URLSearchParams({ name: file.name })}`, file, dialog.progress(file.size), dialog.signal);
    if (document.getElementById("runs-table")) {
      window.dash_clientside.set_props?.("runs-imported", { data: { id: imported.id, at: Date.now() / 1000 } });
    }
    dialog.tell(imported);
  } catch (error) {
    if (error.name !== "AbortError") dialog.refuse(error.message);
  }
}

/** Why files are not sent at all; "" if they are. @param {File[]} files @param {DOMStringMap} limits of the page */
function refusal(files, { endings = "", largest = "" }) {
  const [{ name, size }] = files;
  if (files.length > 1) return `${files.length} files were dropped; a run is made of one`;
  const ending = /\.[^.]*$/.exec(name)?.[0].toLowerCase() ?? "";
  if (!endings.split(" ").includes(ending)) {
    const hint = ending === ".npy" ? `; its labels are a second file: in a terminal, mtm import ${name} --labels FILE` : "";
    return `${name}: '${ending}' files cannot be imported here; use ${endings.split(" ").join(" or ")}${hint}`;
  }
  return size > Number(largest) ? `${name}: ${bytes(size)} is more than the ${bytes(Number(largest))} that this page sends; use a terminal: mtm import ${name}` : "";
}

class ImportDialog {
  /** @param {HTMLElement} page @param {string} name of the file */
  constructor(page, name) {
    const controller = new AbortController();
    this.signal = controller.signal;
    this.title = make("strong", { textContent: `Import of ${name}` });
    this.bar = make("div", { class: "import-bar" });
    this.track = make("div", { class: "import-track" }, this.bar);
    this.text = make("p", { role: "status", textContent: "Waiting for the server" });
    this.close = button("Cancel", "", () => close(), { id: "runs-import-close" });
    this.buttons = make("div", { class: "import-buttons" }, this.close);
    const label = { id: "runs-import-dialog", class: "import-dialog", "aria-label": `Import of ${name}` };
    this.dialog = make("dialog", label, this.title, this.track, this.text, this.buttons);
    const close = () => {
      controller.abort();
      this.dialog.remove();
      document.getElementById("runs-import-button")?.focus();
    };
    this.dialog.addEventListener("close", close);
    this.dialog.addEventListener("keydown", (event) => event.key === "Escape" && close());
    page.append(this.dialog);
    this.dialog.show(); // the page stays of use while a large file is on its way
  }

  /** @param {number} size @returns {(sent: number) => void} shows how much of it has been sent */
  progress(size) {
    return (sent) => {
      const share = Math.min(1, sent / size);
      setStyle(this.bar, { width: `${100 * share}%` });
      this.text.textContent = share < 1 ? `Sent ${percent(share, 0)} of ${bytes(size)}` : "Sent; the server reads it";
    };
  }

  /** Say what was taken, and lead to the run. @param {Imported} imported */
  tell({ id, account }) {
    this.title.textContent = `Imported as ${id}`;
    const lines = account.lines.map((line) => make("li", { class: line.startsWith("Ignored: ") ? "is-ignored" : "", textContent: line }));
    this.text.replaceWith(make("ul", { class: "import-account", role: "status" }, ...lines));
    this.end(make("a", { class: "control-button", href: `/?${new URLSearchParams({ run: id })}`, textContent: "Open" }));
  }

  /** @param {string} problem */
  refuse(problem) {
    this.text.replaceWith(make("p", { id: "runs-import-problem", class: "runs-problem", role: "alert", textContent: problem }));
    this.end();
  }

  /** @param {...HTMLElement} more buttons */
  end(...more) {
    this.track.remove();
    this.close.textContent = "Close";
    this.buttons.prepend(...more);
    this.close.focus();
  }
}
