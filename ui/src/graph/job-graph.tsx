import { Graph, layout } from '@dagrejs/dagre'
import { type PointerEvent, useMemo, useRef, useState } from 'react'
import type { JobView } from '../../../src/contract/views.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { Link } from '../router.tsx'
import { statusOf } from '../state/status.ts'

export interface JobGraphProps {
  readonly jobs: readonly JobView[]
  readonly shown: JobView['id'] | undefined
}

const WIDTH = 212
const HEIGHT = 40
const ZOOMS = [0.4, 0.55, 0.75, 1, 1.3, 1.7]
const USUAL = 3

interface Placed {
  readonly width: number
  readonly height: number
  readonly nodes: readonly { readonly name: string; readonly x: number; readonly y: number }[]
  readonly edges: readonly { readonly from: string; readonly to: string; readonly path: string }[]
}

/** The jobs as a graph from left to right, each behind what it needs; each leads to its log. */
export function JobGraph({ jobs, shown }: JobGraphProps) {
  const shape = jobs.map(({ name, needs }) => `${name}<${needs.join(',')}`).join(';')
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- statuses change, places don't
  const placed = useMemo(() => place(jobs), [shape])
  const [zoom, setZoom] = useState(USUAL)
  const scale = ZOOMS[zoom] ?? 1
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const pan = usePan()
  return (
    <div className="graph">
      <div
        className="graph-box"
        tabIndex={0}
        role="group"
        aria-label="Jobs and what they need"
        {...pan}
      >
        <div
          className="graph-size"
          style={{ width: placed.width * scale, height: placed.height * scale }}
        >
          <div
            className="graph-all"
            style={{
              width: placed.width,
              height: placed.height,
              transform: scale === 1 ? undefined : `scale(${scale})`,
            }}
          >
            <svg width={placed.width} height={placed.height} aria-hidden="true">
              {placed.edges.map(({ from, to, path }) => (
                <path
                  key={`${from} ${to}`}
                  d={path}
                  className={`edge s-${statusOf(byName.get(from) ?? { status: 'blocked' })}`}
                />
              ))}
            </svg>
            {placed.nodes.map(({ name, x, y }) => {
              const job = byName.get(name)
              return job ? (
                <div key={name} className="node-place" style={{ left: x, top: y, width: WIDTH }}>
                  <Node job={job} isShown={job.id === shown} />
                </div>
              ) : null
            })}
          </div>
        </div>
      </div>
      <div className="graph-zoom">
        <button
          type="button"
          className="small"
          aria-label="Zoom out"
          disabled={zoom === 0}
          onClick={() => setZoom(zoom - 1)}
        >
          −
        </button>
        <button
          type="button"
          className="small"
          aria-label="Zoom in"
          disabled={zoom === ZOOMS.length - 1}
          onClick={() => setZoom(zoom + 1)}
        >
          +
        </button>
      </div>
    </div>
  )
}

function Node({ job, isShown }: { readonly job: JobView; readonly isShown: boolean }) {
  return (
    <Link
      to={`/pipelines/${job.pipelineId}?job=${job.id}`}
      className={`node s-${statusOf(job)}`}
      isCurrent={isShown}
      isRow
    >
      <StatusBadge status={statusOf(job)} isSmall />
      <span className="node-name" title={job.name}>
        {job.name}
      </span>
      <span className="quiet small">
        <Duration of={job} />
      </span>
    </Link>
  )
}

function place(jobs: readonly JobView[]): Placed {
  const graph = new Graph()
  graph.setGraph({ rankdir: 'LR', nodesep: 14, ranksep: 44, marginx: 16, marginy: 16 })
  graph.setDefaultEdgeLabel(() => ({}))
  const names = new Set(jobs.map(({ name }) => name))
  for (const { name } of jobs) graph.setNode(name, { width: WIDTH, height: HEIGHT })
  for (const { name, needs } of jobs) {
    for (const need of needs) if (names.has(need)) graph.setEdge(need, name)
  }
  layout(graph)
  const { width = 0, height = 0 } = graph.graph() as { width?: number; height?: number }
  const nodes = graph.nodes().map((name) => {
    const { x, y } = graph.node(name) as { x: number; y: number }
    return { name, x: x - WIDTH / 2, y: y - HEIGHT / 2 }
  })
  const at = new Map(nodes.map((node) => [node.name, node]))
  const edges = graph.edges().map(({ v, w }) => {
    const { points } = graph.edge(v, w) as { points: { x: number; y: number }[] }
    const start = at.get(v)
    const end = at.get(w)
    const first = { x: (start?.x ?? 0) + WIDTH, y: (start?.y ?? 0) + HEIGHT / 2 }
    const last = { x: end?.x ?? 0, y: (end?.y ?? 0) + HEIGHT / 2 }
    return { from: v, to: w, path: curve([first, ...points.slice(1, -1), last]) }
  })
  return { width, height, nodes, edges }
}

/** Through all points, level at each. */
function curve(points: readonly { readonly x: number; readonly y: number }[]): string {
  const [first, ...others] = points
  if (!first) return ''
  let path = `M${first.x},${first.y}`
  let before = first
  for (const point of others) {
    const middle = (before.x + point.x) / 2
    path += ` C${middle},${before.y} ${middle},${point.y} ${point.x},${point.y}`
    before = point
  }
  return path
}

/** Drags the box's content about with the mouse. */
function usePan() {
  const from = useRef<{ x: number; y: number; left: number; top: number }>(undefined)
  return {
    onPointerDown: (event: PointerEvent<HTMLDivElement>) => {
      if (event.pointerType !== 'mouse' || (event.target as Element).closest('a')) return
      const { scrollLeft: left, scrollTop: top } = event.currentTarget
      from.current = { x: event.clientX, y: event.clientY, left, top }
      event.currentTarget.setPointerCapture(event.pointerId)
    },
    onPointerMove: (event: PointerEvent<HTMLDivElement>) => {
      const start = from.current
      if (!start) return
      event.currentTarget.scrollLeft = start.left - (event.clientX - start.x)
      event.currentTarget.scrollTop = start.top - (event.clientY - start.y)
    },
    onPointerUp: () => {
      from.current = undefined
    },
  }
}
