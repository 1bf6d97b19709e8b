import { startServices } from '../../support/services/start-services.ts'
import { reportText } from '../report-text.ts'
import { openPlantedCompiler } from './planted-compiler.ts'
import { runAll } from './run-all.ts'
import type { PlantedResult } from './run-planted.ts'

export interface PlantedCommand {
  /** Only these bugs; all when there are none. */
  readonly names: readonly string[]
  readonly seed: number
  /** Runs the same without the mistakes: then every promise must be kept. */
  readonly isHealthy: boolean
  readonly signal: AbortSignal
}

/** `npm run faults -- --planted`: prints a table, and resolves with whether all is as it should be. */
export async function runPlantedCommand(command: PlantedCommand): Promise<boolean> {
  const { names, seed, isHealthy, signal } = command
  console.log(`seed ${seed}${isHealthy ? ', without the mistakes' : ''}`)
  await using services = await startServices((line) => console.log(line), signal)
  Object.assign(process.env, services.env)
  await using compiler = await openPlantedCompiler()
  const options = { compiler, seed, isHealthy, signal }
  const results = await runAll(names, options, (one) => console.log(line(one)))
  const isGood = isHealthy ? isSound : isCaught
  for (const result of results.filter((one) => !isGood(one))) {
    console.log(`\n${result.bug.name}: ${result.bug.mistake}\n${reportText(result.report)}`)
  }
  const good = results.filter(isGood).length
  console.log(`${isHealthy ? 'sound runs' : 'planted bugs'}: ${good}/${results.length}`)
  return good === results.length
}

function line({ bug, caughtBy, seconds, report }: PlantedResult): string {
  const broken = caughtBy.length > 0 ? `caught by ${caughtBy.join(', ')}` : 'not caught'
  const others = `broken promises: ${report.breaches.length}`
  return [bug.name.padEnd(20), `${seconds.toFixed(0).padStart(3)} s`, broken, others].join('  ')
}

function isCaught({ caughtBy }: PlantedResult): boolean {
  return caughtBy.length > 0
}

function isSound({ report }: PlantedResult): boolean {
  return report.breaches.length === 0
}
