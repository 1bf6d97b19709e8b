import { STATUS_WORDS, type Status } from '../state/status.ts'

/** Shapes as well as colours, for the colour-blind. */
const SHAPES: Readonly<Record<Status, string>> = {
  success: 'M4 8.5l2.5 2.5L12 5.5',
  failure: 'M5 5l6 6M11 5l-6 6',
  error: 'M8 4v5M8 11.4v.1',
  timeout: 'M8 4.5V8l2.5 1.5',
  cancelled: 'M4.5 11.5l7-7',
  skipped: 'M5 5l3 3-3 3M9 5l3 3-3 3',
  running: 'M8 3a5 5 0 0 1 5 5',
  assigned: 'M8 3a5 5 0 0 1 5 5',
  pending: 'M5 8h.1M8 8h.1M11 8h.1',
  queued: 'M5 8h.1M8 8h.1M11 8h.1',
  waiting: 'M5 8h.1M8 8h.1M11 8h.1',
  awaiting: 'M6 5v6M10 5v6',
  blocked: 'M6 5v6M10 5v6',
  finished: 'M4 8.5l2.5 2.5L12 5.5',
}

export interface StatusBadgeProps {
  readonly status: Status
  /** Only the icon; the text is for screen readers. */
  readonly isSmall?: boolean
}

export function StatusBadge({ status, isSmall = false }: StatusBadgeProps) {
  const word = STATUS_WORDS[status]
  return (
    <span className={`status s-${status}`} title={isSmall ? word : undefined}>
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={SHAPES[status]} />
      </svg>
      <span className={isSmall ? 'unseen' : undefined}>{word}</span>
    </span>
  )
}
