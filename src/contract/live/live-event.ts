import { z } from 'zod'
import { jobId, jobView, logLine, pipelineView, runnerSample, runnerView } from '../rest/views.ts'

/**
 * What the websocket sends, the UI reduces and the tests assert. Events carry the whole new state of their
 * subject, so applying one is idempotent and earlier ones can be skipped.
 *
 * `seq` numbers the state changes of the whole installation in commit order; a reader that was disconnected
 * uses it to ask for what it missed. Logs are resumed by line number and samples not at all, so these have
 * none.
 */
export const stateChange = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('pipeline.changed'),
    seq: z.number().int().positive(),
    pipeline: pipelineView,
  }),
  z.object({ type: z.literal('job.changed'), seq: z.number().int().positive(), job: jobView }),
  z.object({
    type: z.literal('runner.changed'),
    seq: z.number().int().positive(),
    runner: runnerView,
  }),
])
export type StateChange = z.infer<typeof stateChange>

export const logAppended = z.object({
  type: z.literal('log.appended'),
  jobId,
  attempt: z.number().int().positive(),
  lines: z.array(logLine).min(1),
})
export type LogAppended = z.infer<typeof logAppended>

/** A log has this many lines now: too many to be sent along, so they are to be read from the store. */
export const logGrew = z.object({
  type: z.literal('log.grew'),
  jobId,
  attempt: z.number().int().positive(),
  lines: z.number().int().positive(),
})
export type LogGrew = z.infer<typeof logGrew>

export const runnerSampled = z.object({ type: z.literal('runner.sampled'), sample: runnerSample })

export const liveEvent = z.union([stateChange, logAppended, runnerSampled])
export type LiveEvent = z.infer<typeof liveEvent>

/**
 * What is published on the event queue between processes; clients get the lines of logs instead of `logGrew`.
 */
export const publishedEvent = z.union([liveEvent, logGrew])
export type PublishedEvent = z.infer<typeof publishedEvent>
