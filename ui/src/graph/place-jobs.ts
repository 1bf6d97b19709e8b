import { Graph, layout } from '@dagrejs/dagre'
import type { JobView } from '../../../src/contract/rest/views.ts'

/** The layout, in pixels at full size. */
export interface Placed {
  readonly width: number
  readonly height: number
  readonly nodeWidth: number
  readonly nodes: readonly Node[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[]
}

interface Node {
  readonly name: string
  readonly x: number
  readonly y: number
}

interface Point {
  readonly x: number
  readonly y: number
}

const HEIGHT = 40

/** Lays jobs out after those they need: from left to right, or downwards if narrow. */
export function placeJobs(jobs: readonly JobView[], isNarrow: boolean): Placed {
  const nodeWidth = isNarrow ? 128 : 212
  const graph = new Graph()
  const spacing = isNarrow
    ? { rankdir: 'TB', nodesep: 8, ranksep: 30, marginx: 8, marginy: 8 }
    : { rankdir: 'LR', nodesep: 14, ranksep: 44, marginx: 16, marginy: 16 }
  graph.setGraph(spacing)
  graph.setDefaultEdgeLabel(() => ({}))
  const names = new Set(jobs.map(({ name }) => name))
  for (const { name } of jobs) graph.setNode(name, { width: nodeWidth, height: HEIGHT })
  for (const { name, needs } of jobs) {
    for (const need of needs) if (names.has(need)) graph.setEdge(need, name)
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const nodes = graph.nodes().map((name): Node => {
    const { x, y } = graph.node(name) as Point
    return { name, x: x - nodeWidth / 2, y: y - HEIGHT / 2 }
  })
  const at = new Map(nodes.map((node) => [node.name, node]))
  const edges = graph.edges().map(({ v, w }) => {
    const { points } = graph.edge(v, w) as { points: Point[] }
    const [start, end] = [at.get(v) ?? { x: 0, y: 0 }, at.get(w) ?? { x: 0, y: 0 }]
    const first = isNarrow
      ? { x: start.x + nodeWidth / 2, y: start.y + HEIGHT }
      : { x: start.x + nodeWidth, y: start.y + HEIGHT / 2 }
    const last = isNarrow
      ? { x: end.x + nodeWidth / 2, y: end.y }
      : { x: end.x, y: end.y + HEIGHT / 2 }
    return { from: v, to: w, path: curve([first, ...points.slice(1, -1), last], isNarrow) }
  })
  return { width, height, nodeWidth, nodes, edges }
}

/** A smooth path through all points. */
function curve(points: readonly Point[], isDown: boolean): string {
  const [first, ...others] = points
  if (!first) return ''
  let path = `M${first.x},${first.y}`
  let before = first
  for (const point of others) {
    const middle = isDown ? (before.y + point.y) / 2 : (before.x + point.x) / 2
    path += isDown
      ? ` C${before.x},${middle} ${point.x},${middle} ${point.x},${point.y}`
      : ` C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`
    before = point
  }
  return path
}
