import { once } from 'node:events'
import { rm, writeFile } from 'node:fs/promises'
import { startServices } from './start-services.ts'

/**
 * Starts the services and keeps them until Ctrl-C, for running single test files. The argument names a file
 * that gets the lines to source in a shell; without one they are printed.
 */
const [file] = process.argv.slice(2)
const stop = new AbortController()
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => stop.abort())

try {
  await using services = await startServices((line) => console.error(line), stop.signal)
  const lines = Object.entries(services.env).map(([name, value]) => `export ${name}='${value}'\n`)
  if (file) await writeFile(file, lines.join(''))
  else process.stdout.write(lines.join(''))
  console.error('Ctrl-C stops them')
  // A signal listener alone does not keep a process alive.
  const awake = setInterval(() => {}, 2 ** 30)
  if (!stop.signal.aborted) await once(stop.signal, 'abort')
  clearInterval(awake)
  if (file) await rm(file, { force: true })
} catch (error) {
  if (!stop.signal.aborted) throw error
}
