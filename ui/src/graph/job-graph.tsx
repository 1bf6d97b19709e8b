import {
  type PointerEvent,
  type RefObject,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from 'react'
import type { JobView } from '../../../src/contract/rest/views.ts'
import { StatusBadge } from '../parts/status-badge.tsx'
import { Duration } from '../parts/times.tsx'
import { Link } from '../router.tsx'
import { statusOf } from '../state/status.ts'
import { placeJobs } from './place-jobs.ts'

export interface JobGraphProps {
  readonly jobs: readonly JobView[]
  readonly shown: JobView['id'] | undefined
}

/** Zoom levels; smaller ones are chosen automatically to fit. */
const ZOOMS = [0.4, 0.55, 0.75, 1, 1.3, 1.7]
const SMALLEST_FIT = 0.55
/** Below this width the graph runs downwards. */
const NARROW_PX = 620

/** The jobs as a dependency graph, each linking to its log; scaled to fit where possible. */
export function JobGraph({ jobs, shown }: JobGraphProps) {
  const box = useRef<HTMLDivElement>(null)
  const width = useWidth(box)
  const isNarrow = width !== undefined && width < NARROW_PX
  const shape = jobs.map(({ name, needs }) => `${name}<${needs.join(',')}`).join(';')
  // oxlint-disable-next-line react-hooks/exhaustive-deps -- statuses change, positions don't
  const placed = useMemo(() => placeJobs(jobs, isNarrow), [shape, isNarrow])
  const [chosen, setChosen] = useState<number>()
  const fit = Math.min(1, Math.max(SMALLEST_FIT, (width ?? placed.width) / placed.width))
  const scale = chosen ?? fit
  const smaller = ZOOMS.findLast((one) => one < scale)
  const larger = ZOOMS.find((one) => one > scale)
  const byName = new Map(jobs.map((job) => [job.name, job]))
  const pan = usePan()
  return (
    <div className="graph">
      <div
        className="graph-box"
        ref={box}
        tabIndex={0}
        role="group"
        aria-label="Jobs and their dependencies"
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
                <div
                  key={name}
                  className="node-place"
                  style={{ left: x, top: y, width: placed.nodeWidth }}
                >
                  <Node job={job} isShown={job.id === shown} isNarrow={isNarrow} />
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
          disabled={smaller === undefined}
          onClick={() => setChosen(smaller)}
        >
          −
        </button>
        <button
          type="button"
          className="small"
          aria-label="Zoom in"
          disabled={larger === undefined}
          onClick={() => setChosen(larger)}
        >
          +
        </button>
      </div>
    </div>
  )
}

interface NodeProps {
  readonly job: JobView
  readonly isShown: boolean
  /** Only its name fits. */
  readonly isNarrow: boolean
}

function Node({ job, isShown, isNarrow }: NodeProps) {
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
      {isNarrow ? null : (
        <span className="quiet small">
          <Duration of={job} />
        </span>
      )}
    </Link>
  )
}

/** The width of an element, kept up to date. */
function useWidth(element: RefObject<HTMLElement | null>): number | undefined {
  const [width, setWidth] = useState<number>()
  useLayoutEffect(() => {
    if (!element.current) return
    const observer = new ResizeObserver(([entry]) => setWidth(entry?.contentRect.width))
    observer.observe(element.current)
    setWidth(element.current.clientWidth)
    return () => observer.disconnect()
  }, [element])
  return width
}

/** Pans the content by dragging with the mouse. */
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
