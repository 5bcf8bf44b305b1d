/* The curves panel, which is filled by Dash. */

export class CurvesPanel {
  static title = "Curves";
  static help = "The measures of the paper over the epochs";
  grows = true;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.wasHidden = false;
  }

  hide() {
    this.wasHidden = true;
  }

  show() {
    if (this.wasHidden) dispatchEvent(new Event("resize")); // graphs that were hidden take their size
    this.wasHidden = false;
  }
}
