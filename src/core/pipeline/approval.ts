import type { CommitEvent } from '../commit-event.ts'
import type { ApprovalReason } from '../stranger/approval.ts'
import { isStranger } from '../stranger/stranger.ts'

/** Whether somebody lets a stranger's pipeline be run, or have the secrets that its jobs name. */
export type Approval =
  | {
      readonly status: 'needed'
      /** `run`: nothing of it is run before; absent: jobs were ended for want of their secrets. */
      readonly for?: 'run'
      /** Why it waits, with what there is to say besides; absent: a former version has not kept it. */
      readonly because?: ApprovalReason
      readonly words?: string
      /** Since when it waits; absent: it is not waited for any more. */
      readonly since?: number
      /** The digest of its plan, which is approved with the commit. */
      readonly plan?: string
    }
  | { readonly status: 'given'; readonly at: number; readonly by?: string; readonly plan?: string }

/** Whether nothing of it is run before somebody has approved that. */
export function isHeldBack({ approval }: { readonly approval?: Approval }): boolean {
  return approval?.status === 'needed' && approval.for === 'run'
}

/** Whether a pipeline's jobs may have what strangers may not. */
export function isApproved(trust: CommitEvent['trust'], approval: Approval | undefined): boolean {
  return !isStranger(trust) || approval?.status === 'given'
}
