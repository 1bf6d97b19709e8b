import type { z } from 'zod'
import type { PipelinePlan, Problem } from '../core/plan/plan.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../core/plan/plan-facts.ts'
import { present } from '../lib/present.ts'
import { flattenIssues, type Issue } from './issues.ts'
import { limits } from './limits.ts'
import { checkJobs } from './lint/check-jobs.ts'
import { planJobs, planSingleJob } from './plan/plan-file.ts'
import type { Reading } from './plan/planning.ts'
import { type Fault, faultsToProblems, type PlacedText } from './read/excerpt.ts'
import { type IncludedFiles, type IncludeRef, nameOf } from './read/include-ref.ts'
import { joinParts } from './read/join-parts.ts'
import { readDocument } from './read/read-document.ts'
import { type Part, readIncludes } from './read/read-includes.ts'
import { locate, readSource, type Source, sourceAt, textAt, weigh } from './read/source-tree.ts'
import { jobsFile, singleJobFile } from './schema/file.ts'
import { includedFile } from './schema/include.ts'
import { describeIssue, describePath, quote } from './words.ts'

/**
 * The plan, or all problems, sorted by position. `wants`: included files that were not given; with them the
 * file may be valid. `unread`: messages about included files that can't be checked here; then `problems` are
 * those that remain whatever these contain, if any.
 */
export type ParsedPipelineFile =
  | { readonly ok: true; readonly plan: PipelinePlan }
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      readonly wants?: readonly IncludeRef[]
      readonly unread?: readonly Problem[]
    }

/**
 * Parses a `narwhal.yml`, which may be hostile, and plans it for a commit. Never throws; time and memory are
 * bounded by `limits`. Where even a second is too long, run it in a thread that can be terminated.
 */
export function parsePipelineFile(
  text: string,
  facts: PlanFacts = SAMPLE_FACTS,
  included: IncludedFiles = new Map(),
): ParsedPipelineFile {
  // A byte order mark would shift the columns of the first line.
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  if (text.length > limits.bytes || Buffer.byteLength(clean) > limits.bytes) {
    const message = `the file has more than ${limits.bytes} bytes (1 MiB)`
    return { ok: false, problems: [{ message, line: 1, column: 1, excerpt: '' }] }
  }
  const result = read(clean, facts, included)
  if ('plan' in result) return { ok: true, plan: result.plan }
  const { texts = clean, faults, wants, unread } = result
  return {
    ok: false,
    problems: faultsToProblems(texts, faults),
    ...present({ wants, unread: unread && faultsToProblems(texts, unread) }),
  }
}

type Read =
  | { readonly plan: PipelinePlan }
  | {
      readonly faults: readonly Fault[]
      readonly texts?: readonly PlacedText[]
      readonly wants?: readonly IncludeRef[]
      readonly unread?: readonly Fault[]
    }

function read(text: string, facts: PlanFacts, files: IncludedFiles): Read {
  const parsed = readDocument(text)
  if (!parsed.ok) return { faults: [...parsed.faults] }
  if (parsed.document.contents === null || text.trim() === '') {
    return { faults: [{ offset: 0, message: 'the file is empty: it needs steps or jobs' }] }
  }
  const { source: root, faults } = readSource(parsed.document)
  if (!root) return { faults }
  const { texts, parts, wants, unread, included, ...read } = readIncludes(root, text, files)
  if (wants.length > 0) {
    const message = `${wants.map((one) => quote(nameOf(one))).join(', ')} was not read`
    const offset = locate(root, ['include'], 'value') ?? 0
    return { faults: [{ offset, message }], wants }
  }
  const { source, faults: joining } = joinParts(root, parts)
  const tooLarge = parts.length > 0 ? weigh(source) : undefined
  if (tooLarge !== undefined) return { faults: [{ offset: 0, message: tooLarge }], texts }
  const all = [...faults, ...read.faults, ...joining, ...parts.flatMap(checkPart)]
  if (unread.length > 0) {
    const faults = [...all, ...checkWithout(source).flatMap((issue) => toFault(source, issue))]
    return { faults, texts, unread }
  }
  const checked = plan(source, facts)
  if (!Array.isArray(checked) && all.length === 0) {
    return { plan: included.length > 0 ? { ...checked, included } : checked }
  }
  const issues = Array.isArray(checked) ? checked : []
  return { faults: [...all, ...issues.flatMap((issue) => toFault(source, issue))], texts }
}

/** Issues that remain whatever the missing files contain. */
function checkWithout({ value }: Source): Issue[] {
  if (isOneJob(value)) return check(singleJobFile, value).issues
  const file = isObject(value) && 'jobs' in value ? value : { ...Object(value), jobs: {} }
  const { issues } = check(jobsFile, file)
  return issues.filter(({ isName, path }) => !isName && (path.length > 1 || file === value))
}

function isOneJob(value: unknown): boolean {
  return !isObject(value) || !('jobs' in value || ('include' in value && !('steps' in value)))
}

function plan(source: Source, facts: PlanFacts): PipelinePlan | Issue[] {
  const reading: Reading = {
    facts,
    textAt: (path) => textAt(source, path),
    weightAt: (path) => sourceAt(source, path)?.characters ?? 0,
  }
  return isOneJob(source.value) ? readSingleJob(source, reading) : readJobs(source, reading)
}

/** Issues that only an included file can have; all others are reported once, for the joined file. */
function checkPart({ source }: Part): Fault[] {
  const { error } = includedFile.safeParse(source.value, { error: describeIssue })
  return error ? flattenIssues(error.issues).flatMap((issue) => toFault(source, issue)) : []
}

function readSingleJob(source: Source, reading: Reading): PipelinePlan | Issue[] {
  const { file, issues } = check(singleJobFile, source.value)
  return file ? planSingleJob(file, reading) : issues
}

function readJobs(source: Source, reading: Reading): PipelinePlan | Issue[] {
  const { file, issues } = check(jobsFile, source.value)
  if (!file) return issues
  const { children } = source.place
  const jobs = [...(children.get('jobs')?.source.place.children.keys() ?? [])].map(String)
  return planJobs(file, jobs, reading)
}

/** The file if it is valid, otherwise all issues. */
function check<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
): { file?: z.infer<Schema>; issues: Issue[] } {
  const result = schema.safeParse(value, { error: describeIssue })
  const issues = [
    ...(result.success ? [] : flattenIssues(result.error.issues)),
    ...checkJobs(value),
  ]
  return result.success && issues.length === 0 ? { file: result.data, issues } : { issues }
}

function toFault(source: Source, { path, message, at }: Issue): Fault | [] {
  const offset = locate(source, path, at)
  if (offset === undefined) return []
  return { offset, message: `${describePath(path) || 'the file'} ${message}` }
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}
