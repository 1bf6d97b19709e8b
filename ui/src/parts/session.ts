import { useSyncExternalStore } from 'react'
import type { SessionBody } from '../../../src/contract/rest/rest-insights.ts'
import { call } from '../api.ts'

export type Role = SessionBody['role']

/** Each may also do what those before it may. */
export const ROLES: readonly Role[] = ['viewer', 'member', 'admin']

let session: SessionBody | undefined
let reading: Promise<boolean> | undefined
const watchers = new Set<() => void>()

/** Asks who looks at the page, once; false: somebody who has to sign in first. */
export function readSession(): Promise<boolean> {
  reading ??= call('session', {}).then(
    (answer) => {
      session = answer
      for (const each of watchers) each()
      return true
    },
    (reason: { status?: number }) => {
      // Asked again by whoever wants to know next.
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

/** Who looks at the page; undefined until that is known. */
export function useSession(): SessionBody | undefined {
  return useSyncExternalStore(watch, () => session)
}

/** Whether one's role is enough. The server decides; what it would refuse need not be offered. */
export function useMay(needed: Role | undefined): boolean {
  const role = useSession()?.role
  if (needed === undefined || role === undefined) return true
  return ROLES.indexOf(role) >= ROLES.indexOf(needed)
}
