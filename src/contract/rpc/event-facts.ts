import type { MessageInitShape } from '@bufbuild/protobuf'
import { z } from 'zod'
import { type CommitEvent, EVENT_KINDS, isSha } from '../../core/commit-event.ts'
import type { PlanFacts } from '../../core/plan/plan-facts.ts'
import type { RequestFacts } from '../../core/request-facts.ts'
import { isStranger } from '../../core/stranger/stranger.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type {
  EventFacts as EventFactsMessage,
  EventFactsSchema,
  RequestFacts as RequestFactsMessage,
} from '../gen/narwhal/v1/runner_pb.js'

/** What a runner gets to know about the commit event it plans; the rest is in the commit. */
export interface EventFacts extends Omit<PlanFacts, 'ref' | 'sha' | 'repository' | 'changedPaths'> {
  /** The commit to compare with, for the changed paths. */
  readonly base?: string
}

const kind = z.enum(EVENT_KINDS)

export function factsOf(event: CommitEvent): EventFacts {
  const { base, targetBranch, request, inputs = {}, jobs = [], from } = event.details ?? {}
  const { kind: what, title, author, trust } = event
  return {
    event: what,
    title,
    author,
    isStranger: isStranger(trust),
    inputs,
    ...present({ base, targetBranch, request, from, jobs: jobs.length === 0 ? undefined : jobs }),
  }
}

export function factsToProto(facts: EventFacts): MessageInitShape<typeof EventFactsSchema> {
  const { base = '', targetBranch = '', request, inputs, jobs = [], from = '', ...rest } = facts
  const { labels, ...known } = request ?? {}
  return {
    ...rest,
    base,
    targetBranch,
    ...(request && { request: { ...known, ...(labels && { labels: { names: [...labels] } }) } }),
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
  const { title, author, base, targetBranch, request, inputs, jobs, from } = facts
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
      base: base || undefined,
      targetBranch: targetBranch || undefined,
      request: request && requestFromProto(request),
      jobs: jobs.length === 0 ? undefined : jobs,
      from: from || undefined,
    }),
  }
}

function requestFromProto({ labels, draft, milestone }: RequestFactsMessage): RequestFacts {
  return present({ labels: labels && [...labels.names], draft, milestone })
}
