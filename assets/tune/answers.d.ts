// What explorer.tune.routes answers with.

/** A line of `/api/searches`. */
export interface Summary {
  name: string;
  state: string;
  done: number;
  wanted: number;
  best: number | null;
  best_run: string | null;
  /** Why it cannot be read, if so. */
  problem: string | null;
}

/** `/api/search` */
export interface Search extends Summary {
  dataset: string;
  backbone: string;
  loss: string;
  epochs: number;
  split: string;
  space: [name: string, kind: Kind][];
  seconds_left: number | null;
  trials: Trial[];
}

/** What a hyperparameter is drawn from: some values, or a range. */
export interface Kind {
  values?: number[];
  low?: number;
  high?: number;
  log?: boolean;
}

export interface Trial {
  number: number;
  run: string;
  params: Record<string, number>;
  state: string;
  reason: string | null;
  accuracies: number[];
  best: number | null;
  epoch: number;
  /** When; null while it trains. */
  ended: number | null;
  /** To its run, while that has something to show. */
  href: string | null;
}
