import { silentLog } from '../../../lib/log.ts'
import { startWatchdog } from '../../watchdog/watchdog.ts'
import { watchedExecutor } from '../../watchdog/watched-executor.ts'
import { type OciPlace, ociSpecIn, openOci } from './oci-stage.fixture.ts'

/** The process's argument, as JSON. */
export interface KilledRunner extends OciPlace {
  /** For the workspace. */
  readonly dir: string
  /** How long its step sleeps: by that, its processes are found. */
  readonly seconds: string
  readonly isWatched: boolean
}

/** A process that opens a sandbox, runs a step until its input ends, and says what it is doing. */
const { dir, seconds, isWatched, ...place } = JSON.parse(process.argv[2] ?? '') as KilledRunner
const own = await openOci(place)
const executor = isWatched ? watchedExecutor(own, startWatchdog({ log: silentLog() })) : own
await own.probe()
const stop = new AbortController()
process.stdin.on('end', () => stop.abort()).resume()
// Who has heard enough stops listening, and means to kill it in the middle.
process.stdout.on('error', () => {})
process.stdout.write('opening\n')
const sandbox = await executor.open(await ociSpecIn(dir), new AbortController().signal)
process.stdout.write('open\n')
const script = `(setsid sleep ${seconds} &)\necho running\nsleep ${seconds}`
const say = (_: string, chunk: Uint8Array) => void process.stdout.write(chunk)
await sandbox.run({ script, env: {} }, say, stop.signal).catch(() => {})
process.stdout.write('closing\n')
await sandbox[Symbol.asyncDispose]()
process.stdout.write('closed\n')
