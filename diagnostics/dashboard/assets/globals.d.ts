// What scripts find in the browser beside its own: Plotly and Dash, as far as they are used here.

/** A value for each layer or step, null where there is none. */
type Numbers = (number | null)[];

/** A frame with a step to draw. */
type Shown = Wire.Frame & { now: Wire.Layers };

/** The room between a chart's axes, in pixels; `font` is the size of its type. */
interface Room { width: number; height: number; font: number }

type Reach = [number, number];

/** Parts of figures in Plotly's words; what its manual says of them holds. `painter/` draws no others. */
interface Font { size: number; color?: string; family?: string }
type Colorscale = [number, string][];
interface Line { width: number; color?: string; dash?: string; shape?: string }
interface Marker {
  size?: number;
  color?: string | Numbers;
  symbol?: string[];
  colorscale?: Colorscale;
  cmin?: number;
  cmax?: number;
  line?: { width: number; color?: string };
}
interface Trace {
  type?: string;
  name?: string;
  mode?: string;
  yaxis?: string;
  x?: number[] | string[];
  y?: Numbers;
  z?: Numbers[];
  zmin?: number;
  zmax?: number;
  /** For the painter: values from which on a heatmap is hatched; that its cells are a network's boxes. */
  meta?: { hatched?: number; net?: Net };
  text?: string[];
  textposition?: string | string[];
  textfont?: Font;
  hoverinfo?: string;
  hovertext?: string[];
  hovertemplate?: string | null;
  customdata?: string[] | string[][] | Numbers;
  fill?: string;
  fillcolor?: string;
  line?: Line;
  marker?: Marker;
  colorscale?: Colorscale;
  showscale?: boolean;
  colorbar?: Colorbar;
}
/** What of a network's boxes is drawn, from the input: `painter/net.js`, `painter/pulse.js`. */
interface Net {
  /** Light that comes to each, 1 at the last hidden layer. */
  light: number[];
  /** How bright its wires are, 0 … 1, null where no update is known. */
  wires: Numbers;
  /** Shares of its units that are dead, and saturated. */
  dark: Numbers;
  pale: Numbers;
  /** The box that is chosen, −1 for none. */
  chosen: number;
  /** Features of a sample, 0 where they are not known. */
  inputs: number;
}
interface Colorbar { thickness: number; tickvals: number[]; ticktext: string[]; tickfont: Font }
interface Axis {
  type?: string;
  range?: Reach;
  nticks?: number;
  tickformat?: string;
  tickvals?: number[] | null;
  ticktext?: string[] | null;
  tickfont?: { size: number } | null;
  gridcolor?: string;
  linecolor?: string;
  showgrid?: boolean;
  side?: string;
  title?: { text: string; font?: Font };
}
interface Shape {
  name?: string;
  type: string;
  xref?: string;
  x0: number;
  x1: number;
  yref?: string;
  y0: number;
  y1: number;
  layer?: string;
  line: Line;
  fillcolor?: string;
  opacity?: number;
}
interface Annotation {
  name?: string;
  text: string;
  x: number;
  y: number;
  yref?: string;
  xshift?: number;
  yshift?: number;
  showarrow: boolean;
  xanchor?: string;
  yanchor: string;
  font?: { size: number; color?: string };
  captureevents?: boolean;
}
interface Layout {
  xaxis?: Axis;
  yaxis?: Axis;
  yaxis2?: Axis;
  margin?: { l?: number; r?: number; t?: number; b?: number };
  shapes?: Shape[];
  annotations?: Annotation[];
  datarevision?: number;
}

/** A skeleton as `figures.py` makes it, with the numbers drawn last. */
interface Figure {
  data: Trace[];
  layout: Layout & {
    xaxis: Axis & { range: Reach };
    yaxis: Axis & { range: Reach };
    margin: { l: number; r: number; t: number; b: number };
    font: Required<Font>;
    paper_bgcolor: string;
    template: { layout: { shapedefaults: { line: { color: string } } } };
  };
}

interface How { morph?: number; pulse?: number }

/** Who draws figures: `painter` on the page, `plotly` in a report. */
interface Hand {
  /** Draw a chart's figure, now or before the next picture; the trace `morph` goes there from where it was,
      light runs through `pulse`. */
  draw(key: string, figure: Figure, how?: How): void;
  /** Look how much room a chart has now. */
  fit(key: string): void;
  /** The room that it had then, in pixels. */
  size(key: string): { width: number; height: number };
}

/** Who is told what arrives. */
interface Heard { opened(): void; lost(): void; received(message: Wire.Message): void }

/** Who answers the page: a server by its `socket`, or `recorded` runs. */
interface Source {
  connect(told: Heard): void;
  send(message: Wire.Watch | Wire.Ack): void;
  /** Rejected while nobody answers. */
  wish(asked: Wire.Asked): Promise<Wire.Answer>;
}

declare const Plotly: {
  react(plot: HTMLElement, data: Trace[], layout: Layout, options: object): void;
};

declare const dash_clientside: { set_props(id: string, props: object): void };
