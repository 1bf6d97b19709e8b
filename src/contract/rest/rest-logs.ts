import { z } from 'zod'
import { count } from './rest.ts'
import { logLine } from './views.ts'

const lineNumber = z.coerce.number().int().nonnegative()

export const logQuery = z
  .object({
    /** The first line; by default 0. */
    from: lineNumber.optional(),
    /** In place of `from`: the lines just before this one, which may be past the end of the log. */
    before: lineNumber.optional(),
    limit: count(1000, 10_000),
  })
  .refine(({ from, before }) => from === undefined || before === undefined, {
    message: 'give `from` or `before`, not both',
    path: ['before'],
  })
/** `complete`: the attempt has finished and nothing follows these lines. */
export const logPage = z.object({
  lines: z.array(logLine),
  /** How many lines the log has so far. */
  total: z.number().int().nonnegative(),
  complete: z.boolean(),
})
export type LogPage = z.infer<typeof logPage>
export const logTextQuery = z.object({
  /** Prefix each line with its time. */
  timestamps: z.stringbool().default(false),
  /** As an attachment with a file name. */
  download: z.stringbool().default(false),
})

/** Each search scans the whole log, whichever page of matches is requested. */
export const logSearchQuery = z.object({
  /** Plain text within one line. */
  text: z
    .string()
    .min(1)
    .max(1000)
    .regex(/^[^\n]*$/, 'must be of one line'),
  matchCase: z.stringbool().default(false),
  /** Return matches from this line on; by default 0. */
  from: lineNumber.default(0),
  /** The maximum number of matches. */
  limit: count(100, 1000),
})
/** A matching line. */
export const logMatch = logLine
  .omit({ text: true })
  .extend({
    /** The part of the line with the first matches. */
    excerpt: z.string(),
    /** The offset of the excerpt in the line, in UTF-16 code units. */
    offset: z.number().int().nonnegative(),
    /** The matches in the excerpt: from, to. */
    ranges: z.array(z.tuple([z.number().int(), z.number().int()])),
  })
  .meta({ id: 'LogMatch' })
export type LogMatch = z.infer<typeof logMatch>
export const logSearch = z.object({
  /** In log order. */
  matches: z.array(logMatch),
  /** How many lines of the whole log match, including those before `from`. */
  total: z.number().int().nonnegative(),
  /** `from` for the next page; absent: there is none. */
  next: z.number().int().nonnegative().optional(),
  lines: z.number().int().nonnegative(),
  /** The attempt has finished and nothing follows the searched lines. */
  complete: z.boolean(),
})
export type LogSearch = z.infer<typeof logSearch>
/** The contiguous lines of one step. */
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
  /** How many lines the log has. */
  total: z.number().int().nonnegative(),
})
/** Which text of a log to redact: that of the steps with this name, or all. */
export const redactLog = z.strictObject({ step: z.string().min(1).max(200).optional() })
export const redactedLog = z.object({
  /** Of the removed text, in hexadecimal. */
  sha256: z.string(),
  /** How many lines it had. */
  lines: z.number().int().nonnegative(),
  /**
   * Whether it is gone from all files of the database. If not, old versions may remain in files until the
   * space is reused (PostgreSQL: after vacuum). Backups always keep it.
   */
  isWiped: z.boolean(),
})
export type RedactedLog = z.infer<typeof redactedLog>
export const logFollowQuery = z.object({ from: z.coerce.number().int().nonnegative().default(0) })
