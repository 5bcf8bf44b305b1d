// What the browser code finds on the page beside the browser's own: Dash, Plotly, the table, and the pages' own objects.
// deno-lint-ignore-file no-var

interface Dash {
  set_props?(id: string, properties: Record<string, unknown>): void;
  callback_context?: { triggered_id: string };
  no_update?: unknown;
  [namespace: string]: unknown;
}

type PlotlyLibrary = import("../player/axes.mjs").PlotlyLike & {
  newPlot(host: HTMLElement, traces: object[], layout: object, config: object): Promise<unknown>;
};

interface PlotlyAxis {
  _offset: number;
  _length: number;
  range: (number | string)[];
  d2p?(value: number): number;
}

/** The part of its own state that Plotly hangs on the element of a figure. */
interface PlotlyLayout {
  width: number;
  height: number;
  dragmode: string;
  xaxis?: PlotlyAxis;
  yaxis?: PlotlyAxis;
  _size?: { l: number; t: number; w: number; h: number };
}

interface GridRow {
  rowIndex: number;
  data: object;
  isSelected(): boolean;
  setSelected(isSelected: boolean, isOnly: boolean): void;
}

interface GridApi {
  isDestroyed(): boolean;
  getRowNode(id: string): GridRow | undefined;
  getSelectedNodes(): GridRow[];
  getDisplayedRowCount(): number;
  setFocusedCell(row: number, column: string): void;
  setColumnsVisible(columns: string[], isVisible: boolean): void;
  setColumnGroupOpened(group: string, isOpen: boolean): void;
}

interface Window {
  Plotly?: PlotlyLibrary;
  React?: { createElement(type: string, properties: object | null, ...children: unknown[]): object };
  dash_clientside: Dash;
  dash_ag_grid?: { getApiAsync(id: string): Promise<GridApi> };
  /** By the names that the columns of the table use. */
  dashAgGridFunctions: Record<string, object>;
  dashAgGridComponentFunctions: Record<string, object>;
}

declare var Plotly: PlotlyLibrary | undefined;
declare var dash_clientside: Dash;

interface HTMLElement {
  /** The object of the part of the page that the element belongs to, for tests and the console. */
  player?: import("../player/main.mjs").Player;
  panels?: import("../explore/panels/panels.mjs").Panels;
  /** Plotly's, once it has drawn a figure in the element. */
  _fullLayout?: PlotlyLayout;
  on?(event: string, listener: (event: unknown) => void): void;
}
