import type { JobId, PipelineId } from '../ids.ts'

/**
 * A concurrency group: at most `limit` jobs, or whole pipelines, of one repository run at once. Membership is
 * stored with the state of the job or pipeline, so a slot can't outlive its holder.
 */
export interface Concurrency {
  /** With all placeholders filled in: `deploy-main`. */
  readonly group: string
  /** At least 1. */
  readonly limit: number
  /** A newer one cancels those of older pipelines of the same ref; absent: they queue. */
  readonly cancelsSuperseded?: true
  /** Strangers have their own group of this name, separate from the repository's own people. */
  readonly ofStrangers?: true
}

/** An unfinished job or pipeline in a group. */
export interface GroupMember {
  /** The job's id, or the pipeline's if it is a member as a whole. */
  readonly id: JobId | PipelineId
  readonly pipelineId: PipelineId
  readonly pipelineNumber: number
  /** The pipeline's full ref. */
  readonly ref: string
  readonly jobName?: string
  /** The job's index in its pipeline, from 0. */
  readonly position: number
  /** `blocked`: it waits for its needs, not for the group. */
  readonly state: 'blocked' | 'waiting' | 'holding'
  /** When it began to wait; epoch milliseconds. */
  readonly since: number
  /** The limit that it asks for; absent: not known. */
  readonly limit?: number
}

/** Holders first, then those that wait, in order. */
export function compareMembers(a: GroupMember, b: GroupMember): number {
  return (
    RANK[a.state] - RANK[b.state] ||
    a.since - b.since ||
    a.pipelineNumber - b.pipelineNumber ||
    a.position - b.position
  )
}

const RANK = { holding: 0, waiting: 1, blocked: 2 } as const

/** How the reason begins of what was cancelled because a newer one of its group has come. */
export const SUPERSEDED_IN = 'superseded in '

/** Members superseded by this one: those of older pipelines of its ref. */
export function supersededBy(
  members: readonly GroupMember[],
  { pipelineNumber, ref }: Pick<GroupMember, 'pipelineNumber' | 'ref'>,
): GroupMember[] {
  return members.filter((one) => one.ref === ref && one.pipelineNumber < pipelineNumber)
}

/** The newest member that supersedes this one: it arrived first although its commit is newer. */
export function supersederOf(
  members: readonly GroupMember[],
  { pipelineNumber, ref }: Pick<GroupMember, 'pipelineNumber' | 'ref'>,
): GroupMember | undefined {
  return members
    .filter(({ state }) => state !== 'blocked')
    .filter((one) => one.ref === ref && one.pipelineNumber > pipelineNumber)
    .reduce<GroupMember | undefined>(
      (newest, one) => (newest && newest.pipelineNumber > one.pipelineNumber ? newest : one),
      undefined,
    )
}
