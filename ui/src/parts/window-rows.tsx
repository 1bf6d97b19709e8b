import { type ReactNode, useEffect, useRef, useState } from 'react'

export interface WindowRowsProps<Item extends { readonly id: string }> {
  readonly label: string
  readonly items: readonly Item[]
  /** Renders the content of a row; all rows have the same height. */
  readonly children: (item: Item) => ReactNode
}

/** Rows rendered beyond the visible ones, so that keys and wheels find the next ones. */
const SPARE = 16

/** The rendered rows, `to` exclusive. */
interface Range {
  readonly from: number
  readonly to: number
  readonly rowPx: number
}

/**
 * A list of any length on a page: only the visible rows and a few more are rendered. The page scrolls, so
 * the list is as high as all of its rows.
 */
export function WindowRows<Item extends { readonly id: string }>(props: WindowRowsProps<Item>) {
  const { label, items, children } = props
  const list = useRef<HTMLDivElement>(null)
  const [{ from, to, rowPx }, setRange] = useState<Range>({ from: 0, to: 3 * SPARE, rowPx: 53 })
  useEffect(() => {
    const measure = () => {
      const row = list.current?.querySelector<HTMLElement>('.row')
      if (!list.current || !row) return
      const px = row.getBoundingClientRect().height
      // Hidden elements have no height; this runs again when they are shown.
      if (px === 0) return
      const { top } = list.current.getBoundingClientRect()
      const first = Math.floor(-top / px / SPARE - 1) * SPARE
      const last = Math.ceil((window.innerHeight - top) / px / SPARE + 1) * SPARE
      const next = { from: Math.max(0, first), to: Math.max(SPARE, last), rowPx: px }
      setRange((old) =>
        old.from === next.from && old.to === next.to && old.rowPx === px ? old : next,
      )
    }
    const observer = new ResizeObserver(measure)
    if (list.current) observer.observe(list.current)
    const stop = new AbortController()
    const options = { passive: true, signal: stop.signal }
    window.addEventListener('scroll', measure, options)
    window.addEventListener('resize', measure, options)
    return () => {
      observer.disconnect()
      stop.abort()
    }
  }, [])
  const start = Math.min(from, Math.max(0, items.length - 1))
  const shown = items.slice(start, to)
  const below = Math.max(0, items.length - start - shown.length)
  return (
    <div className="panel rows" ref={list}>
      {/* Separate elements rather than padding, which would defeat scroll anchoring. */}
      <div style={{ height: start * rowPx }} />
      <ol aria-label={label}>
        {shown.map((item, index) => (
          <li
            key={item.id}
            className="row is-even"
            aria-posinset={start + index + 1}
            aria-setsize={items.length}
          >
            {children(item)}
          </li>
        ))}
      </ol>
      <div style={{ height: below * rowPx }} />
    </div>
  )
}
