import type { Bench } from './bench.ts'
import { containers } from './containers/containers.ts'
import { dispatch } from './dispatch/dispatch.ts'
import { footprint } from './footprint/footprint.ts'
import { hostile } from './hostile/hostile.ts'
import { hotpath } from './hotpath/hotpath.ts'
import { idle } from './idle/idle.ts'
import { logs } from './logs/logs.ts'
import { pull } from './pull/pull.ts'
import { real } from './real/real.ts'
import { retention } from './retention/retention.ts'
import { run as runOnLaptop } from './run/run.ts'
import { searches } from './searches/searches.ts'
import { steps } from './steps/steps.ts'
import { webhooks } from './webhooks/webhooks.ts'

const BENCHES: readonly Bench[] = [
  hotpath,
  steps,
  logs,
  webhooks,
  dispatch,
  footprint,
  idle,
  containers,
  pull,
  retention,
  hostile,
  searches,
  real,
  runOnLaptop,
]

/** `npm run bench -- NAME …`: runs one benchmark; its figures are the last line of the output. */
const [name, ...args] = process.argv.slice(2)
const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => stop.abort())
}
const bench = BENCHES.find((one) => one.name === name)
if (bench) {
  await run(bench)
} else {
  if (name !== undefined) console.error(`there is no benchmark "${name}"\n`)
  console.error('npm run bench -- NAME, where NAME is one of\n')
  for (const one of BENCHES) console.error(`  ${one.name.padEnd(10)} ${one.summary}`)
  process.exitCode = 2
}

async function run({ name, run }: Bench): Promise<void> {
  const say = (line: string) => console.log(line)
  try {
    const figures = await run({ args, signal: stop.signal, say })
    console.log(JSON.stringify({ bench: name, ...figures }))
  } catch (error) {
    if (!stop.signal.aborted) throw error
    console.error('stopped before the end')
    process.exitCode = 130
  }
}
