// Made from diagnostics/dashboard/wire.py by: python -m diagnostics.dashboard.typescript

export as namespace Wire;

export type Tone = "vanishing" | "exploding" | "lost" | "healthy";

export type State = "queued" | "running" | "paused" | "finished" | "stopped" | "diverged" | "failed" | "lost" | "preview";

export type Kind = "profile" | "layers" | "network" | "heat" | "loss" | "clipping" | "ladder" | "units" | "histogram" | "members" | "updates" | "told";

export type Skeletons = Record<string, Record<string, Figure>>;

export type Role = "alone" | "presents" | "follows";

export type Deed = "play" | "again" | "step" | "pin" | "reset" | "pace" | "copy" | "changes" | "scene" | "lesson" | "run" | "link" | "stop" | "describe" | "delete" | "restore";

/** A word or an option in plain words, with its source where it has one. */
export interface Explained {
  label: string;
  help: string;
  source: string;
}

/** A line of a chart as its legend shows it: ``ink`` or ``amber``, drawn in ``dash``. */
export interface Stroke {
  label: string;
  dash: "solid" | "dash" | "dot" | "dashdot" | "area";
  color: "ink" | "muted" | "pinned" | "amber";
}

/** A chart: the question it answers, what it draws, how and where. */
export interface Chart {
  key: string;
  title: string;
  hint: string;
  kind: Kind;
  place: string;
  metric: string;
  empty: string;
  reported: boolean;
  output: boolean;
  quantity: string;
  axis: string;
  about: string;
  legend: Stroke[];
}

/** Charts of the whole run that are in sight together. */
export interface Panel {
  key: string;
  label: string;
}

/** A metric that the leading chart can show. */
export interface View {
  key: string;
  label: string;
  metric: string;
  title: string;
  course: string;
  hint: string;
  predicted: "decades" | "activation_std" | null;
}

/** A rung of the ladder that a weight's gradient climbs down. */
export interface Rung {
  metric: string;
  label: string;
}

/** The metrics that the drawn network shows beside its gradient: how bright wires are, which */
export interface Shades {
  wires: string;
  dark: string;
  pale: string;
}

/** What there is to draw; places that are ``seldom`` are there where a run has their numbers. */
export interface Tables {
  charts: Chart[];
  panels: Panel[];
  seldom: string[];
  views: View[];
  rungs: Rung[];
  shades: Shades;
  metrics: Record<string, Metric>;
}

/** A chart in Plotly's words, without its numbers. */
export interface Figure {
  data: Record<string, any>[];
  layout: Record<string, any>;
}

/** One step: a value for each layer, the output layer last. */
export interface Layers {
  step: number;
  metrics: Record<string, (number | null)[]>;
  marks: number[];
  decades: (number | null)[];
}

/** What lies around the medians of a metric, one for each group; null where nothing does. */
export interface Spread {
  low: (number | null)[];
  high: (number | null)[];
  least: (number | null)[];
  most: (number | null)[];
}

/** One step of a large model: a value for each group of layers in sight, the output last. */
export interface Folded {
  step: number;
  metrics: Record<string, (number | null)[]>;
  marks: number[];
  decades: (number | null)[];
  part: string;
  names: string[];
  first: number[];
  last: number[];
  lost: number[];
  spread: Record<string, Spread>;
  anchor: number;
}

/** The profile predicted at initialization, or a sentence why there is none. */
export interface Theory {
  why_not: string;
  decades: (number | null)[] | null;
  spread: (number | null)[] | null;
  activation_std: (number | null)[] | null;
  slope: number | null;
}

/** Loss and held-out numbers over steps. */
export interface Series {
  steps: number[];
  loss: (number | null)[];
  heldout: (number | null)[];
  accuracy: (number | null)[];
}

/** A scalar of a watched loop's own over the steps at which it was told. */
export interface Own {
  name: string;
  steps: number[];
  values: (number | null)[];
}

/** Decades of the chosen view, [layers − 1, steps]; of groups the layer farthest from 0. */
export interface Heat {
  steps: number[];
  decades: (number | null)[][];
}

/** Global norms before and after; ``share`` of steps clipped, mean ``angle`` in degrees. */
export interface Clipping {
  steps: number[];
  before: (number | null)[];
  after: (number | null)[];
  share: number;
  angle: number | null;
  method: string;
  threshold: number | null;
}

/** A layer's units, 1 where dead, [units, steps]; how many died, and came back. */
export interface Lives {
  steps: number[];
  dead: (number | null)[][];
  died: number;
  revived: number;
}

/** A step that one may want to jump to, and what happened then. */
export interface Moment {
  step: number;
  words: string;
}

/** The whole run, thinned; what another panel draws is left out. */
export interface History {
  steps: number[];
  loss: (number | null)[];
  heldout: (number | null)[];
  accuracy: (number | null)[];
  heat: Heat;
  events: Event[];
  moments: Moment[];
  beside: Series[];
  clipping: Clipping | null;
  lives: Lives | null;
  updates: (number | null)[] | null;
  own: Own[];
}

/** Another run at the same step; ``ghost`` where it is the one before, else it was chosen. */
export interface Beside {
  run: string;
  name: string;
  ghost: boolean;
  now: Layers | Folded | null;
}

/** A run in the table: what was chosen in each column, and what came of it. */
export interface Outcome {
  run: string;
  name: string;
  values: string[];
  diagnosis: string;
  tone: Tone | null;
  state: State;
  steps: number;
  best: number | null;
  decades: number | null;
}

/** Runs side by side: columns of what differs between them. */
export interface Compared {
  columns: string[];
  rows: Outcome[];
}

/** A diagnosis, and when its rule speaks. */
export interface Verdict {
  rule: string;
  severity: "ill" | "watch" | "fine";
  title: string;
  sentence: string;
  layers: number[];
  since_step: number | null;
  evidence: Record<string, number>;
  remedies: Remedy[];
  chart: string;
  tone: Tone;
  help: string;
}

/** A diagnosis of a large model's layers, of which the first and the last are told. */
export interface Placed {
  rule: string;
  severity: "ill" | "watch" | "fine";
  title: string;
  sentence: string;
  layers: number[];
  since_step: number | null;
  evidence: Record<string, number>;
  remedies: Remedy[];
  chart: string;
  tone: Tone;
  help: string;
  part: string;
}

/** A run, or a network before training, as one browser sees it. */
export interface Frame {
  run: string | null;
  query: string;
  view: string;
  state: State;
  label: string;
  newest: number;
  steps: number;
  layers: number;
  word: string;
  names: string[];
  inputs: number;
  theory: Theory;
  away: boolean;
  now: Layers | Folded | null;
  controls: string;
  last: boolean;
  name: string;
  beside: Beside[];
  watched: boolean;
  cost: string;
  said: string;
  history: History | null;
  compared: Compared | null;
  verdict: (Verdict | Placed)[] | null;
}

/** In a frame's place where there is no such run, or where it can't be drawn. */
export interface Unshown {
  run: string | null;
  query: string;
  state: "unknown" | "undrawn";
  verdict: Verdict[];
}

/** Points of the plane, [samples, 2], or pixels of held-out digits, [samples, 64]. */
export interface Ground {
  inputs: (number | null)[][];
  labels: number[];
  heldout: number[];
  reach: number;
}

/** Entries by value, those of 0 and those that are no number apart. */
export interface Histogram {
  low: number;
  width: number;
  counts: number[];
  zeros: number;
  nonfinite: number;
  predicted: (number | null)[] | null;
}

/** A hidden layer at a step. */
export interface Inside {
  layer: number;
  histograms: Record<string, Histogram>;
  mean: (number | null)[];
  saturated: (number | null)[];
  dead: number[];
}

/** What a network has learned at a step; ``step`` is None where there is no picture. */
export interface Learned {
  run: string | null;
  query: string;
  step: number | null;
  ground: Ground | null;
  guesses: number[] | null;
  sure: (number | null)[] | null;
  heldout: number | null;
  inside: Inside | null;
}

/** A run in the list. */
export interface Listed {
  id: string;
  number: number;
  title: string;
  name: string;
  note: string;
  state: State;
  steps: number;
  created: number;
  live: boolean;
  watched: boolean;
  yours: boolean;
  best: number | null;
  loss: (number | null)[];
}

/** Some of the runs, newest first; ``more`` where there are older ones. */
export interface Runs {
  runs: Listed[];
  more: boolean;
}

/** To the browser, one at a time: the next is sent when this one is acknowledged. */
export interface Message {
  sequence: number;
  frame: Frame | Unshown | null;
  learned: Learned | null;
  led: Answer | null;
}

/** From the browser: it has painted the message with this number. */
export interface Ack {
  ack: number;
}

/** From the browser: what it wants to see. */
export interface Watch {
  run: string | null;
  pins: string[];
  before: string | null;
  view: string;
  at: number | null;
  query: string;
  panel: string;
  part: string;
  layer: number;
  visible: boolean;
  role: Role;
}

/** A page's state, kept by the browser. ``query`` spells the configuration of the controls. */
export interface Session {
  query: string;
  run: string | null;
  pins: string[];
  before: string | null;
  view: string;
  panel: string;
  part: string;
  layer: number;
  lesson: string | null;
  at: number | null;
}

/** A session as the scripts get it, with the query of the link that brings it back. */
export interface Linked {
  query: string;
  run: string | null;
  pins: string[];
  before: string | null;
  view: string;
  panel: string;
  part: string;
  layer: number;
  lesson: string | null;
  at: number | null;
  link: string;
  yours: boolean;
}

/** A configuration, and what is in sight of it. */
export interface Look {
  query: string;
  view: string;
  panel: string;
}

/** What somebody calls a run, and notes of it. */
export interface Described {
  run: string;
  name: string;
  note: string;
}

/** What somebody wants: ``value`` is what a remedy changes, a look, a lesson's key, a run's id, */
export interface Wish {
  kind: Deed;
  value: any;
}

/** From the browser: a wish, what was in sight when it was made, and steps a second. */
export interface Asked {
  session: Session;
  wish: Wish;
  pace: number;
}

/** To the browser: what is in sight now, what each control shows, and what could not be. */
export interface Answer {
  session: Linked;
  values: Record<string, any>;
  notice: string;
}

/** A class room as a page finds it: where students come in, and what part the page takes. */
export interface Room {
  link: string;
  role: Role;
}

/** A run in small on the presenter's wall. */
export interface Tile {
  run: string;
  number: number;
  title: string;
  state: State;
  step: number;
  tone: Tone | null;
  verdict: string;
  decades: (number | null)[];
  loss: (number | null)[];
}

/** Students' runs, newest last; ``following`` pages follow, ``more`` runs have no room. */
export interface Wall {
  tiles: Tile[];
  following: number;
  more: number;
}

/** From the browser: to start or to stop the sweep that a link's query spells. */
export interface SweepWish {
  query: string;
  kind: "start" | "stop";
}

/** How a sweep stands. */
export interface Swept {
  count: number;
  done: number;
  state: "ready" | "going" | "done" | "stopped" | "failed";
  told: string;
  version: string;
  columns: string;
  rows: string;
  show: string;
  varied: string[];
  html: string | null;
  yours: boolean;
  notice: string;
  field: string;
}

/** A lesson's button; ``seen`` is said when its run is over. */
export interface Scene {
  query: string;
  view: string;
  panel: string;
  label: string;
  seen: string;
}

/** A lesson: what to do and to see, where it comes from, its scenes, and maybe its sweep. */
export interface Lesson {
  key: string;
  title: string;
  sentences: Sentence[];
  source: string;
  scenes: Scene[];
  sweep: string;
}

/** One measured column: what charts, tooltips, exports, rules and docs say of it. */
export interface Metric {
  key: string;
  label: string;
  help: string;
  scale: "log" | "share" | "linear" | "count" | "unit";
  unit: string;
  band: [number, number] | null;
}

/** Something that happened at a step: a live change, a pause, a divergence. */
export interface Event {
  step: number;
  kind: string;
  data: Record<string, any>;
}

/** A change of the configuration that should help, and what its button says. */
export interface Remedy {
  label: string;
  changes: Record<string, any>;
  effect: string;
  trial: "untried" | "trying" | "helped";
  place: number;
}

/** One thought, short enough for a lecture hall, and the keys of the charts that show it. */
export interface Sentence {
  words: string;
  charts: string[];
}
