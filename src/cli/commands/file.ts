import { readFile } from 'node:fs/promises'
import { basename, dirname, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import { EVENT_KINDS, type EventDetails, type EventKind, isRef } from '../../core/commit-event.ts'
import { ALL_ACTIONS, EVENT_ACTIONS, type EventAction } from '../../core/event-actions.ts'
import type { PipelinePlan, Problem } from '../../core/plan/plan.ts'
import { type PlanFacts, SAMPLE_FACTS } from '../../core/plan/plan-facts.ts'
import { describeFileError } from '../../lib/describe-file-error.ts'
import { hasCode, NarwhalError } from '../../lib/errors.ts'
import type { ParsedPipelineFile } from '../../pipeline-file/parse-pipeline-file.ts'
import { withIncludes } from '../../pipeline-file/read/with-includes.ts'
import { printJson } from '../parts/client-command.ts'
import { readInclude } from '../parts/read-include.ts'
import { cleanLogText, cleanText } from '../terminal/clean-text.ts'
import { type CliIo, coloursFor } from '../terminal/cli-io.ts'
import { EXIT } from '../terminal/exit-code.ts'
import { readInput } from './pipeline/pipeline-start.ts'

export const FILE_GROUP = 'Commands that need no server:'
const FILE = 'narwhal.yml'
/** More than the parser accepts, so that it reports the limit itself. */
const MOST_BYTES = 2 * 1024 * 1024

/** What a file is planned for, in place of a commit event. */
export interface EventOptions {
  readonly event?: PlanFacts['event']
  readonly ref?: string
  readonly action?: EventAction
  readonly target?: string
  readonly label?: readonly string[]
  readonly draft?: boolean
  readonly input?: Readonly<Record<string, string>>
}

/** Adds `lint`, `graph` and `schema`. */
export function addFileCommands(program: Command, io: CliIo): void {
  program
    .command('lint')
    .argument('[file]', `default: ${FILE} in the working directory`)
    .description('check a narwhal.yml for errors and likely mistakes')
    .option('--json', 'print problems and warnings as JSON')
    .option('--strict', 'treat warnings as errors')
    .helpGroup(FILE_GROUP)
    .addHelpText('after', examples('lint', 'lint ci/narwhal.yml --strict'))
    .action((file: string | undefined, options: LintOptions) => lint(file ?? FILE, options, io))
  addEventOptions(
    program
      .command('graph')
      .argument('[file]', `default: ${FILE} in the working directory`)
      .description('show the jobs of a narwhal.yml and their dependencies')
      .addOption(
        new Option('--format <format>', 'output format')
          .choices(['text', 'mermaid', 'svg'])
          .default('text'),
      )
      .helpGroup(FILE_GROUP)
      .addHelpText('after', examples('graph', 'graph --format svg --event tag')),
  ).action((file: string | undefined, options: GraphOptions) => graph(file ?? FILE, options, io))
  program
    .command('schema')
    .description('print the JSON Schema of narwhal.yml, for editors')
    .option('--markdown', "print the manual's reference page instead")
    .helpGroup(FILE_GROUP)
    .addHelpText('after', examples('schema', 'schema --markdown'))
    .action((options: { markdown?: boolean }) => schema(options, io))
}

/** The examples at the end of a command's help. */
export function examples(...lines: readonly string[]): string {
  return `\nExamples:\n${lines.map((line) => `  $ narwhal ${line}`).join('\n')}`
}

/** Adds the options of `EventOptions`. */
export function addEventOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--event <event>', 'plan as for this event').choices(EVENT_KINDS).default('push'),
    )
    .option('--ref <ref>', 'plan as for this branch or tag')
    .addOption(
      new Option('--action <action>', 'what has happened to the pull request').choices(ALL_ACTIONS),
    )
    .option('--target <branch>', 'target branch of a pull request')
    .option('--label <name>', 'label of the pull request; repeatable', addLabel)
    .option('--draft', 'the pull request is a draft')
    .option('--input <name=value>', 'set an input; repeatable', readInput)
}

function addLabel(name: string, former: readonly string[] = []): readonly string[] {
  return [...former, name]
}

/**
 * What is known about a pull request that is only pretended: everything. Throws `invalid` for what the event
 * can't have.
 */
export function requestOf({
  event = 'push',
  action,
  label: labels = [],
  draft = false,
}: EventOptions): Pick<EventDetails, 'actions' | 'request'> {
  const possible: readonly EventAction[] = EVENT_ACTIONS[event]
  const [first] = possible
  if (action && !possible.includes(action)) {
    const which = possible.length > 0 ? `: use ${possible.join(', ')}` : ''
    throw new NarwhalError('invalid', `--event ${event} never has --action ${action}${which}`)
  }
  if ((labels.length > 0 || draft) && event !== 'pull_request') {
    throw new NarwhalError('invalid', '--label and --draft require --event pull_request')
  }
  if (!first) return {}
  const actions = [action ?? first]
  return event === 'pull_request'
    ? { actions, request: { labels, draft, milestone: '' } }
    : { actions }
}

/** The target branch of a pull request, if given. Throws `invalid` for an invalid one. */
export function targetOf({ event, target }: EventOptions): { targetBranch?: string } {
  if (target === undefined) return {}
  if (event !== 'pull_request' && event !== 'merge_group') {
    throw new NarwhalError('invalid', '--target requires --event pull_request or merge_group')
  }
  if (isRef(`refs/heads/${target}`)) return { targetBranch: target }
  throw new NarwhalError('invalid', `invalid branch name ${JSON.stringify(target)}`)
}

/** The full ref; `branch` by default. Throws `invalid` for an invalid one. */
export function refOf({ ref, event = 'push' }: EventOptions, branch: string): string {
  if (ref !== undefined) {
    const short = `refs/${isOfTag(event) ? 'tags' : 'heads'}/${ref}`
    const full = ref.startsWith('refs/') ? ref : short
    if (isRef(full)) return full
    throw new NarwhalError('invalid', `invalid branch or tag name ${JSON.stringify(ref)}`)
  }
  if (isOfTag(event)) return 'refs/tags/v0.0.0'
  return event === 'pull_request' ? 'refs/pull/1/head' : branch
}

function isOfTag(event: EventKind): boolean {
  return event === 'tag' || event === 'release'
}

interface LintOptions {
  readonly json?: boolean
  readonly strict?: boolean
}

async function lint(file: string, options: LintOptions, io: CliIo): Promise<void> {
  const text = await readPipelineFile(file, io)
  const { lintPipelineFile } = await import('../../pipeline-file/lint/lint-pipeline-file.ts')
  const { problems, warnings } = await withIncludes(
    (included) => lintPipelineFile(text, undefined, included),
    (ref) => readInclude(ref, dirname(resolve(io.cwd, file))),
  )
  const isBad = problems.length > 0 || (options.strict && warnings.length > 0)
  if (isBad) io.exit(EXIT.notSuccess)
  if (options.json) return printJson(io, { file, problems, warnings })
  printProblems(problems, { file, what: 'error' }, io)
  printProblems(warnings, { file, what: 'warning' }, io)
  if (problems.length + warnings.length > 0) return
  io.stdout.write(`${cleanText(file)}: ${coloursFor(io, io.stdout).green('OK')}\n`)
}

interface GraphOptions extends EventOptions {
  readonly format: 'text' | 'mermaid' | 'svg'
}

async function graph(file: string, options: GraphOptions, io: CliIo): Promise<void> {
  const text = await readPipelineFile(file, io)
  const { parsePipelineFile } = await import('../../pipeline-file/parse-pipeline-file.ts')
  const { event = 'push', input = {} } = options
  const ref = refOf(options, SAMPLE_FACTS.ref)
  const about = { ...targetOf(options), ...requestOf(options) }
  const facts = { ...SAMPLE_FACTS, event, ref, inputs: input, ...about }
  const parsed = await withIncludes<ParsedPipelineFile>(
    (included) => parsePipelineFile(text, facts, included),
    (one) => readInclude(one, dirname(resolve(io.cwd, file))),
  )
  if (!parsed.ok) {
    // There is no graph of an invalid file.
    printProblems([...parsed.problems, ...(parsed.unread ?? [])], { file, what: 'error' }, io)
    return io.exit(EXIT.notSuccess)
  }
  io.stdout.write(await drawn(parsed.plan, options.format, io))
}

async function drawn(
  plan: PipelinePlan,
  format: GraphOptions['format'],
  io: CliIo,
): Promise<string> {
  if (format === 'mermaid') return (await import('../graph/mermaid-graph.ts')).mermaidGraph(plan)
  if (format === 'svg') return (await import('../graph/svg-graph.ts')).svgGraph(plan)
  const { planLines } = await import('../graph/text-graph.ts')
  const { lookOf } = await import('../follow/follow-pipeline.ts')
  return `${planLines(plan, lookOf(io)).join('\n')}\n`
}

async function schema(options: { markdown?: boolean }, io: CliIo): Promise<void> {
  if (options.markdown) {
    const { referencePage } = await import('../../pipeline-file/reference/reference.ts')
    io.stdout.write(referencePage())
    return
  }
  const { pipelineFileJsonSchema } = await import('../../pipeline-file/reference/json-schema.ts')
  printJson(io, pipelineFileJsonSchema())
}

/** The file's text. Rejects with `not_found` if it can't be read. */
export async function readPipelineFile(file: string, io: CliIo): Promise<string> {
  const path = resolve(io.cwd, file)
  try {
    const bytes = await readFile(path)
    return bytes.subarray(0, MOST_BYTES).toString('utf8')
  } catch (cause) {
    const message = hasCode(cause, 'ENOENT')
      ? `there is no ${basename(path)} in ${dirname(path)}: ${ADVICE}`
      : `${path} can't be read: ${describeFileError(cause)}`
    throw new NarwhalError('not_found', message, { cause })
  }
}

const ADVICE = 'create one; the shortest is `steps: [echo hello]`'

/** Prints each with its position, as compilers do, so that editors and terminals can jump there. */
export function printProblems(
  problems: readonly Problem[],
  { file, what }: { readonly file: string; readonly what: 'error' | 'warning' },
  io: CliIo,
): void {
  const colours = coloursFor(io, io.stdout)
  const word = what === 'error' ? colours.red('error') : colours.yellow('warning')
  for (const { line, column, message, excerpt, file: included } of problems) {
    const place = colours.bold(`${cleanText(included ?? file)}:${line}:${column}`)
    const lines = excerpt === '' ? [] : excerpt.split('\n')
    const shown = lines.map((one) => `  ${cleanLogText(one, false)}\n`).join('')
    io.stdout.write(`${place}: ${word}: ${cleanText(message)}\n${shown}`)
  }
}
