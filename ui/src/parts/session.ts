import { useSyncExternalStore } from 'react'
import type { SessionBody } from '../../../src/contract/rest/rest-insights.ts'
import { call } from '../api.ts'

export type Role = SessionBody['role']

/** Each includes the permissions of those before it. */
export const ROLES: readonly Role[] = ['viewer', 'member', 'admin']

let session: SessionBody | undefined
let reading: Promise<boolean> | undefined
const watchers = new Set<() => void>()

/** Reads the session, once; false: sign-in is required. */
export function readSession(): Promise<boolean> {
  reading ??= call('session', {}).then(
    (answer) => {
      session = answer
      for (const each of watchers) each()
      return true
    },
    (reason: { status?: number }) => {
      // The next caller retries.
      reading = undefined
      return reason.status !== 401
    },
  )
  return reading
}

function watch(watcher: () => void): () => void {
  watchers.add(watcher)
  void readSession()
  return () => void watchers.delete(watcher)
}

/** The session; undefined until loaded. */
export function useSession(): SessionBody | undefined {
  return useSyncExternalStore(watch, () => session)
}

/** Whether the user's role suffices. The server enforces it; this only hides what it would reject. */
export function useMay(needed: Role | undefined): boolean {
  const role = useSession()?.role
  if (needed === undefined || role === undefined) return true
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
