import { parseArgs } from 'node:util'
import { startServices } from '../../support/services/start-services.ts'
import { tempDir } from '../../support/temp-dir.ts'
import { compileCrashing } from './compile-crashing.ts'
import { type CrashResult, runCrashPoints } from './crash-points.ts'
import type { StageKind } from './crash-stage.ts'
import { resultLine, summaryLine } from './describe-points.ts'

const HELP = `npm run faults -- --crash-points [options]

Kills Narwhal at each of its store and broker operations in turn, and starts it again.

  --only <kind>      only sqlite or postgres
  --sample <count>   at most so many points of each process, instead of all
  --seed <number>    chooses them; 1 unless told
  --lanes <count>    how many runs at a time of each kind; 3 unless told
`

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    sample: { type: 'string' },
    seed: { type: 'string', default: '1' },
    lanes: { type: 'string', default: '3' },
    help: { type: 'boolean', default: false },
  },
})

if (values.help) console.log(HELP)
else await main()

async function main(): Promise<void> {
  const stop = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => stop.abort(new Error('stopped before the end')))
  }
  const kinds: StageKind[] = ['sqlite', 'postgres']
  const chosen = kinds.filter((kind) => !values.only || values.only === kind)
  await using services = await startServices((line) => console.log(line), stop.signal)
  Object.assign(process.env, services.env)
  await using dir = await tempDir()
  const programs = await compileCrashing(dir.path)
  const results: CrashResult[] = []
  for (const kind of chosen) {
    const startedAt = performance.now()
    const { results: found } = await runCrashPoints({
      kind,
      programs,
      lanes: Number(values.lanes),
      sample: values.sample
        ? { size: Number(values.sample), seed: Number(values.seed) }
        : undefined,
      onCount: (points) => console.log(`${kind}: ${JSON.stringify(points)}`),
      onResult: (result) => {
        console.log(resultLine(result))
        if (result.end === 'broken') console.log(result.said)
      },
      signal: stop.signal,
    })
    results.push(...found)
    console.log(`${kind}: ${((performance.now() - startedAt) / 1000).toFixed(1)} s`)
  }
  console.log(summaryLine({ results, leftOut: 0 }))
  process.exitCode = results.every(({ end }) => end !== 'broken') ? 0 : 1
}
