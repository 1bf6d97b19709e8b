/** The machine that a repository is cloned from, without user, path and port; `local` for a path. */
export function cloneHost(cloneUrl: string): string {
  if (cloneUrl.startsWith('/')) return 'local'
  // `host:path` can be parsed as well: its host would be taken for the scheme.
  if (cloneUrl.includes('://') && URL.canParse(cloneUrl)) return new URL(cloneUrl).hostname
  return /^(?:[^@/]+@)?([^:/]+):/.exec(cloneUrl)?.[1] ?? ''
}
