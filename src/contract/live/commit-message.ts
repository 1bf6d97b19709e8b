import { z } from 'zod'
import { eventId } from '../rest/views.ts'

/** What travels on the commit queue: the id of the commit event's row, and no more. */
export const commitMessage = z.object({ v: z.literal(1), eventId })
export type CommitMessage = z.infer<typeof commitMessage>
