import type { FlawedTool } from '../flawed-tool.ts'
import type { DispatcherId, RunnerId } from '../ids.ts'
import type { JobNetworkRules } from '../job-network.ts'
import type { Engine, RunnerState } from '../placement/placement.ts'

/** How a dispatcher reaches a runner. */
export type Link =
  | { readonly kind: 'in-process' }
  | {
      readonly kind: 'dialled'
      readonly url: string
      /** Several runners stand behind the URL. */
      readonly balanced: boolean
      /** What the dispatcher shows to the runner at each call. */
      readonly token?: string
    }
  | {
      readonly kind: 'attached'
      /** SHA-256 of what the runner shows when it attaches, hexadecimal. */
      readonly identityHash: string
    }

export const LINK_KINDS = [
  'in-process',
  'dialled',
  'attached',
] as const satisfies readonly Link['kind'][]

/** Whether both lead to the same runner by the same right, so that a connection may stay. */
export function isSameLink(a: Link, b: Link): boolean {
  switch (a.kind) {
    case 'in-process':
      return b.kind === a.kind
    case 'dialled':
      return (
        b.kind === a.kind && a.url === b.url && a.balanced === b.balanced && a.token === b.token
      )
    case 'attached':
      return b.kind === a.kind && a.identityHash === b.identityHash
  }
}

export interface Runner {
  readonly id: RunnerId
  /** Unique. */
  readonly name: string
  readonly link: Link
  readonly members: number
  readonly state: RunnerState
  readonly reason?: string
  readonly labels: readonly string[]
  readonly engines: readonly Engine[]
  /** Those of them that may run the jobs of strangers; absent: none, or it has not told. */
  readonly strangerEngines?: readonly Engine[]
  /** Programs of its machine with known holes; absent: it has not told. */
  readonly flawedTools?: readonly FlawedTool[]
  readonly slots: number
  readonly busy: number
  readonly hardware?: {
    readonly cpus: number
    readonly memoryBytes: number
    readonly architecture: string
    readonly operatingSystem: string
    /** What jobs reach from there; absent: it has not told. */
    readonly jobNetwork?: JobNetworkRules
  }
  readonly softwareVersion?: string
  readonly registeredAt: number
  readonly lastSeenAt?: number
  /** It gets no new jobs, because somebody has asked for that. */
  readonly draining: boolean
  /** How many attempts in a row have failed for a reason of the runner's own. */
  readonly failures: number
  /** Set while it gets no jobs because of its failures, until a probe has passed. */
  readonly asideReason?: string
  /** The dispatcher that last was connected to it. */
  readonly seenBy?: DispatcherId
  /** The labels that it may have; absent: any. */
  readonly allowedLabels?: readonly string[]
  /** It joined to leave the list at its end. */
  readonly ephemeral?: true
}
