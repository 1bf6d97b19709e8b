import type { ContainerWay } from '../container-way.ts'
import type { FlawedTool } from '../flawed-tool.ts'
import type { DispatcherId, RunnerId } from '../ids.ts'
import type { JobNetworkRules } from '../job-network.ts'
import type { Engine, RunnerState } from '../placement/placement.ts'

export type Link =
  | { readonly kind: 'in-process' }
  | {
      readonly kind: 'dialled'
      readonly url: string
      /** Several runners are behind the URL. */
      readonly balanced: boolean
      /** The dispatcher's credential for the runner. */
      readonly token?: string
    }
  | {
      readonly kind: 'attached'
      /** SHA-256 of the runner's credential, hexadecimal. */
      readonly identityHash: string
    }

export const LINK_KINDS = [
  'in-process',
  'dialled',
  'attached',
] as const satisfies readonly Link['kind'][]

/** Whether both lead to the same runner with the same credential, so a connection may stay. */
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
  /** Those of them that may run strangers' jobs; absent: none, or not reported. */
  readonly strangerEngines?: readonly Engine[]
  /** Programs on its machine with known vulnerabilities; absent: not reported. */
  readonly flawedTools?: readonly FlawedTool[]
  readonly slots: number
  readonly busy: number
  readonly hardware?: {
    readonly cpus: number
    readonly memoryBytes: number
    readonly architecture: string
    readonly operatingSystem: string
    /** Absent: not reported. */
    readonly jobNetwork?: JobNetworkRules
    /** Absent: not reported. */
    readonly containers?: ContainerWay
  }
  readonly softwareVersion?: string
  readonly registeredAt: number
  readonly lastSeenAt?: number
  /** It gets no new jobs, at somebody's request. */
  readonly draining: boolean
  /** Consecutive attempts that failed through its own fault. */
  readonly failures: number
  /** Set while it is quarantined for its failures, until a probe passes. */
  readonly asideReason?: string
  /** The dispatcher that was last connected to it. */
  readonly seenBy?: DispatcherId
  /** The labels that its token granted; absent: any. */
  readonly allowedLabels?: readonly string[]
  /** It is removed when it leaves. */
  readonly ephemeral?: true
}
