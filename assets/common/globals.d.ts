// What the browser code finds on the page beside the browser's own: Dash, Plotly, the table, and the pages' own objects.

interface Dash {
  set_props?(id: string, properties: Record<string, unknown>): void;
  callback_context?: { triggered_id: string };
  no_update?: unknown;
  [namespace: string]: unknown;
}

interface AgGrid {
  getApiAsync(id: string): Promise<any>;
}

/** The part of Plotly's state that an element with a figure carries. */
interface PlotlyLayout {
  width: number;
  height: number;
  dragmode: string;
  xaxis: { _offset: number; _length: number; range: number[]; d2p?: (value: number) => number };
  yaxis: { _offset: number; _length: number; range: number[]; d2p?: (value: number) => number };
  _size?: { l: number; t: number; w: number; h: number };
}

interface Window {
  Plotly?: any;
  React?: any;
  dash_clientside: Dash;
  dash_ag_grid: AgGrid;
  dashAgGridFunctions: Record<string, Function>;
  dashAgGridComponentFunctions: Record<string, Function>;
}

declare var Plotly: any;
declare var dash_clientside: Dash;

interface HTMLElement {
  /** The object of the page or the part of it that the element belongs to; for tests and the console. */
  player?: import("../player/main.mjs").Player;
  panels?: import("../explore/panels/panels.mjs").Panels;
  lab?: any;
  /** Plotly's, on the element of a figure. */
  _fullLayout?: PlotlyLayout;
  on?: (event: string, listener: (event: any) => void) => void;
}
