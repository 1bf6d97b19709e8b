import { type MouseEvent, type ReactNode, useSyncExternalStore } from 'react'

/** The page's place in the address bar, and links that change it without loading the page anew. */
const watchers = new Set<() => void>()
addEventListener('popstate', tell)
addEventListener('hashchange', tell)

function tell(): void {
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

/** `replace`: the back button skips what was here. */
export function navigate(to: string, options: { readonly replace?: boolean } = {}): void {
  if (options.replace) history.replaceState(null, '', to)
  else history.pushState(null, '', to)
  if (!options.replace) scrollTo(0, 0)
  tell()
}

/** What stands behind the `#`, with it; or empty. */
export function useHash(): string {
  return useSyncExternalStore(watch, () => location.hash)
}

/** Points at a part of the same page. */
export function navigateHash(hash: string): void {
  history.replaceState(null, '', location.pathname + location.search + hash)
  tell()
}

export interface LinkProps {
  readonly to: string
  readonly children: ReactNode
  readonly className?: string
  readonly isCurrent?: boolean | undefined
  /** `j` and `k` go through it. */
  readonly isRow?: boolean
  /** The page stays where it is scrolled to, and the back button skips what was here. */
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
