// Where the nodes and ways of a flow lie.
//
// The library arranges the usual ways alone: what goes wrong leads from nearly everywhere to the same few nodes, and
// would pull the picture apart. Those ways are then drawn over it, so that nothing moves when they are hidden.
import { Graph, layout } from "@dagrejs/dagre";

const NODE_WIDTH = 208;
const TEXT_WIDTH = 178;
const HEAD = 42;
const TEXT_LINE = 15;
const END_WIDTH = 132;
const LABEL_LINE = 15;
const LABEL_LIMIT = 28;
const ASIDE = 26;

const short = (text) => (text.length > LABEL_LIMIT ? `${text.slice(0, LABEL_LIMIT - 1)}\u2026` : text);

// Chinese characters are as wide as they are high, others about half of that.
const widthOf = (text) => [...text].reduce((sum, one) => sum + (one.codePointAt(0) > 0x2e7f ? 12 : 6.6), 0) + 10;

// Ways between the same two nodes are one line with several words on it.
function joined(edges) {
  const found = new Map();
  for (const edge of edges) {
    const key = JSON.stringify([edge.source, edge.target, edge.usual]);
    const same = found.get(key) ?? { ...edge, labels: [] };
    if (edge.label && !same.labels.includes(edge.label)) same.labels.push(edge.label);
    found.set(key, same);
  }
  return [...found.values()].map((edge) => {
    const whole = edge.labels.join(" \u00b7 ");
    return { ...edge, whole, label: short(whole) };
  });
}

function sizeOf(node) {
  if (node.type === "end") return { width: END_WIDTH, height: HEAD };
  const lines = node.text ? Math.min(2, Math.ceil(widthOf(node.text) / TEXT_WIDTH)) : 0;
  return { width: NODE_WIDTH, height: HEAD + lines * TEXT_LINE + (lines ? 4 : 0) };
}

// The usual ways, and as many others as are needed for every node to hang together with the start.
function backbone(flow, edges) {
  const taken = new Set(edges.filter((edge) => edge.usual));
  const reached = new Set([flow.start]);
  const spread = () => {
    for (let before = -1; before !== reached.size;) {
      before = reached.size;
      for (const edge of taken) if (reached.has(edge.source)) reached.add(edge.target);
    }
  };
  spread();
  for (const edge of edges) {
    if (reached.has(edge.source) && !reached.has(edge.target)) {
      taken.add(edge);
      spread();
    }
  }
  return taken;
}

// A way outside the library's picture: down from the lower edge to the upper one, or round the side when it leads up.
function free(edge, nodes) {
  const from = nodes.get(edge.source);
  const to = nodes.get(edge.target);
  const right = to.x >= from.x ? 1 : -1;
  let points;
  if (to.y - to.height / 2 > from.y + from.height / 2) {
    const one = { x: from.x + right * ASIDE * 2, y: from.y + from.height / 2 };
    const other = { x: to.x - right * ASIDE, y: to.y - to.height / 2 };
    const bend = Math.min(90, (other.y - one.y) / 2);
    points = [one, { x: one.x, y: one.y + bend }, { x: other.x, y: other.y - bend }, other];
  } else {
    const out = from === to ? 1 : right;
    const into = from === to ? 1 : -right;
    const one = { x: from.x + out * from.width / 2, y: from.y };
    const other = { x: to.x + into * to.width / 2, y: to.y + 8 };
    points = [one, { x: one.x + out * 60, y: one.y }, { x: other.x + into * 60, y: other.y }, other];
  }
  const at = (name, t) => (1 - t) ** 3 * points[0][name] + 3 * (1 - t) ** 2 * t * points[1][name]
    + 3 * (1 - t) * t ** 2 * points[2][name] + t ** 3 * points[3][name];
  return { ...edge, free: points, x: at("x", 0.22), y: at("y", 0.22), wide: widthOf(edge.label) };
}

// Nodes with x, y (centres), width, height; ways with points and the place of their label; the size of the whole.
export function arrange(flow) {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "TB", nodesep: 26, ranksep: 30, edgesep: 12, marginx: 20, marginy: 20 });
  const names = new Set(flow.nodes.map((node) => node.name));
  // The start first: what leads back to it is then drawn upwards.
  const ordered = [...flow.nodes].sort((one, other) => (other.name === flow.start) - (one.name === flow.start));
  for (const node of ordered) graph.setNode(node.name, sizeOf(node));
  const edges = joined(flow.edges.filter((edge) => names.has(edge.source) && names.has(edge.target)));
  const taken = backbone(flow, edges);
  edges.forEach((edge, number) => {
    if (!taken.has(edge)) return;
    const label = edge.label ? { width: widthOf(edge.label), height: LABEL_LINE } : { width: 0, height: 0 };
    graph.setEdge(edge.source, edge.target, { ...label, labelpos: "c", weight: edge.usual ? 4 : 1 }, String(number));
  });
  layout(graph);
  const { width, height } = graph.graph();
  const nodes = new Map(flow.nodes.map((node) => [node.name, { ...node, ...graph.node(node.name) }]));
  const ways = edges.map((edge, number) => {
    if (!taken.has(edge)) return free(edge, nodes);
    const { points, x, y, width: wide } = graph.edge(edge.source, edge.target, String(number));
    return { ...edge, points, x, y, wide };
  });
  return { width, height, nodes: [...nodes.values()], edges: ways };
}
