import type { AttemptRef } from '../core/ids.ts'

/** Where things are in the API that several calls are about. */

export function forgeLinkPath(repository: string): string {
  return `/repositories/${encodeURIComponent(repository)}/forge-link`
}

export function secretsPath(repository: string | undefined): string {
  return repository === undefined
    ? '/secrets'
    : `/repositories/${encodeURIComponent(repository)}/secrets`
}

export function logPath(ref: AttemptRef): string {
  return `/jobs/${ref.jobId}/attempts/${ref.attempt}`
}
