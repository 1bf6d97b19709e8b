import { parseArgs } from 'node:util'
import type { Report } from './judge.ts'
import { type FaultsOptions, faultsOptions, type RunnerLinkKind } from './options.ts'
import { runPlantedCommand } from './planted/main.ts'
import { reportText } from './report-text.ts'
import { runFaults } from './run-faults.ts'

const HELP = `npm run faults -- [--seed S] [--minutes M] [options]

  --seed <number>         chooses faults, load and moments; else one is made up and printed
  --minutes <number>      how long faults are made; 10 unless told
  --gap <seconds>         between two faults on average; 1.7 unless told, 0 makes none
  --dispatchers <count>   2 unless told; likewise --agents, --runners (3) and --webs
  --links <list>          how runners are reached, in turn: attached,dialled unless told
  --executors <list>      of the runners, in turn, with commas: process: unless told
  --only <list>           only these kinds of faults, with commas
  --keep                  keep the output and the history in any case
  --root <folder>         the checkout whose Narwhal is judged; this one unless told

npm run faults -- --planted [--seed S] [name …]

  --planted               plant known mistakes, one by one, and see that each is caught
  --sound                 the same runs without the mistakes
`

const { values, positionals } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '10' },
    gap: { type: 'string', default: '1.7' },
    agents: { type: 'string', default: '2' },
    dispatchers: { type: 'string', default: '2' },
    runners: { type: 'string', default: '3' },
    webs: { type: 'string', default: '2' },
    links: { type: 'string' },
    executors: { type: 'string' },
    only: { type: 'string' },
    root: { type: 'string' },
    keep: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    sound: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
  allowPositionals: true,
})

if (values.help) {
  console.log(HELP)
} else {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error('stopped before the end')))
  }
  try {
    process.exitCode = (await run(stop.signal)) ? 0 : 1
  } catch (error) {
    if (!stop.signal.aborted) throw error
    console.error('stopped before the end')
    process.exitCode = 130
  }
}

/** Resolves with whether all is as it should be. */
async function run(signal: AbortSignal): Promise<boolean> {
  if (values.planted || values.sound) {
    const seed = Number(values.seed ?? '1')
    return runPlantedCommand({ names: positionals, seed, isHealthy: values.sound, signal })
  }
  if (positionals.length > 0) throw new RangeError(`what is ${positionals.join(' ')}? See --help`)
  const report = await runFaults(optionsOf(signal))
  print(report)
  return report.breaches.length === 0
}

function optionsOf(signal: AbortSignal): FaultsOptions {
  return faultsOptions({
    ...(values.seed === undefined ? {} : { seed: Number(values.seed) }),
    durationMs: Number(values.minutes) * 60_000,
    meanGapMs: Number(values.gap) * 1_000,
    counts: {
      agent: Number(values.agents),
      dispatcher: Number(values.dispatchers),
      runner: Number(values.runners),
      web: Number(values.webs),
    },
    ...(values.links ? { runnerLinks: values.links.split(',').map(linkKind) } : {}),
    ...(values.executors ? { executors: values.executors.split(',') } : {}),
    ...(values.only
      ? { weights: Object.fromEntries(values.only.split(',').map((kind) => [kind, 1])) }
      : {}),
    ...(values.root ? { root: values.root } : {}),
    keep: values.keep,
    say: (line) => console.log(line),
    signal,
  })
}

function linkKind(word: string): RunnerLinkKind {
  if (word === 'attached' || word === 'dialled') return word
  throw new RangeError(`--links: ${word} is neither attached nor dialled`)
}

/** The breaches are told above, in words; the line of figures stays one line. */
function print(report: Report): void {
  console.log(`\n${reportText(report)}`)
  const { breaches, ...figures } = report
  console.log(JSON.stringify({ ...figures, broken: breaches.length }))
}
