import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import { type CommitEvent, EVENT_KINDS, isSha } from '../../core/commit-event.ts'
import { ALL_ACTIONS, type EventAction } from '../../core/event-actions.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import type { RequestFacts } from '../../core/request-facts.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type {
  EventFacts as EventFactsMessage,
  EventFactsSchema,
  RequestFacts as RequestFactsMessage,
  RequestFactsSchema,
} from '../gen/narwhal/v1/runner_pb.js'

/** What a runner gets to know about the commit event it plans; the rest is in the commit. */
export interface EventFacts extends Omit<PlanFacts, 'ref' | 'sha' | 'repository' | 'changedPaths'> {
  /** The commit to compare with, for the changed paths. */
  readonly base?: string
}

const kind = z.enum(EVENT_KINDS)

export function factsOf(event: CommitEvent): EventFacts {
  const { details = {} } = event
  const { actions, base, targetBranch, request, inputs = {}, jobs = [], from } = details
  const { kind: what, title, author, trust } = event
  return {
    event: what,
    title,
    author,
    isStranger: isStranger(trust),
    inputs,
    ...present({
      actions,
      base,
      targetBranch,
      request,
      from,
      jobs: jobs.length === 0 ? undefined : jobs,
    }),
  }
}

export function factsToProto(facts: EventFacts): MessageInitShape<typeof EventFactsSchema> {
  const { actions = [], base = '', targetBranch = '', request, ...others } = facts
  const { inputs, jobs = [], from = '', ...rest } = others
  return {
    ...rest,
    actions: [...actions],
    base,
    targetBranch,
    ...(request && { request: requestToProto(request) }),
    inputs: { ...inputs },
    jobs: [...jobs],
    from,
  }
}

/** Throws `invalid` if a part is malformed. Dispatchers of an earlier version send none: a push. */
export function factsFromProto(facts: EventFactsMessage | undefined): EventFacts {
  if (facts === undefined) {
    return { event: 'push', title: '', author: '', isStranger: true, inputs: {} }
  }
  const { title, author, actions, base, targetBranch, request, inputs, jobs, from } = facts
  const event = kind.safeParse(facts.event)
  if (!event.success || (base !== '' && !isSha(base))) {
    throw new NarwhalError('invalid', "the request has an event that can't exist")
  }
  return {
    event: event.data,
    title,
    author,
    isStranger: facts.isStranger,
    inputs: { ...inputs },
    ...present({
      // Those of newer dispatchers are dropped: nothing in a file that is valid here names them.
      actions: actions.length === 0 ? undefined : actions.filter(isAction),
      base: base || undefined,
      targetBranch: targetBranch || undefined,
      request: request && requestFromProto(request),
      jobs: jobs.length === 0 ? undefined : jobs,
      from: from || undefined,
    }),
  }
}

function isAction(word: string): word is EventAction {
  return (ALL_ACTIONS as readonly string[]).includes(word)
}

function requestToProto(facts: RequestFacts): MessageInitShape<typeof RequestFactsSchema> {
  const { labels, addedLabels, removedLabels, ...known } = facts
  const lists = present({ labels, addedLabels, removedLabels })
  return {
    ...known,
    ...Object.fromEntries(
      Object.entries(lists).map(([name, names]) => [name, { names: [...names] }]),
    ),
  }
}

function requestFromProto(facts: RequestFactsMessage): RequestFacts {
  const { labels, draft, milestone, merged, addedLabels, removedLabels, formerBranch } = facts
  return present({
    labels: labels && [...labels.names],
    draft,
    milestone,
    merged,
    addedLabels: addedLabels && [...addedLabels.names],
    removedLabels: removedLabels && [...removedLabels.names],
    formerBranch,
  })
}
