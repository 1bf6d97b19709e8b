import { z } from 'zod'

/** What the proof has tried inside the network of a job, and how that went. */

export const TriesSchema = z.object({
  connections: z.array(
    z.union([
      z.object({ address: z.string(), port: z.int() }),
      /** An abstract socket. */
      z.object({ path: z.string() }),
    ]),
  ),
  resolver: z.string().optional(),
  /** How long a connection may take. */
  waitMs: z.int(),
})

/** `refused`: at once, by the rules or by whoever lives there; `timeout`: nobody said anything. */
export const TriedSchema = z.object({
  connections: z.array(z.enum(['connected', 'refused', 'unreachable', 'timeout'])),
  answered: z.boolean(),
})

export type Tries = z.output<typeof TriesSchema>
export type Tried = z.output<typeof TriedSchema>
