import { z } from 'zod'
import { jobId, pipelineId } from '../rest/views.ts'
import { liveEvent } from './live-event.ts'

/**
 * The protocol of the websocket at `/api/v1/live`. A client subscribes to topics under ids of its own
 * choosing; every message from the server names the subscription it belongs to, except errors of the
 * connection itself.
 */
export const liveTopic = z.discriminatedUnion('kind', [
  /** Every state change: pipelines, jobs, runners. */
  z.object({ kind: z.literal('everything') }),
  z.object({ kind: z.literal('pipeline'), pipelineId }),
  z.object({ kind: z.literal('log'), jobId, attempt: z.number().int().positive() }),
  /** Changes of the runners and their samples. */
  z.object({ kind: z.literal('runners') }),
])
export type LiveTopic = z.infer<typeof liveTopic>

export const liveRequest = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('subscribe'),
    id: z.string().min(1).max(64),
    topic: liveTopic,
    /**
     * The number of the last event that the client has (state changes: `seq`; a log: the number of its last
     * line, -1 for none); the server first sends everything after it. Absent: only new events.
     */
    after: z.number().int().gte(-1).optional(),
  }),
  z.object({ type: z.literal('unsubscribe'), id: z.string().min(1).max(64) }),
])
export type LiveRequest = z.infer<typeof liveRequest>

export const liveResponse = z.discriminatedUnion('type', [
  /** Sent once per subscription, after everything that was missed. `seq`: the newest number. */
  z.object({ type: z.literal('subscribed'), id: z.string(), seq: z.number().int().gte(-1) }),
  z.object({ type: z.literal('event'), id: z.string(), event: liveEvent }),
  /** Events after `after` are no longer kept: read the current state by REST; new events follow. */
  z.object({ type: z.literal('reset'), id: z.string() }),
  /** The log is complete: no more lines will follow. */
  z.object({ type: z.literal('end'), id: z.string() }),
  z.object({
    type: z.literal('error'),
    id: z.string().optional(),
    code: z.string(),
    message: z.string(),
  }),
])
export type LiveResponse = z.infer<typeof liveResponse>
