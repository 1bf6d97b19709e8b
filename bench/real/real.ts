import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { parseArgs, promisify } from 'node:util'
import type { StepSpec } from '../../src/core/plan/plan.ts'
import { parsePipelineFile } from '../../src/pipeline-file/parse-pipeline-file.ts'
import { type GitRepository, gitRepository } from '../../test/support/git-repository.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { LiveWatch } from '../support/live-watch.ts'
import { machineLine } from '../support/machine.ts'
import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable, type TableColumn } from '../support/table.ts'
import { root, startUpProcess } from '../support/up-process.ts'

const run = promisify(execFile)
const DEFAULT_RUNS = '10'

/** The checks that this repository has of itself, by Narwhal and by hand, in turn. */
interface Times {
  readonly narwhal: readonly number[]
  readonly byHand: readonly number[]
}

/**
 * A real project's own checks: this repository's `narwhal.yml` (five scripts over all its files),
 * from the wish to build a new commit until `success` is seen over the websocket, against the same
 * scripts by hand, in a fresh clone of the same commit.
 */
export const real: Bench = {
  name: 'real',
  summary:
    "this repository's own narwhal.yml, against its commands by hand; --runs N, --executor E",
  run: async (context) => {
    const { say, args, signal } = context
    const options = {
      runs: { type: 'string', default: DEFAULT_RUNS },
      executor: { type: 'string', default: 'bubblewrap:' },
    } as const
    const { values } = parseArgs({ args: [...args], options })
    const runs = Number(values.runs)
    if (!(Number.isInteger(runs) && runs >= 1 && runs <= 100)) throw new Error('--runs: 1 to 100')
    await using project = await copyOfThis()
    await using up = await startUpProcess({ executor: values.executor, signal })
    await using watch = await LiveWatch.open(up, signal)
    const { path: cloneUrl } = project
    await up.client.addRepository({ name: 'bench/narwhal', cloneUrl, pollIntervalMs: 0 })
    const build = async (): Promise<number> => {
      const sha = await project.commit({}, 'Change')
      const ending = watch.endOf(sha, signal)
      ending.catch(() => {})
      const startedAt = performance.now()
      await up.client.startPipeline({ repository: 'bench/narwhal' })
      const { pipeline, seenAt } = await ending
      if (pipeline.outcome === 'success') return seenAt - startedAt
      throw new Error(`${pipeline.id} ended in ${pipeline.outcome}: ${pipeline.reason}`)
    }
    const times = await measureInTurn(context, { runs, build, project })
    say(machineLine([values.executor]))
    const [narwhal, byHand] = [spreadOf(times.narwhal), spreadOf(times.byHand)]
    const ratio = narwhal.p50 / byHand.p50
    const rows = [
      ['narwhal', ...cells(times.narwhal), ratio.toFixed(2)],
      ['by hand: git clone, then the scripts', ...cells(times.byHand), '1.00'],
    ]
    for (const line of formatTable(COLUMNS, rows)) say(line)
    return {
      runs,
      ratio: Math.round(ratio * 1000) / 1000,
      narwhal_p50_ms: tenths(narwhal.p50),
      by_hand_p50_ms: tenths(byHand.p50),
    }
  },
}

const COLUMNS: readonly TableColumn[] = [
  { title: 'milliseconds', holds: 'words' },
  { title: 'p50', holds: 'figures' },
  { title: 'p25–p75', holds: 'figures' },
  { title: 'p95', holds: 'figures' },
  { title: '÷ by hand', holds: 'figures' },
]

function cells(values: readonly number[]): string[] {
  const { p50, p25, p75, p95 } = spreadOf(values)
  return [p50.toFixed(0), `${p25.toFixed(0)}–${p75.toFixed(0)}`, p95.toFixed(0)]
}

/** A repository with the files of this one, as they are committed here. */
async function copyOfThis(): Promise<GitRepository> {
  const repository = await gitRepository()
  await repository.git('fetch', '--quiet', '--depth', '1', root, 'HEAD')
  await repository.git('reset', '--quiet', '--hard', 'FETCH_HEAD')
  return repository
}

/** One after the other, in turn, so that whatever else the machine does falls on both. */
async function measureInTurn(
  { say, signal }: BenchContext,
  { runs, build, project }: { runs: number; build: () => Promise<number>; project: GitRepository },
): Promise<Times> {
  const steps = await stepsOf(project)
  const [narwhal, byHand]: [number[], number[]] = [[], []]
  say(`measuring: one round to warm up, then ${runs}`)
  for (let round = 0; round <= runs; round++) {
    signal.throwIfAborted()
    const [one, other] = [await build(), await doByHand(project, steps, signal)]
    if (round === 0) continue
    narwhal.push(one)
    byHand.push(other)
  }
  return { narwhal, byHand }
}

async function stepsOf({ path }: GitRepository): Promise<readonly StepSpec[]> {
  const parsed = parsePipelineFile(await readFile(`${path}/narwhal.yml`, 'utf8'))
  const [job] = parsed.ok ? parsed.plan.jobs : []
  if (!job) throw new Error('narwhal.yml has no job')
  return job.steps
}

async function doByHand(
  { path }: GitRepository,
  steps: readonly StepSpec[],
  signal: AbortSignal,
): Promise<number> {
  await using folder = await tempDir('narwhal-bench-')
  const startedAt = performance.now()
  const clone = folder.join('clone')
  await run('git', ['clone', '--quiet', `file://${path}`, clone], { signal })
  for (const { command } of steps) await run('sh', ['-ec', command], { cwd: clone, signal })
  return performance.now() - startedAt
}
