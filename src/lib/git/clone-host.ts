/** The machine that a repository is cloned from, without user, path and port; `local` for a path. */
export function cloneHost(cloneUrl: string): string {
  if (cloneUrl.startsWith('/')) return 'local'
  if (URL.canParse(cloneUrl)) return new URL(cloneUrl).hostname
  return /^(?:[^@/]+@)?([^:/]+):/.exec(cloneUrl)?.[1] ?? ''
}
