import type { ApiClient } from '../../client/client.ts'
import type { PipelineId } from '../../core/ids.ts'
import type { Outcome } from '../../core/outcome.ts'
import { NarwhalError } from '../../lib/errors.ts'
import { type CliIo, coloursFor, hasColour, hasUnicode } from '../terminal/cli-io.ts'
import { marksFor } from '../terminal/marks.ts'
import type { PipelineModel } from './pipeline-model.ts'
import { PlainView } from './plain-view.ts'
import { headline, type Look, summaryLines } from './summary.ts'
import type { WatchOptions } from './watch-pipeline.ts'

const FRAME_MS = 100

/** Colours and symbols for standard output, by terminal and locale. */
export function lookOf(io: CliIo): Look {
  return {
    colours: coloursFor(io, io.stdout),
    colour: hasColour(io, io.stdout),
    marks: marksFor(hasUnicode(io)),
  }
}

/**
 * Shows a pipeline's progress on standard output until it ends: live on a terminal, line by line
 * elsewhere or with `plain`. Resolves to its outcome; rejects with `cancelled` when aborted (the
 * pipeline continues) and with `unavailable` when the server stays unreachable.
 */
export async function followPipeline(
  client: ApiClient,
  id: PipelineId,
  io: CliIo,
  signal: AbortSignal,
  options: { plain?: boolean } = {},
): Promise<Outcome> {
  // Not for those who watch a pipeline of their own process.
  const { watchPipeline } = await import('./watch-pipeline.ts')
  return await follow((watch) => watchPipeline(client, id, { ...watch, signal }), io, options)
}

/** What a follower is notified of, and how much of the logs it gets. */
export type Following = Omit<WatchOptions, 'signal' | 'until' | 'patienceMs'>

/** Shows the pipeline that `watch` watches, as `followPipeline` does; resolves to its outcome. */
export async function follow(
  watch: (following: Following) => Promise<PipelineModel>,
  io: CliIo,
  options: { plain?: boolean } = {},
): Promise<Outcome> {
  const live = io.stdout.isTTY && io.env['TERM'] !== 'dumb' && !options.plain
  const { pipeline } = live ? await followLive(watch, io) : await followPlain(watch, io)
  const { outcome } = pipeline
  if (!outcome) {
    throw new NarwhalError('internal', `pipeline ${pipeline.id} ended without an outcome`)
  }
  return outcome
}

type Watch = Parameters<typeof follow>[0]

async function followPlain(watch: Watch, io: CliIo): Promise<PipelineModel> {
  const view = new PlainView(lookOf(io), (line) => io.stdout.write(`${line}\n`))
  const model = await watch({
    logs: 'all',
    onChange: (changed, lines) => view.update(changed, lines, io.now()),
    onLogEnd: (_changed, jobId) => view.logEnd(jobId),
  })
  view.end(model, io.now())
  return model
}

async function followLive(watch: Watch, io: CliIo): Promise<PipelineModel> {
  // Late: what measures text takes a while to load.
  const { foldedLines, renderRegion } = await import('./live-frame.ts')
  const { LiveRegion } = await import('./live-region.ts')
  const look = lookOf(io)
  const folded = new Set<string>()
  let model: PipelineModel | undefined
  const frame = () => ({
    look,
    now: io.now(),
    columns: io.stdout.columns,
    rows: io.stdout.rows,
  })
  const finished = () => {
    if (!model) return []
    const { pipeline, jobs } = model
    // The title of a manually started one is known once the commit has been fetched.
    const isKnown = pipeline.event.title !== '' || jobs.size > 0 || pipeline.status === 'finished'
    const head = isKnown && !folded.has('head') ? [headline(look, pipeline)] : []
    if (isKnown) folded.add('head')
    const fresh = foldedLines(model, frame()).filter(({ key }) => !folded.has(key))
    for (const { key } of fresh) folded.add(key)
    return [...head, ...fresh.map(({ line }) => line)]
  }
  using region = new LiveRegion(io)
  const draw = () => {
    if (model) region.update(finished(), renderRegion(model, frame()))
  }
  // Log lines come by the thousand and wait for the next frame; the ends of steps don't.
  const timer = setInterval(draw, FRAME_MS)
  using _resize = io.stdout.onResize(draw)
  try {
    model = await watch({
      logs: 'tail',
      onChange: (changed, lines) => {
        model = changed
        if (!lines) draw()
      },
    })
    region.update([...finished(), ...summaryLines(look, model, io.now())], [])
    return model
  } finally {
    clearInterval(timer)
  }
}
