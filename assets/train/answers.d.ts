// What explorer.train.routes answers with.

/** `/api/train`: what the form is built of. */
export interface Catalogue {
  groups: { name: string; title: string; help: string; fields: Spec[] }[];
  losses: { name: string; label: string; about: string; fields: Hyperparameter[] }[];
  quick: { name: string; title: string; help: string; values: Values }[];
  paper: { dataset: string[]; backbone: string[]; loss: string[] };
  devices: { name: string; title: string; free: number | null; total: number | null }[];
  colours: Record<string, string>;
}

/** The values of the form by field, without those at their default. */
export type Values = Record<string, string | number>;

/** A field of the form. */
export interface Spec {
  name: string;
  label: string;
  help: string;
  default: string | number | object | null;
  /** Values, or pairs of value and text. */
  choices: (string | [string, string])[] | null;
  suggestions?: string[] | null;
  number: boolean;
  first: boolean;
}

/** Of a loss. */
export interface Hyperparameter {
  name: string;
  default: number;
  help: string;
  low: number;
  high: number;
  log: boolean;
}

/** `/api/train/check`; without `command` there are problems. */
export interface Check {
  problems: Record<string, string>;
  command?: string;
  device?: string;
  waits_for?: string[];
  look?: Look | null;
  missing?: string | null;
  pending?: string | null;
  busy?: boolean;
  sizes?: { train: number; test: number; n_classes: number; width: number; height: number; channels: number };
  estimate?: { time: string; snapshots: number; bytes: number } | null;
  speed?: { images_per_second: number; parameters: number };
}

/** Some images, as addresses of their own. */
export interface Look {
  before: string[];
  after: string[];
  shown: string[];
  /** What was read of images of one's own, and what was not, in sentences. */
  account: string[];
  size_before: number[];
  width: number;
  height: number;
}

/** `/api/jobs` */
export interface Jobs {
  active: Job[];
  waiting: Job[];
  over: Job[];
  /** How many more are over. */
  more: number;
}

export interface Job {
  run: string;
  state: string;
  dataset: string;
  backbone: string;
  head: string;
  loss_name: string | null;
  dim: number;
  device: string;
  error: string | null;
  warning: string | null;
  epoch: number;
  epochs: number;
  progress: number;
  snapshots: number;
  has_log: boolean;
  loss: number | null;
  images_per_second: number | null;
  seconds_left: number | null;
  /** The run that trains on its device. */
  waits_for?: string | null;
}

/** `/api/jobs/rows`: a row of the run's metrics. */
export interface Row {
  epoch: number;
  loss: number | null;
  accuracy?: Record<string, number>;
  cluster_size: number | null;
  centre_distance: number | null;
}
