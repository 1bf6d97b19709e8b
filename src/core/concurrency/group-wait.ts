import { present } from '../../lib/present.ts'
import type { Concurrency, GroupMember } from './concurrency.ts'

/** Why a member of a group has to wait. */
export interface GroupWait {
  readonly kind: 'group'
  readonly group: string
  readonly ofStrangers?: true
  /** Members that run. */
  readonly holding: readonly GroupMember[]
  /** Members that wait ahead of it. */
  readonly before: readonly GroupMember[]
}

/**
 * Why a member has to wait; undefined if it may run. First come, first served; of several limits the smallest
 * counts, so nobody enters a full group by setting a higher one. `members` are in the order of
 * `compareMembers`; the member itself may be missing if it is too far behind.
 */
export function whyGroupIsFull(
  members: readonly GroupMember[],
  id: GroupMember['id'],
  { group, limit: own, ofStrangers }: Concurrency,
): GroupWait | undefined {
  if (members.find((member) => member.id === id)?.state === 'holding') return undefined
  const holding = members.filter(({ state }) => state === 'holding')
  const waiting = members.filter(({ state }) => state === 'waiting')
  const index = waiting.findIndex((member) => member.id === id)
  const before = index < 0 ? waiting : waiting.slice(0, index)
  const limit = Math.min(own, ...[...holding, ...before].map((member) => member.limit ?? own))
  if (holding.length + before.length < limit) return undefined
  return { kind: 'group', group, ...present({ ofStrangers }), holding, before }
}

/** "waits for deploy-main: held by pipeline #7, and behind pipeline #8". */
export function describeGroupWait({ group, ofStrangers, holding, before }: GroupWait): string {
  const held = holding.length > 0 ? `: held by ${inWords(holding)}` : ''
  const behind = before.length > 0 ? `${held ? ', and' : ':'} behind ${inWords(before)}` : ''
  const whose = ofStrangers ? ' of strangers' : ''
  return `waits for ${group}${whose}${held}${behind}`
}

const MOST_NAMED = 3

function inWords(members: readonly GroupMember[]): string {
  const named = members
    .slice(0, MOST_NAMED)
    .map(({ pipelineNumber, jobName }) =>
      jobName === undefined
        ? `pipeline #${pipelineNumber}`
        : `${jobName} of pipeline #${pipelineNumber}`,
    )
  const more = members.length - named.length
  return more > 0 ? `${named.join(', ')} and ${more} more` : named.join(', ')
}
