import { actionWords } from '../../contract/rest/forge-words.ts'
import { imagesOf } from '../../contract/rest/images-of.ts'
import type { PipelineWithJobs } from '../../contract/rest/rest.ts'
import type { JobView, PipelineView, StepView } from '../../contract/rest/views.ts'
import { placeOf } from '../../core/commit-event.ts'
import { planNote } from '../../core/pipeline/plan-note.ts'
import { cleanLogText, cleanText } from '../terminal/clean-text.ts'
import { type CliIo, coloursFor, hasUnicode } from '../terminal/cli-io.ts'
import { formatAge, formatSpan, paintStatus, statusWord } from '../terminal/format.ts'
import { marksFor, outcomeMark } from '../terminal/marks.ts'
import { printTable } from '../terminal/table.ts'
import { changedLines } from './changed-files.ts'

export async function printPipelines(io: CliIo, pipelines: readonly PipelineView[]): Promise<void> {
  const colours = coloursFor(io, io.stdout)
  const now = io.now()
  await printTable(io, pipelines, [
    { title: 'pipeline', cell: (one) => `${cleanText(one.repositoryName)}#${one.number}` },
    {
      title: 'status',
      cell: (one) => `${paintStatus(colours, statusWord(one))}${holdOf(one, now) ? ', kept' : ''}`,
    },
    { title: 'event', cell: (one) => kindWords(one.event) },
    { title: 'ref', cell: (one) => cleanText(placeOf(one.event)), shrinkTo: 10 },
    { title: 'commit', cell: (one) => cleanText(one.event.sha.slice(0, 10)) },
    { title: 'title', cell: (one) => cleanText(one.event.title), shrinkTo: 12 },
    { title: 'author', cell: (one) => cleanText(one.event.author), shrinkTo: 8 },
    { title: 'duration', cell: (one) => formatSpan(wholeSpan(one), now) },
    { title: 'created', cell: (one) => formatAge(one.createdAt, now) },
  ])
}

/** A pipeline's duration counts from its creation, waiting included. */
function wholeSpan(pipeline: PipelineView): { startedAt: number; finishedAt: number | undefined } {
  return { startedAt: pipeline.createdAt, finishedAt: pipeline.finishedAt }
}

/** Prints one pipeline: its facts, the problems of its narwhal.yml, and its jobs with their steps. */
export async function printPipeline(
  io: CliIo,
  { pipeline, jobs, statusRefusal }: PipelineWithJobs,
): Promise<void> {
  const colours = coloursFor(io, io.stdout)
  const now = io.now()
  const { event } = pipeline
  const word = statusWord(pipeline)
  const why = pipeline.reason ? `: ${cleanText(pipeline.reason)}` : ''
  const name = cleanText(pipeline.name)
  const note = planNote(pipeline)
  const facts: [string, string][] = [
    ['status', `${paintStatus(colours, word)}${why}`],
    ...(name ? ([['name', name]] satisfies [string, string][]) : []),
    ['commit', `${cleanText(event.sha)} on ${cleanText(placeOf(event))}`],
    ['title', cleanText(event.title)],
    ['author', cleanText(event.author)],
    ['event', eventWords(event)],
    [
      'created',
      `${new Date(pipeline.createdAt).toISOString()} (${formatAge(pipeline.createdAt, now)})`,
    ],
    ['duration', formatSpan(wholeSpan(pipeline), now)],
    ...(pipeline.rerunOf ? ([['rerun of', pipeline.rerunOf]] satisfies [string, string][]) : []),
    ...(statusRefusal === undefined
      ? []
      : ([['forge', `refused its status: ${cleanText(statusRefusal)}`]] satisfies [
          string,
          string,
        ][])),
    ['id', pipeline.id],
    ...heldLines(pipeline, now),
    ...(note ? ([['note', cleanText(note)]] satisfies [string, string][]) : []),
    ...notShown(pipeline),
    ...changedLines(pipeline.changed).map((line, i): [string, string] => [
      i === 0 ? 'changes' : '',
      line,
    ]),
    ...howToApprove(pipeline),
  ]
  const title = `${cleanText(pipeline.repositoryName)}#${pipeline.number}`
  io.stdout.write(`${colours.bold(title)}\n`)
  for (const [label, value] of facts) {
    io.stdout.write(`  ${colours.dim(label.padEnd(9))} ${value}\n`)
  }
  for (const problem of pipeline.problems) {
    const excerpt = problem.excerpt.split('\n').map((line) => `  ${cleanLogText(line, false)}\n`)
    const place = `${cleanText(problem.file ?? 'narwhal.yml')}:${problem.line}:${problem.column}`
    io.stdout.write(`\n${place}: ${cleanText(problem.message)}\n${excerpt.join('')}`)
  }
  if (jobs.length > 0) await printJobs(io, jobs)
}

/** `push (webhook)`, or `manual`, which has no other source. */
function eventWords(event: PipelineView['event']): string {
  const words = kindWords(event)
  return words === event.source ? words : `${words} (${event.source})`
}

function kindWords(event: PipelineView['event']): string {
  return [event.kind.replace('_', ' '), ...actionWords(event)].join(', ')
}

/** The hold in effect; an expired one keeps nothing. */
function holdOf({ hold }: PipelineView, now: number): PipelineView['hold'] {
  return hold && hold.until > now ? hold : undefined
}

function heldLines(pipeline: PipelineView, now: number): [string, string][] {
  const hold = holdOf(pipeline, now)
  if (!hold) return []
  const who = hold.by === undefined ? '' : `, by ${cleanText(hold.by)}`
  const until = new Date(hold.until).toISOString()
  return [['kept', `until ${until}${who}: ${cleanText(hold.because)}`]]
}

/** Where a stranger's pipeline falls short of what its target branch requires. */
function notShown({ target }: PipelineView): [string, string][] {
  const { missing = [], failed = [] } = target ?? {}
  const list = (names: readonly string[]) => names.map(cleanText).join(', ')
  return [
    ...(missing.length > 0
      ? ([
          [
            'missing',
            `${list(missing)}: required by the target branch's narwhal.yml, not run by its own`,
          ],
        ] satisfies [string, string][])
      : []),
    ...(failed.length > 0
      ? ([['failed', `${list(failed)}: only its own narwhal.yml allows them to fail`]] satisfies [
          string,
          string,
        ][])
      : []),
  ]
}

/** An approval is for one commit: the command names the one shown. */
function howToApprove({
  approval,
  status,
  repositoryName,
  number,
  event,
}: PipelineView): [string, string][] {
  if (approval?.status !== 'needed' || status === 'finished') return []
  const name = `${cleanText(repositoryName)}#${number}`
  return [['approve', `narwhal pipeline approve ${name} --sha ${cleanText(event.sha)}`]]
}

interface Row {
  readonly name: string
  readonly word: string
  readonly runner: string
  readonly duration: string
  readonly details: string
}

async function printJobs(io: CliIo, jobs: readonly JobView[]): Promise<void> {
  const colours = coloursFor(io, io.stdout)
  const marks = marksFor(hasUnicode(io))
  const now = io.now()
  io.stdout.write('\n')
  const mark = (state: { outcome?: JobView['outcome'] }) =>
    state.outcome ? `${outcomeMark(marks, state.outcome)} ` : `${marks.dot} `
  const rows = jobs.flatMap((job): Row[] => {
    const attempt = job.attempts.find(({ number }) => number === job.attempt)
    const again = job.attempt > 1 ? ` (attempt ${job.attempt})` : ''
    // A job that has ended without an attempt has no step that waits for its turn.
    const state = job.outcome
      ? ({ status: 'finished', outcome: 'skipped' } as const)
      : ({ status: 'waiting' } as const)
    const steps: readonly StepView[] =
      attempt?.steps ?? job.stepNames.map((name, index) => ({ index, name, ...state }))
    return [
      {
        name: `${mark(job)}${cleanText(job.name)}${again}`,
        word: statusWord(job),
        runner: cleanText(attempt?.decision.runnerName ?? ''),
        duration: formatSpan(job, now),
        details: [job.id, cleanText(job.reason ?? '')].filter(Boolean).join('  '),
      },
      ...steps.map((step) => ({
        name: `  ${mark(step)}${cleanText(step.name)}`,
        word: statusWord(step),
        runner: '',
        duration: formatSpan(step, now),
        details: cleanText(step.reason ?? (step.exitCode ? `exit code ${step.exitCode}` : '')),
      })),
      ...imagesOf(attempt).map(({ image, digest }) => ({
        name: '  image',
        word: '',
        runner: '',
        duration: '',
        details: cleanText(`${image}  ${digest}`),
      })),
    ]
  })
  await printTable(io, rows, [
    { title: 'job', cell: ({ name }) => name, shrinkTo: 12 },
    { title: 'status', cell: ({ word }) => paintStatus(colours, word) },
    { title: 'runner', cell: ({ runner }) => runner },
    { title: 'duration', cell: ({ duration }) => duration },
    { title: 'details', cell: ({ details }) => details, shrinkTo: 20 },
  ])
}
