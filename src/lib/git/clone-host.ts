/** The host that a repository is cloned from, without user, path and port; `local` for a path. */
export function cloneHost(cloneUrl: string): string {
  if (cloneUrl.startsWith('/')) return 'local'
  // `host:path` can be parsed as a URL, too, with the host as its scheme.
  if (cloneUrl.includes('://') && URL.canParse(cloneUrl)) return new URL(cloneUrl).hostname
  return /^(?:[^@/]+@)?([^:/]+):/.exec(cloneUrl)?.[1] ?? ''
}
