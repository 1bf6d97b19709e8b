import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react'

/** The current location, and links that change it without reloading the page. */
const watchers = new Set<() => void>()
addEventListener('popstate', notify)
addEventListener('hashchange', notify)

function notify(): void {
  for (const watcher of watchers) watcher()
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  return () => void watchers.delete(watcher)
}

export interface Place {
  readonly path: string
  /** With its `?`, or empty. */
  readonly search: string
}

export function usePlace(): Place {
  const href = useSyncExternalStore(watch, () => location.pathname + location.search)
  const at = href.indexOf('?')
  return at < 0 ? { path: href, search: '' } : { path: href.slice(0, at), search: href.slice(at) }
}

/** `replace` replaces the current history entry. */
export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  if (!options.replace) scrollTo(0, 0)
  notify()
}

/** The fragment with its `#`, or empty. */
export function useHash(): string {
  return useSyncExternalStore(watch, () => location.hash)
}

/** Changes the fragment. */
export function navigateHash(hash: string): void {
  history.replaceState(null, '', location.pathname + location.search + hash)
  notify()
}

export interface LinkProps {
  readonly to: string
  readonly children: ReactNode
  readonly className?: string
  readonly isCurrent?: boolean | undefined
  /** Whether `j` and `k` focus it. */
  readonly isRow?: boolean
  /** Keeps the scroll position, and replaces the current history entry. */
  readonly isInPlace?: boolean
}

export function Link({ to, children, className, isCurrent, isRow, isInPlace }: LinkProps) {
  const follow = (event: MouseEvent) => {
    const isSpecial = event.metaKey || event.ctrlKey || event.shiftKey || event.altKey
    if (isSpecial || event.button !== 0) return
    event.preventDefault()
    navigate(to, { replace: isInPlace ?? false })
  }
  return (
    <a
      href={to}
      onClick={follow}
      className={className}
      data-row={isRow ? '' : undefined}
      aria-current={isCurrent ? 'page' : undefined}
    >
      {children}
    </a>
  )
}
