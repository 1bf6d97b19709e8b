import type { CommitEvent } from '../commit-event.ts'
import type { ApprovalReason } from '../stranger/approval.ts'
import { isStranger } from '../stranger/stranger.ts'

/** Whether a stranger's pipeline may run, or have the secrets that its jobs name. */
export type Approval =
  | {
      readonly status: 'needed'
      /** `run`: nothing runs before; absent: jobs ended for lack of their secrets. */
      readonly for?: 'run'
      /** Why it waits, with details; absent: written by an earlier version. */
      readonly because?: ApprovalReason
      readonly words?: string
      /** When it began to wait; absent: it no longer waits. */
      readonly since?: number
      /** The digest of its plan, which is approved together with the commit. */
      readonly plan?: string
    }
  | { readonly status: 'given'; readonly at: number; readonly by?: string; readonly plan?: string }

/** Whether nothing of it may run before it is approved. */
export function isHeldBack({ approval }: { readonly approval?: Approval }): boolean {
  return approval?.status === 'needed' && approval.for === 'run'
}

/** Whether a pipeline's jobs may have what strangers' may not. */
export function isApproved(trust: CommitEvent['trust'], approval: Approval | undefined): boolean {
  return !isStranger(trust) || approval?.status === 'given'
}
