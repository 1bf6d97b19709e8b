import { type ReactNode, useEffect, useRef, useState } from 'react'

export interface WindowRowsProps<Item extends { readonly id: string }> {
  readonly label: string
  readonly items: readonly Item[]
  /** Draws the inside of an item's row; all rows are of one height. */
  readonly children: (item: Item) => ReactNode
}

/** Rows that are drawn above and below what is seen, so that keys and wheels find the next ones. */
const SPARE = 16

/** The rows that are drawn: from, up to and without. */
interface Range {
  readonly from: number
  readonly to: number
  readonly rowPx: number
}

/**
 * A list of any length on a page: only the rows that can be seen are drawn, and a few more. The
 * page scrolls, so the list is as high as all of its rows.
 */
export function WindowRows<Item extends { readonly id: string }>(props: WindowRowsProps<Item>) {
  const { label, items, children } = props
  const list = useRef<HTMLDivElement>(null)
  const [{ from, to, rowPx }, setRange] = useState<Range>({ from: 0, to: 3 * SPARE, rowPx: 53 })
  useEffect(() => {
    const look = () => {
      const row = list.current?.querySelector<HTMLElement>('.row')
      if (!list.current || !row) return
      const px = row.getBoundingClientRect().height
      // What is hidden has no height, and comes here again when it is shown.
      if (px === 0) return
      const { top } = list.current.getBoundingClientRect()
      const first = Math.floor(-top / px / SPARE - 1) * SPARE
      const last = Math.ceil((window.innerHeight - top) / px / SPARE + 1) * SPARE
      const next = { from: Math.max(0, first), to: Math.max(SPARE, last), rowPx: px }
      setRange((old) =>
        old.from === next.from && old.to === next.to && old.rowPx === px ? old : next,
      )
    }
    const observer = new ResizeObserver(look)
    if (list.current) observer.observe(list.current)
    const stop = new AbortController()
    const options = { passive: true, signal: stop.signal }
    window.addEventListener('scroll', look, options)
    window.addEventListener('resize', look, options)
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
      {/* Boxes of their own: what is padded is not held in its place by the browser. */}
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
