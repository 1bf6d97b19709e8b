import type { JobId, PipelineId } from '../ids.ts'

/**
 * A group of jobs, or of whole pipelines, of one repository of which only so many go on at once. What
 * is in it stands in the store with the state of the job or pipeline, so that nobody holds a place
 * longer than that goes on.
 */
export interface Concurrency {
  /** With everything filled in: `deploy-main`. */
  readonly group: string
  /** How many go on at a time, at least 1. */
  readonly limit: number
  /** A newer one ends those of older pipelines of the same ref; else they take their turns. */
  readonly cancelsSuperseded?: true
  /** The group of this name of strangers, who share none with the repository's own people. */
  readonly ofStrangers?: true
}

/** A job or a pipeline that is in a group and has not ended. */
export interface GroupMember {
  /** The job's, or the pipeline's where all of it is one member. */
  readonly id: JobId | PipelineId
  readonly pipelineId: PipelineId
  readonly pipelineNumber: number
  /** The full ref that the pipeline is for. */
  readonly ref: string
  /** Absent: the pipeline as a whole. */
  readonly jobName?: string
  /** The job's place in its pipeline, from 0. */
  readonly position: number
  /** `blocked`: it waits for what it needs, and for nothing of the group. */
  readonly state: 'blocked' | 'waiting' | 'holding'
  /** Since when it waits, or has waited; epoch milliseconds. */
  readonly since: number
  /** How many it lets the group have; absent: not known. */
  readonly limit?: number
}

/** Those that have a place first, then those that wait in their order. */
export function compareMembers(a: GroupMember, b: GroupMember): number {
  return (
    RANK[a.state] - RANK[b.state] ||
    a.since - b.since ||
    a.pipelineNumber - b.pipelineNumber ||
    a.position - b.position
  )
}

const RANK = { holding: 0, waiting: 1, blocked: 2 } as const

/** What the member makes needless: all of older pipelines of its ref. */
export function supersededBy(
  members: readonly GroupMember[],
  { pipelineNumber, ref }: Pick<GroupMember, 'pipelineNumber' | 'ref'>,
): GroupMember[] {
  return members.filter((one) => one.ref === ref && one.pipelineNumber < pipelineNumber)
}

/** The newest that makes the member needless: it came first, though its commit is newer. */
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
