// What scripts find in the browser beside its own: Plotly and Dash, as far as they are used here.

/** A value for each layer or step, null where there is none. */
type Numbers = (number | null)[];

/** A frame with a step to draw. */
type Shown = Wire.Frame & { now: Wire.Layers };

/** The room between a chart's axes, in pixels; `font` is the size of its type. */
interface Room { width: number; height: number; font: number }

type Reach = [number, number];

/** Parts of figures in Plotly's words; what its manual says of them holds. */
interface Marker { size?: number; color?: number[]; symbol?: string[]; line?: { width: number } }
interface Trace {
  x?: number[];
  y?: Numbers;
  z?: Numbers[];
  text?: string[];
  textposition?: string[];
  hovertext?: string[];
  customdata?: string[] | string[][];
  line?: { width: number };
  marker?: Marker;
}
interface Axis {
  type?: string;
  range?: Reach;
  tickvals?: number[] | null;
  ticktext?: string[] | null;
  tickfont?: { size: number } | null;
  gridcolor?: string;
  title?: { text: string };
}
interface Shape {
  name?: string;
  type: string;
  x0: number;
  x1: number;
  yref: string;
  y0: number;
  y1: number;
  layer?: string;
  line: { width: number; dash?: string; color?: string };
  fillcolor?: string;
}
interface Annotation {
  name?: string;
  text: string;
  x: number;
  y: number;
  yref: string;
  showarrow: boolean;
  xanchor?: string;
  yanchor: string;
  font?: { size: number };
  captureevents?: boolean;
}
interface Layout {
  xaxis?: Axis;
  yaxis?: Axis;
  margin?: { l?: number; r?: number; t?: number; b?: number };
  shapes?: Shape[];
  annotations?: Annotation[];
  datarevision?: number;
}

/** A skeleton as `figures.py` makes it, with the numbers drawn last. */
interface Figure {
  data: Trace[];
  layout: Layout & {
    xaxis: Axis;
    yaxis: Axis & { range: Reach };
    margin: { l: number; r: number; t: number; b: number };
    font: { size: number };
  };
}

/** An element that Plotly drew into. */
interface Plot extends HTMLElement {
  on(event: "plotly_click", act: (event: { points: { x: number; y: number }[] }) => void): void;
  on(event: "plotly_clickannotation", act: (event: { annotation: Annotation }) => void): void;
}

declare const Plotly: {
  react(plot: Plot, data: Trace[], layout: Layout, options?: object): void;
  animate(plot: Plot, moved: { data: Trace[]; traces: number[] }, how: object): void;
  Plots: { resize(plot: Plot): void };
};

declare const dash_clientside: { set_props(id: string, props: object): void };
