import type { z } from 'zod'
import type { PipelinePlan, Problem } from '../../core/plan.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan-facts.ts'
import { checkJobs } from './check-jobs.ts'
import { type Fault, faultsToProblems } from './excerpt.ts'
import { flattenIssues, type Issue } from './issues.ts'
import { limits } from './limits.ts'
import { planJobs, planSingleJob } from './plan/plan-file.ts'
import type { Reading } from './plan/planning.ts'
import { readDocument } from './read-document.ts'
import { jobsFile, singleJobFile } from './schema/file.ts'
import { locate, readSource, type Source, sourceAt, textAt } from './source-tree.ts'
import { describeIssue, describePath } from './words.ts'

/** What a file says, or all that is wrong with it: at least one problem, sorted by place. */
export type ParsedPipelineFile =
  | { readonly ok: true; readonly plan: PipelinePlan }
  | { readonly ok: false; readonly problems: readonly Problem[] }

/**
 * Reads the text of a `narwhal.yml`, which may be hostile, and plans it for what is known of the commit:
 * it never throws, and its time and memory are bounded by `limits`. Where even a second is too much, run it in a thread that can be ended.
 */
export function parsePipelineFile(
  text: string,
  facts: PlanFacts = SAMPLE_FACTS,
): ParsedPipelineFile {
  // As a tokenizer's first character a byte order mark would shift every column.
  const clean = text.startsWith('\ufeff') ? text.slice(1) : text
  if (text.length > limits.bytes || Buffer.byteLength(clean) > limits.bytes) {
    const message = `the file has more than ${limits.bytes} bytes (1 MiB)`
    return { ok: false, problems: [{ message, line: 1, column: 1, excerpt: '' }] }
  }
  const result = read(clean, facts)
  if (!Array.isArray(result)) return { ok: true, plan: result }
  return { ok: false, problems: faultsToProblems(clean, result) }
}

function read(text: string, facts: PlanFacts): PipelinePlan | Fault[] {
  const parsed = readDocument(text)
  if (!parsed.ok) return [...parsed.faults]
  if (parsed.document.contents === null || text.trim() === '') {
    return [{ offset: 0, message: 'the file says nothing: it needs steps, or jobs' }]
  }
  const { source, faults } = readSource(parsed.document)
  if (!source) return faults
  const reading: Reading = {
    facts,
    textAt: (path) => textAt(source, path),
    weightAt: (path) => sourceAt(source, path)?.characters ?? 0,
  }
  const hasJobs = isObject(source.value) && 'jobs' in source.value
  const checked = hasJobs ? readJobs(source, reading) : readSingleJob(source, reading)
  if (!Array.isArray(checked) && faults.length === 0) return checked
  const issues = Array.isArray(checked) ? checked : []
  return [...faults, ...issues.flatMap((issue) => toFault(source, issue))]
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

/** The file when nothing is wrong with it, else every issue. */
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
