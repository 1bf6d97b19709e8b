import { present } from '../../lib/present.ts'
import type { Concurrency, GroupMember } from './concurrency.ts'

/** Why a member of a group can't go on now; `describeGroupWait` says it to a person. */
export interface GroupWait {
  readonly kind: 'group'
  readonly group: string
  readonly ofStrangers?: true
  /** Those that have a place. */
  readonly holding: readonly GroupMember[]
  /** Those that came before it and wait as well. */
  readonly before: readonly GroupMember[]
}

/**
 * Why a member can't go on now; undefined when it can. Those that wait go on in the order
 * in which they came; of several limits the smallest counts, so that nobody enters a full group by a
 * limit of their own. `members` are in the order of `compareMembers`, and the member is among them
 * unless it stands too far behind to be told.
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
