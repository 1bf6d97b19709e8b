import { basename, join, relative } from 'node:path'
import {
  type EventOptions,
  printProblems,
  readPipelineFile,
  refOf,
} from '../../cli/commands/file.ts'
import { EXIT } from '../../cli/terminal/exit-code.ts'
import type { EventDetails } from '../../core/commit-event.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { present } from '../../lib/present.ts'
import type { ParsedPipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import { parsePipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import { withIncludes } from '../../pipeline-file/read/with-includes.ts'
import type { Launch } from '../context.ts'
import type { LocalContext } from './local-context.ts'
import { openLocalIncludes } from './read-includes.ts'
import { findBranch } from './snapshot/own-repository.ts'

export interface PlanRequest {
  /** The folder of `narwhal.yml`. */
  readonly root: string
  readonly event: PlanFacts['event']
  readonly details: EventDetails
  readonly options: EventOptions
}

/**
 * Prints the plan instead of running it. Rejects with `invalid` if the file has not what the command's
 * arguments name.
 */
export async function dryRun(
  context: LocalContext,
  { io }: Launch,
  request: PlanRequest,
): Promise<void> {
  const path = join(request.root, 'narwhal.yml')
  const text = await readPipelineFile(path, io)
  const parsed = await planHere(context, text, request)
  if (!parsed.ok) {
    const file = relative(io.cwd, path)
    // There is no plan of an invalid file.
    const problems = [...parsed.problems, ...(parsed.unread ?? [])]
    printProblems(problems, { file, what: 'error' }, io)
    return io.exit(EXIT.notSuccess)
  }
  const { planLines } = await import('../../cli/graph/text-graph.ts')
  const { lookOf } = await import('../../cli/follow/follow-pipeline.ts')
  io.stdout.write(`${planLines(parsed.plan, lookOf(io)).join('\n')}\n`)
}

/**
 * Plans the working tree's file in this process. Rejects with `invalid` if the file is valid and only
 * lacks what the command's arguments name: they are wrong, not the file.
 */
export async function planHere(
  context: LocalContext,
  text: string,
  { root, event, details, options }: PlanRequest,
): Promise<ParsedPipelineFile> {
  const { gitEnv: env, signal } = context
  const branch = await findBranch(root, { env, signal })
  const ref = refOf(options, branch ?? SAMPLE_FACTS.ref)
  const { inputs = {}, jobs, from, targetBranch } = details
  const repository = basename(root)
  const facts = { ...SAMPLE_FACTS, repository, event, ref, inputs, ...present({ targetBranch }) }
  await using includes = await openLocalIncludes(context, root)
  const plan = async (asked: Pick<PlanFacts, 'jobs' | 'from'>): Promise<ParsedPipelineFile> =>
    await withIncludes<ParsedPipelineFile>(
      (included) => parsePipelineFile(text, { ...facts, ...asked }, included),
      (one) => includes.load(one),
    )
  const asked = present({ jobs, from })
  const parsed = await plan(asked)
  const isAsked = Object.keys(asked).length > 0
  if (parsed.ok || !isAsked || !(await plan({})).ok) return parsed
  const words = parsed.problems.map(({ message }) => message.replace(/^the file /, 'narwhal.yml '))
  throw new NarwhalError('invalid', words.join('\n'))
}
