import { z } from 'zod'

/** What the proof tries inside the network of a job, and the results. */

export const TriesSchema = z.object({
  connections: z.array(
    z.union([
      z.object({ address: z.string(), port: z.int() }),
      /** An abstract socket. */
      z.object({ path: z.string() }),
    ]),
  ),
  resolver: z.string().optional(),
  /** Timeout of a connection. */
  waitMs: z.int(),
})

/** `refused`: at once, by the rules or by the host; `timeout`: no answer. */
export const TriedSchema = z.object({
  connections: z.array(z.enum(['connected', 'refused', 'unreachable', 'timeout'])),
  answered: z.boolean(),
})

export type Tries = z.output<typeof TriesSchema>
export type Tried = z.output<typeof TriedSchema>
