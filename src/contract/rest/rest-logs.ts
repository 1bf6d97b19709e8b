import { z } from 'zod'
import { count } from './rest.ts'
import { logLine } from './views.ts'

/** What can be asked of an attempt's log, under `/api/v1/jobs/:job/attempts/:attempt/log`. */

const lineNumber = z.coerce.number().int().nonnegative()

export const logQuery = z
  .object({
    /** The first line; 0 unless told. */
    from: lineNumber.optional(),
    /** In place of `from`: the lines just before this one, which may lie past the end of the log. */
    before: lineNumber.optional(),
    limit: count(1000, 10_000),
  })
  .refine(({ from, before }) => from === undefined || before === undefined, {
    message: 'give `from` or `before`, not both',
    path: ['before'],
  })
/** `complete`: the attempt has ended and nothing follows these lines. */
export const logPage = z.object({
  lines: z.array(logLine),
  /** How many lines the log has so far. */
  total: z.number().int().nonnegative(),
  complete: z.boolean(),
})
export type LogPage = z.infer<typeof logPage>
export const logTextQuery = z.object({
  /** Each line behind its time. */
  timestamps: z.stringbool().default(false),
  /** As a file to be saved, with a name. */
  download: z.stringbool().default(false),
})

/** A search goes through the whole log, whatever page of its matches is asked for. */
export const logSearchQuery = z.object({
  /** Plain text that stands within a line. */
  text: z
    .string()
    .min(1)
    .max(1000)
    .regex(/^[^\n]*$/, 'must be of one line'),
  matchCase: z.stringbool().default(false),
  /** Matches from this line on are told; 0 unless told. */
  from: lineNumber.default(0),
  /** At most so many of them. */
  limit: count(100, 1000),
})
/** A line in which the text stands. */
export const logMatch = logLine
  .omit({ text: true })
  .extend({
    /** The part of the line with the first places where the text stands. */
    excerpt: z.string(),
    /** Where the excerpt begins in the line, in UTF-16 code units. */
    offset: z.number().int().nonnegative(),
    /** Where the text stands in the excerpt: from, to. */
    ranges: z.array(z.tuple([z.number().int(), z.number().int()])),
  })
  .meta({ id: 'LogMatch' })
export type LogMatch = z.infer<typeof logMatch>
export const logSearch = z.object({
  /** In the order of the log. */
  matches: z.array(logMatch),
  /** How many lines of the whole log have the text, before `from` too. */
  total: z.number().int().nonnegative(),
  /** The line of the first match behind these: `from` for the next page. Absent: there is none. */
  next: z.number().int().nonnegative().optional(),
  /** How many lines were searched. */
  lines: z.number().int().nonnegative(),
  /** The attempt has ended and nothing follows the lines that were searched. */
  complete: z.boolean(),
})
export type LogSearch = z.infer<typeof logSearch>
/** The lines of one step, which stand together. */
export const logSection = z
  .object({
    step: z.number().int().nonnegative(),
    /** Its first line. */
    from: z.number().int().nonnegative(),
    count: z.number().int().positive(),
  })
  .meta({ id: 'LogSection' })
export type LogSection = z.infer<typeof logSection>
export const logSectionList = z.object({
  sections: z.array(logSection),
  /** How many lines the log had. */
  total: z.number().int().nonnegative(),
})
/** Which text of a log is to be taken out of it: of the steps of this name, or all. */
export const redactLog = z.strictObject({ step: z.string().min(1).max(200).optional() })
export const redactedLog = z.object({
  /** Of the text that was there, in hexadecimal. */
  sha256: z.string(),
  /** How many lines had it. */
  lines: z.number().int().nonnegative(),
  /**
   * Whether it is in no file of the database any more. If not, former states may stay in files until
   * the database has used their room again (PostgreSQL: after its own vacuum), and always in backups.
   */
  isWiped: z.boolean(),
})
export type RedactedLog = z.infer<typeof redactedLog>
export const logFollowQuery = z.object({ from: z.coerce.number().int().nonnegative().default(0) })
