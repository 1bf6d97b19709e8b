import { z } from 'zod'
import { eventId } from '../rest/views.ts'

/** The message on the commit queue: only the id of the commit event's row. */
export const commitMessage = z.object({ v: z.literal(1), eventId })
export type CommitMessage = z.infer<typeof commitMessage>
