import { parseArgs } from 'node:util'
import { isCompiled } from '../../scripts/compile.mjs'
import { gitRepository } from '../../test/support/git-repository.ts'
import { testImage, testService } from '../../test/support/services.ts'
import { tempDir } from '../../test/support/temp-dir.ts'
import type { Bench, BenchContext } from '../bench.ts'
import { bareContainer } from '../support/bare-container.ts'
import { machineLine } from '../support/machine.ts'
import { benchServices } from '../support/services.ts'
import { spreadOf, tenths } from '../support/statistics.ts'
import { formatTable } from '../support/table.ts'
import { measureRun, measureShell, type RunTimes } from './measure-run.ts'

const DEFAULT_RUNS = '20'
const WARM_UP_RUNS = 2
const COMMAND = 'echo hello'

/** One way to run the pipeline of one `echo`. */
interface Way {
  readonly name: string
  /** The checkout whose `narwhal` it is. */
  readonly root: string
  readonly executor: string
  readonly repository: string
  readonly data: string
  /** The same command without Narwhal, in milliseconds. */
  readonly bare: () => Promise<number>
}

interface Row {
  readonly way: Way
  readonly times: RunTimes[]
  readonly bare: number[]
}

/** From the start of `narwhal run` to the first output of a step, and to its end. */
export const run: Bench = {
  name: 'run',
  summary: '`narwhal run` of one echo; --runs N, --against FOLDER (another checkout, in turn)',
  run: async (context) => {
    const { say, signal, args } = context
    const { values } = parseArgs({
      args: [...args],
      options: {
        runs: { type: 'string', default: DEFAULT_RUNS },
        against: { type: 'string' },
      },
    })
    const runs = Number(values.runs)
    if (!Number.isInteger(runs) || runs < 1) throw new Error('--runs must be a number from 1')
    if (!isCompiled()) throw new Error('compile it first: node scripts/setup.mjs')
    await using stack = new AsyncDisposableStack()
    say('services:')
    stack.use(await benchServices(say, signal))
    const rows = (await listWays(stack, values.against, signal)).map(
      (way): Row => ({ way, times: [], bare: [] }),
    )
    say(`measuring: ${WARM_UP_RUNS} rounds to warm up, then ${runs}`)
    for (let round = 1 - WARM_UP_RUNS; round <= runs; round++) await measure(rows, round, context)
    say(machineLine([]))
    for (const line of tableOf(rows)) say(line)
    return figuresOf(rows)
  },
}

async function listWays(
  stack: AsyncDisposableStack,
  against: string | undefined,
  signal: AbortSignal,
): Promise<readonly Way[]> {
  const here = new URL('../..', import.meta.url).pathname.replace(/\/$/, '')
  const { url: engine, skip } = testService('docker')
  const image = testImage()
  const open = async (file: object): Promise<string> => {
    const files = { 'narwhal.yml': JSON.stringify(file), 'README.md': 'hello\n' }
    return stack.use(await gitRepository({ files })).path
  }
  const steps = [COMMAND]
  const plain = await open({ steps })
  const contained = await open({ image, steps })
  const container = bareContainer({ engine, image, command: ['/bin/sh', '-c', COMMAND] })
  const roots = [
    { root: here, suffix: '' },
    ...(against === undefined ? [] : [{ root: against, suffix: ', other' }]),
  ]
  const folders = await Promise.all(roots.map(async () => stack.use(await tempDir()).path))
  return roots.flatMap(({ root, suffix }, at) => {
    const data = folders[at] ?? ''
    const shell = { root, data, repository: plain, bare: () => measureShell(COMMAND) }
    return [
      { ...shell, name: `process${suffix}`, executor: 'process:' },
      { ...shell, name: `bubblewrap${suffix}`, executor: 'bubblewrap:' },
      ...(skip === false
        ? [
            {
              root,
              data,
              repository: contained,
              name: `docker${suffix}`,
              executor: `docker:${engine}`,
              bare: () => container.measure('default', signal),
            },
          ]
        : []),
    ]
  })
}

async function measure(
  rows: readonly Row[],
  round: number,
  { signal }: BenchContext,
): Promise<void> {
  for (const { way, times, bare } of rows) {
    const taken = await measureRun({ ...way, signal })
    const bareMs = await way.bare()
    if (round <= 0) continue
    times.push(taken)
    bare.push(bareMs)
  }
}

function tableOf(rows: readonly Row[]): string[] {
  const figures = rows.map(({ way, times, bare }) => {
    const first = spreadOf(times.map(({ firstMs }) => firstMs))
    const all = spreadOf(times.map(({ totalMs }) => totalMs))
    const without = spreadOf(bare)
    return [
      way.name,
      first.p50.toFixed(0),
      first.p95.toFixed(0),
      all.p50.toFixed(0),
      without.p50.toFixed(0),
      (all.p50 - without.p50).toFixed(0),
    ]
  })
  const titles = ['first output, p50 ms', 'p95', 'whole, p50', 'bare', 'the rest']
  return formatTable(
    [
      { title: 'executor', holds: 'words' },
      ...titles.map((title) => ({ title, holds: 'figures' }) as const),
    ],
    figures,
  )
}

function figuresOf(rows: readonly Row[]): object {
  return Object.fromEntries(
    rows.flatMap(({ way, times, bare }) => {
      const key = way.name.replace(', ', '_')
      const first = spreadOf(times.map(({ firstMs }) => firstMs))
      const all = spreadOf(times.map(({ totalMs }) => totalMs)).p50
      const without = spreadOf(bare).p50
      return [
        [`run_first_output_ms_${key}`, tenths(first.p50)],
        [`run_first_output_p95_ms_${key}`, tenths(first.p95)],
        [`run_rest_ms_${key}`, tenths(all - without)],
        [`run_ratio_${key}`, Math.round((all / without) * 100) / 100],
      ]
    }),
  )
}
