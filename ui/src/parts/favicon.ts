import { useEffect } from 'react'
import type { Status } from '../state/status.ts'

const COLORS: Partial<Record<Status, string>> = {
  success: '#2f9e62',
  failure: '#d4444c',
  error: '#d4444c',
  timeout: '#c98a1a',
  running: '#2f7fd1',
  assigned: '#2f7fd1',
}

/** Shows a status in the browser's tab; undefined: the default icon. */
export function useFavicon(status: Status | undefined): void {
  useEffect(() => {
    if (!status) return
    const link = document.querySelector<HTMLLinkElement>('link[rel="icon"]')
    if (!link) return
    const before = link.href
    const color = COLORS[status] ?? '#8a95a0'
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><circle cx="16" cy="16" r="13" fill="${color}"/></svg>`
    link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`
    return () => {
      link.href = before
    }
  }, [status])
}
