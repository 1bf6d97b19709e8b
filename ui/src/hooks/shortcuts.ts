import { useEffect, useRef, useSyncExternalStore } from 'react'

/** A key, or a sequence of two (`g q`), and what it does. */
export interface Shortcut {
  readonly keys: string
  readonly words: string
}

interface Entry extends Shortcut {
  readonly run: () => void
}

/** The maximum time between the two keys of a sequence. */
const PAIR_MS = 1_500

let entries: readonly Entry[] = []
const watchers = new Set<() => void>()
let first = { key: '', at: 0 }

function change(next: readonly Entry[]): void {
  entries = next
  for (const watcher of watchers) watcher()
}

document.addEventListener('keydown', (event) => {
  const isForText =
    event.target instanceof Element && event.target.closest('input, select, textarea')
  if (isForText || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return
  if (document.querySelector('dialog[open]')) return
  const pair = performance.now() - first.at < PAIR_MS ? `${first.key} ${event.key}` : event.key
  // The newest wins: a page's shortcut overrides the app's.
  const found =
    entries.findLast(({ keys }) => keys === pair) ??
    entries.findLast(({ keys }) => keys === event.key)
  first = { key: event.key, at: performance.now() }
  if (!found) return
  first = { key: '', at: 0 }
  event.preventDefault()
  found.run()
})

/** Listens for a key while the component is mounted, and `words` are given. */
export function useShortcut(keys: string, words: string | undefined, run: () => void): void {
  const newest = useRef(run)
  newest.current = run
  useEffect(() => {
    if (words === undefined) return
    const entry: Entry = { keys, words, run: () => newest.current() }
    change([...entries, entry])
    return () => change(entries.filter((one) => one !== entry))
  }, [keys, words])
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

/** The shortcuts available now. */
export function useShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(watch, () => entries)
}

/** Moves the focus through the rows of a list by `j` and `k`. */
export function useRowKeys(): void {
  const move = (by: number) => {
    const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
    const at = rows.indexOf(document.activeElement as HTMLElement)
    const next = at < 0 ? (by > 0 ? 0 : rows.length - 1) : at + by
    rows[Math.min(rows.length - 1, Math.max(0, next))]?.focus()
  }
  useShortcut('j', 'Next row', () => move(1))
  useShortcut('k', 'Previous row', () => move(-1))
}
